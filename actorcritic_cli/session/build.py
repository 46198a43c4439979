"""From a specification to the parties of a session.

A ``SessionSpec`` is small text; this file is the one place that turns it into an environment, an actor, a user and a
critic. Parties that speak from a recording get its events through ``recordings``, so that nothing here knows where
recordings lie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actorcritic_cli.actors.protocol import Actor, Progress
from actorcritic_cli.critics.protocol import Critic
from actorcritic_cli.envs import registry
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.errors import NotFound, UsageError
from actorcritic_cli.session.arbiter import Arbiter, NobodyToAsk
from actorcritic_cli.session.events import Event, Observed, Started
from actorcritic_cli.session.loop import Parties
from actorcritic_cli.types import SessionSpec, Task
from actorcritic_cli.users.protocol import User

Recordings = Callable[[str, SessionSpec], Sequence[Event]]
"""Finds the recorded events that a source (a file, a session, a run) holds for a session's task and trial."""


def environment_for(spec: SessionSpec) -> Environment:
    """Return the environment of a session. Raises ``NotFound`` with the remedy."""
    return registry.load(spec.env, spec.dataset, spec.env_options)


def task_for(environment: Environment, task_id: str | None) -> Task | None:
    """Return a task by its id. Raises ``NotFound`` naming a few that exist."""
    if task_id is None:
        return None
    tasks = {task.id: task for task in environment.tasks()}
    if task_id not in tasks:
        some = ", ".join(list(tasks)[:6])
        raise NotFound(f"{environment.name} ({environment.dataset}) has no task '{task_id}'; it has {some} …")
    return tasks[task_id]


def critic_for(spec: SessionSpec) -> Critic | None:
    """Return the critic or the panel of a session, not yet started; ``None`` when unsupervised.

    Raises ``UsageError``, ``NotFound`` and ``AccError`` for what cannot judge.
    """
    if spec.critic is None or spec.supervision.mode == "off":
        return None
    from actorcritic_cli.critics.resolve import resolve_all

    return resolve_all((spec.critic, *spec.panel), spec.critic_options)


def check_models(spec: SessionSpec) -> None:
    """Raise ``UsageError`` for an actor or user whose calls are bound to fail, before anything is recorded."""
    from actorcritic_cli.providers.aliases import check_usable, resolve

    if spec.actor.partition(":")[0] not in ("recorded", "sim"):
        check_usable(resolve(spec.actor), spec.actor_options.get("base_url"))
    kind, _, model = spec.user.partition(":")
    if kind == "llm" and model:
        check_usable(resolve(model), spec.user_options.get("base_url"))


def parties_for(
    spec: SessionSpec,
    task: Task | None,
    *,
    critic: Critic | None,
    recordings: Recordings,
    person: User | None = None,
    arbiter: Arbiter | None = None,
    progress: Progress | None = None,
) -> Parties:
    """Return the parties of a session, with the world at its beginning.

    ``person`` is who sits at the terminal, for ``user="person"``. The critic is handed in because one serves many
    sessions. Raises ``UsageError`` and ``NotFound`` for what cannot be meant.
    """
    environment = environment_for(spec)
    return Parties(
        environment=environment,
        episode=environment.open(task),
        actor=_actor(spec, task, environment, recordings, progress),
        user=_user(spec, task, recordings, person),
        critic=critic if spec.supervision.mode != "off" else None,
        arbiter=arbiter or NobodyToAsk(),
    )


def opening(
    spec: SessionSpec, task: Task | None, parties: Parties, *, session: str, at: float, run: str | None = None
) -> Started:
    """Return the first event of a new session."""
    return Started(
        session=session,
        at=at,
        spec=spec,
        messages=parties.environment.opening(),
        task=task,
        tools=parties.environment.tools,
        critic=parties.critic.identity if parties.critic else None,
        run=run,
        actor=parties.actor.name,
        user=parties.user.name,
    )


def _actor(
    spec: SessionSpec,
    task: Task | None,
    environment: Environment,
    recordings: Recordings,
    progress: Progress | None,
) -> Actor:
    kind, _, source = spec.actor.partition(":")
    if kind == "sim":
        from actorcritic_cli.actors.sim.resolve import simulated

        return simulated(source, spec, task, environment)
    if kind == "recorded":
        from actorcritic_cli.actors.recorded import RecordedActor

        return RecordedActor.from_events(recordings(source, spec), source=source)
    from actorcritic_cli.actors.litellm_actor import LitellmActor

    return LitellmActor(spec.actor, spec.actor_options, progress=progress)


def _user(spec: SessionSpec, task: Task | None, recordings: Recordings, person: User | None) -> User:
    kind, _, source = spec.user.partition(":")
    match kind:
        case "person":
            if person is None:
                raise UsageError("A person can only take part at a terminal; choose --user script or --user llm:MODEL.")
            return person
        case "script":
            from actorcritic_cli.users.answering import AnsweringUser, answers_of
            from actorcritic_cli.users.script import ScriptedUser

            if source not in ("", "task", "answers"):
                return ScriptedUser.from_file(source)
            if task is not None and source != "task" and (answers := answers_of(task)) is not None:
                return AnsweringUser(answers)
            if task is None or not task.script:
                raise UsageError("There is no script for this task; give one with --user script:FILE.")
            return ScriptedUser.from_task(task)
        case "recorded":
            from actorcritic_cli.users.script import ScriptedUser

            return ScriptedUser(recorded_lines(recordings(source, spec)), name=spec.user)
        case "llm":
            from actorcritic_cli.users.simulated import SimulatedUser

            if task is None:
                raise UsageError("A simulated user needs a task to want something; choose one with --task.")
            if not source:
                raise UsageError("Say which model plays the user: --user llm:MODEL, for example llm:gpt.")
            return SimulatedUser(source, task.instruction, spec.user_options)
        case _:
            raise UsageError(
                f"There is no user '{spec.user}'; choose person, script, script:FILE, llm:MODEL or recorded:SOURCE."
            )


def recorded_lines(events: Sequence[Event]) -> list[str]:
    """Return what the user said in a recording, in order."""
    return [
        message.content or ""
        for event in events
        if isinstance(event, Observed)
        for message in event.messages
        if message.role == "user"
    ]
