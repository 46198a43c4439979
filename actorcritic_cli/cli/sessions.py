"""``acc sessions``: what is on record."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from actorcritic_cli.cli.common import (
    DatasetFilter,
    DbOption,
    EnvFilter,
    JsonOption,
    RunFilter,
    open_library,
    print_json,
    print_table,
    say,
)

if TYPE_CHECKING:
    from actorcritic_cli.store.library import Library

AT_A_TERMINAL = 50
"""Sessions shown where a person looks and no --limit is given; programs get all."""


def sessions(
    env: EnvFilter = None,
    dataset: DatasetFilter = None,
    run: RunFilter = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Show this many.", show_default=f"all; {AT_A_TERMINAL} at a terminal")
    ] = None,
    runs: Annotated[bool, typer.Option("--runs", help="List runs instead.")] = False,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """List the sessions on record, newest first. Imported sessions of unknown time come last."""
    with open_library(db) as library:
        if limit is None and sys.stdout.isatty() and not json:
            limit = AT_A_TERMINAL
        run = library.find_run(run) if run is not None else None
        if runs:
            _runs(library, env, dataset, run, limit, json)
        else:
            _sessions(library, env, dataset, run, limit, json)


def _sessions(
    library: Library, env: str | None, dataset: str | None, run: str | None, limit: int | None, json: bool
) -> None:
    from actorcritic_cli.show.values import UNKNOWN, knows_time, when

    found = library.sessions(env=env, dataset=dataset, run=run, limit=limit)
    if json:
        import msgspec

        print_json(
            [msgspec.to_builtins(s) | {"created_at": s.created_at if knows_time(s.created_at) else None} for s in found]
        )
        return
    rows = [
        (
            s.id,
            when(s.created_at),
            s.env,
            s.dataset,
            f"{s.task or UNKNOWN}/{s.trial}",
            s.actor,
            s.supervise,
            str(s.turns),
            str(s.interventions),
            s.termination or "under way",
            UNKNOWN if s.reward is None else f"{s.reward:g}",
            s.source if s.run is None else f"{s.source}, {s.run}",
        )
        for s in found
    ]
    headers = (
        "session", "time", "environment", "data set", "task/trial", "actor", "supervised", "turns", "stepped in", "ended",
        "reward", "from",
    )  # fmt: skip
    print_table(headers, rows, right=("turns", "stepped in", "reward"))
    if not found:
        say("No session matches; acc sessions without options lists all.")
    elif limit is not None and len(found) == limit:
        say(f"These are the newest {limit}; more with --limit.")


def _runs(
    library: Library, env: str | None, dataset: str | None, run: str | None, limit: int | None, json: bool
) -> None:
    from actorcritic_cli.show.values import when

    found = [
        row
        for row in library.runs()
        if (env is None or row["env"] == env)
        and (dataset is None or row["dataset"] == dataset)
        and (run is None or row["id"] == run)
    ][:limit]
    if json:
        import json as json_

        print_json([dict(row) | {"config": json_.loads(row["config"])} for row in found])
        return
    rows = [
        (
            row["id"], when(row["created_at"]), row["env"], row["dataset"], str(row["planned"]), str(row["sessions"]),
            str(row["ended"]), row["source"],
        )
        for row in found
    ]  # fmt: skip
    headers = ("run", "time", "environment", "data set", "planned", "begun", "ended", "from")
    print_table(headers, rows, right=("planned", "begun", "ended"))
    if not found:
        say("No run matches; acc run holds one, acc import imports one.")
