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

from actorcritic_cli.errors import NotFound
from actorcritic_cli.learn.holding import Due, due, hold
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import SessionSpec, Supervision, is_success

Task = tuple[str, str, str]
"""Environment, data set and task."""


class Mined(Struct, frozen=True):
    """What self-play found: hard tasks, how many tasks were tried, and the sessions of the trials."""

    hard: frozenset[Task]
    tasks: int
    sessions: tuple[str, ...]
    runs: tuple[str, ...]


def minings(library: Library, sessions: Sequence[str], trials: int, seed: int = 0) -> list[Due]:
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
    return [due(library, Plan(spec, tuple(sorted(tasks)), trials)) for spec, tasks in configurations.values()]


def mine(
    database: Path, library: Library, runs: Sequence[Due], jobs: int, progress: Callable[[int, int], None]
) -> Mined:
    """Hold what is missing, and return what it found. ``KeyboardInterrupt`` loses nothing; the same call goes on.

    Raises ``AccError`` when sessions stop on an unexpected error.
    """
    hold(database, library, runs, jobs, progress)
    return _found(library, [one.run for one in runs])


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
