"""Runs that a measurement needs: found again on record by their plan and their critic, and held where they are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from actorcritic_cli.critics.protocol import Critic
from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange.recordings import finder
from actorcritic_cli.ids import new_run_id
from actorcritic_cli.session.build import check_models
from actorcritic_cli.session.lock import held
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.session.runner import Runner, record_plan
from actorcritic_cli.session.state import State
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import SessionSpec


class Due(Struct, frozen=True):
    """A run that is wanted, and where it stands: new where it is not on record, and how many of its sessions are
    missing."""

    plan: Plan
    run: str
    new: bool
    missing: int


def due(library: Library, plan: Plan, critic: Critic | None = None) -> Due:
    """Return where a plan stands on record. A run that another critic judged, of the same name perhaps, is another run."""
    config = msgspec.json.encode(plan).decode()
    who = critic.identity.id if critic is not None else None
    for row in library.runs():
        if row["config"] == config and _critics(library, row["id"]) <= {who}:
            ended = sum(done for _, done in library.run_sessions(row["id"]).values())
            return Due(plan, row["id"], False, len(plan) - ended)
    return Due(plan, new_run_id(), True, len(plan))


def hold(
    database: Path,
    library: Library,
    runs: Sequence[Due],
    jobs: int,
    progress: Callable[[int, int], None],
    critic: Critic | None = None,
) -> None:
    """Hold what is missing of some runs. ``KeyboardInterrupt`` loses nothing: what is due afterwards is the rest.

    Raises ``AccError`` when sessions stop on an unexpected error.
    """
    total, done = sum(one.missing for one in runs), 0
    failures: list[Exception] = []

    def report(spec: SessionSpec, state: State | Exception) -> None:
        nonlocal done
        done += 1
        if isinstance(state, Exception):
            failures.append(state)
        progress(done, total)

    for one in runs:
        if not one.missing:
            continue
        check_models(one.plan.spec)
        with held(database, one.run):
            if one.new:
                record_plan(library.database, one.run, one.plan)
            Runner(database, one.run, one.plan, critic, finder(database)).hold_all(jobs, report)
    if failures:
        raise AccError(
            f"{len(failures)} of {total} trials stopped on an unexpected error ({failures[0]}); say the same again."
        )


def _critics(library: Library, run: str) -> set[str | None]:
    return {
        row["critic"] for row in library.database.rows("SELECT DISTINCT critic FROM sessions WHERE run = ?", (run,))
    }
