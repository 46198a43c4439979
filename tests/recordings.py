"""Recordings of perfect sessions on the bundled tasks, for runs that need an actor but no model."""

from __future__ import annotations

from pathlib import Path

from actorcritic_cli.actors.recorded import RecordedActor
from actorcritic_cli.envs import registry
from actorcritic_cli.exchange import trace
from actorcritic_cli.session.build import opening
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import begin
from actorcritic_cli.types import SessionSpec, Supervision
from actorcritic_cli.users.script import ScriptedUser
from tests.parties import call, reply


def write_perfect_sessions(path: Path) -> list[str]:
    """Write a trace file with one rewarded session of every bundled task; return the task ids."""
    environment = registry.load("tau_airline")
    written = []
    with path.open("wb") as file:
        for task in environment.tasks():
            asks = [reply(f"Please go on ({n}).") for n in range(len(task.script) - 1)]
            acts = [call(a.name, a.arguments, f"call_{n}") for n, a in enumerate(task.actions)]
            says = [reply("All done: " + ", ".join(task.outputs))]
            steps = [*asks[:-1], *acts, *says] if not _transfers(task) else [*asks, *acts]
            actor = RecordedActor({n: (s,) for n, s in enumerate(steps, start=1)}, "perfect")
            spec = SessionSpec(
                "tau_airline", "bundled", task.id, "recorded:perfect", "script", supervision=Supervision(mode="off")
            )
            parties = Parties(environment, environment.open(task), actor, ScriptedUser.from_task(task))
            started = opening(spec, task, parties, session=f"perfect-{task.id}", at=0.0)
            events = [started, *Session(parties, begin(started), clock=lambda: 0.0).events()]
            assert events[-1].reward is not None, (task.id, events[-1])
            assert events[-1].reward.value == 1.0, (task.id, events[-1])
            trace.write(file, events)
            written.append(task.id)
    return written


def _transfers(task) -> bool:
    return any(a.name == "transfer_to_human_agents" for a in task.actions)
