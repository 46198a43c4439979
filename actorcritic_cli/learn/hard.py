"""Hard tasks, found by self-play: those that an actor neither always solves nor never does.

From the others there is nothing to learn about which actions matter: all of their sessions end alike (the same reason
for which tasks of mixed outcome are kept in reinforcement learning with verifiable rewards; Yu et al. 2025, DAPO, arXiv
2503.14476, section 3.2: dynamic sampling). The trials are runs on record like any other: unsupervised, resumable, found
again by their plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.exchange.recordings import finder
from actorcritic_cli.ids import new_run_id
from actorcritic_cli.session.build import check_models
from actorcritic_cli.session.lock import held
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.session.runner import Runner, record_plan
from actorcritic_cli.session.state import State
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import SessionSpec, Supervision, is_success

Task = tuple[str, str, str]
"""Environment, data set and task."""


class Mining(Struct, frozen=True):
    """Trials to be held, and where they stand: the run, which is new where it is not on record, and how many of its sessions
    are missing."""

    plan: Plan
    run: str
    new: bool
    missing: int


class Mined(Struct, frozen=True):
    """What self-play found: hard tasks, how many tasks were tried, and the sessions of the trials."""

    hard: frozenset[Task]
    tasks: int
    sessions: tuple[str, ...]
    runs: tuple[str, ...]


def minings(library: Library, sessions: Sequence[str], trials: int, seed: int = 0) -> list[Mining]:
    """Return the trials that are due: for each configuration among live sessions, all of its tasks so often.

    Raises ``NotFound`` where no session could be held again.
    """
    configurations: dict[bytes, tuple[SessionSpec, set[str]]] = {}
    wanted = set(sessions)
    for one in library.sessions():
        if one.id not in wanted or one.task is None:
            continue
        spec, _ = library.session_spec(one.id)
        if (
            spec.actor.startswith("recorded:")
            or spec.user.partition(":")[0] in ("recorded", "person")
            or not _is_live(library, one.id)
        ):
            continue
        shared = replace(
            spec,
            task_id=None,
            trial=0,
            seed=seed,
            critic=None,
            panel=(),
            critic_options={},
            supervision=Supervision(mode="off"),
        )
        configurations.setdefault(msgspec.json.encode(shared), (shared, set()))[1].add(one.task)
    if not configurations:
        raise NotFound(
            "No session here can be held again for trials; hold some with acc run (an actor, and no person)."
        )
    known = {row["config"]: row["id"] for row in library.runs()}
    found = []
    for spec, tasks in configurations.values():
        plan = Plan(spec, tuple(sorted(tasks)), trials)
        run = known.get(msgspec.json.encode(plan).decode())
        ended = sum(done for _, done in library.run_sessions(run).values()) if run is not None else 0
        found.append(Mining(plan, run or new_run_id(), run is None, len(plan) - ended))
    return found


def mine(
    database: Path, library: Library, due: Sequence[Mining], jobs: int, progress: Callable[[int, int], None]
) -> Mined:
    """Hold what is missing, and return what it found. ``KeyboardInterrupt`` loses nothing; the same call goes on.

    Raises ``AccError`` when sessions stop on an unexpected error.
    """
    total, done = sum(one.missing for one in due), 0
    failures: list[Exception] = []

    def report(spec: SessionSpec, state: State | Exception) -> None:
        nonlocal done
        done += 1
        if isinstance(state, Exception):
            failures.append(state)
        progress(done, total)

    for one in due:
        if not one.missing:
            continue
        check_models(one.plan.spec)
        with held(database, one.run):
            if one.new:
                record_plan(library.database, one.run, one.plan)
            Runner(database, one.run, one.plan, None, finder(database)).hold_all(jobs, report)
    if failures:
        raise AccError(
            f"{len(failures)} of {total} trials stopped on an unexpected error ({failures[0]}); say the same again."
        )
    return _found(library, [one.run for one in due])


def _found(library: Library, runs: Sequence[str]) -> Mined:
    outcomes: dict[Task, list[bool]] = {}
    sessions: list[str] = []
    for run in runs:
        own: dict[Task, list[bool]] = {}
        for one in library.sessions(run=run):
            if one.task is not None and one.reward is not None:
                own.setdefault((one.env, one.dataset, one.task), []).append(is_success(one.reward))
                sessions.append(one.id)
        for task, ended in own.items():
            outcomes.setdefault(task, []).extend(ended)
    hard = frozenset(task for task, ended in outcomes.items() if 0 < sum(ended) < len(ended))
    return Mined(hard, len(outcomes), tuple(reversed(sessions)), tuple(runs))


def _is_live(library: Library, session: str) -> bool:
    row = library.database.row("SELECT source FROM sessions WHERE id = ?", (session,))
    return row is not None and row["source"] == "live"
