"""``acc sessions``: what is on record."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
from actorcritic_cli.cli.since import SinceFilter, since_of
from actorcritic_cli.errors import UsageError
from actorcritic_cli.types import Fault

if TYPE_CHECKING:
    from actorcritic_cli.store.filters import Filter
    from actorcritic_cli.store.library import Library, Summary
    from actorcritic_cli.store.search import Hit

Outcome = Literal["passed", "failed", "unscored", "open"]

AT_A_TERMINAL = 50
"""Sessions shown where a person looks and no --limit is given; programs get all."""


def sessions(
    env: EnvFilter = None,
    dataset: DatasetFilter = None,
    run: RunFilter = None,
    task: Annotated[str | None, typer.Option(help="Only sessions on this task.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only sessions whose actor's name contains this.")] = None,
    critic: Annotated[
        str | None,
        typer.Option(help="Only sessions whose critic's name contains this, or whose identity begins like it."),
    ] = None,
    outcome: Annotated[
        Outcome | None,
        typer.Option(
            help="passed (the whole reward), failed (less), unscored (ended without a score), open (not ended).",
            show_default=False,
        ),
    ] = None,
    fault: Annotated[
        Fault | None, typer.Option(help="Only failed sessions that are this one's failure.", show_default=False)
    ] = None,
    intervened: Annotated[
        bool | None,
        typer.Option(
            "--intervened/--not-intervened", help="Only sessions in which supervision stepped in, or did not."
        ),
    ] = None,
    tool: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only sessions in which a call of this tool was proposed.")
    ] = None,
    rule: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only sessions with a critique whose rule contains this.")
    ] = None,
    since: SinceFilter = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="QUERY",
            help="Only sessions in which one message, call, result or critique has all these words; a phrase in double "
            "quotes, the beginning of a word with *.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Show this many.", show_default=f"all; {AT_A_TERMINAL} at a terminal")
    ] = None,
    runs: Annotated[bool, typer.Option("--runs", help="List runs instead (--env, --dataset, --run).")] = False,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """List the sessions on record that meet all conditions, newest first. Imported sessions of unknown time come last.

    --text searches what the user said, replies, calls with their arguments, results and critiques, rejected proposals
    included, and shows where.
    """
    from actorcritic_cli.store.filters import Filter

    with open_library(db) as library:
        if limit is None and sys.stdout.isatty() and not json:
            limit = AT_A_TERMINAL
        chosen = Filter(
            env=env,
            dataset=dataset,
            run=library.find_run(run) if run is not None else None,
            task=task,
            actor=actor,
            critic=critic,
            outcome=outcome,
            fault=fault,
            intervened=intervened,
            tool=tool,
            rule=rule,
            since=since_of(since),
            text=text,
        )
        if not runs:
            _sessions(library, chosen, limit, json)
        elif chosen == Filter(env=env, dataset=dataset, run=chosen.run):
            _runs(library, env, dataset, chosen.run, limit, json)
        else:
            raise UsageError("--runs lists runs, of --env, --dataset or --run; leave the other conditions out.")


def _sessions(library: Library, chosen: Filter, limit: int | None, json: bool) -> None:
    found, hits = _found(library, chosen, limit)
    if json:
        print_json([_plain(session, hits) for session in found])
        return
    rows = [_cells(session) for session in found]
    headers = _HEADERS
    if chosen.text is not None:
        headers = (*_SHORT, "found")
        rows = [(*_cells(session, _SHORT), hit_text(hits.get(session.id))) for session in found]
    print_table(headers, rows, right=("turns", "stepped in", "reward"))
    if not found:
        say("No session matches; acc sessions without options lists all.")
    elif limit is not None and len(found) == limit:
        say(f"These are the newest {limit}; more with --limit.")


def _found(library: Library, chosen: Filter, limit: int | None) -> tuple[list[Summary], dict[str, Hit]]:
    if chosen.text is None:
        return library.sessions(chosen, limit=limit), {}
    from actorcritic_cli.show.bar import counting
    from actorcritic_cli.store.search import bring_up_to_date, expression, hits

    expression(chosen.text)  # a query that cannot be meant is said before the work
    with counting("indexing sessions") as progress:
        bring_up_to_date(library.database, progress)
    found = library.sessions(chosen, limit=limit)
    return found, hits(library.database, chosen.text, [session.id for session in found])


def _plain(session: Summary, hits: dict[str, Hit]) -> dict[str, Any]:
    import msgspec

    from actorcritic_cli.show.values import knows_time

    at = session.created_at
    value: dict[str, Any] = msgspec.to_builtins(session) | {"created_at": at if knows_time(at) else None}
    return value | {"found": hits[session.id]} if session.id in hits else value


_HEADERS: tuple[str, ...] = (
    "session", "time", "environment", "data set", "task/trial", "actor", "supervised", "turns", "stepped in", "ended",
    "reward", "from",
)  # fmt: skip
_SHORT: tuple[str, ...] = ("session", "time", "environment", "task/trial", "ended", "reward")


def _cells(s: Summary, wanted: tuple[str, ...] = _HEADERS) -> tuple[str, ...]:
    from actorcritic_cli.show.values import UNKNOWN, when

    cells = {
        "session": s.id,
        "time": when(s.created_at),
        "environment": s.env,
        "data set": s.dataset,
        "task/trial": f"{s.task or UNKNOWN}/{s.trial}",
        "actor": s.actor,
        "supervised": s.supervise,
        "turns": str(s.turns),
        "stepped in": str(s.interventions),
        "ended": s.termination or "under way",
        "reward": UNKNOWN if s.reward is None else f"{s.reward:g}",
        "from": f"fork of {s.forked}" if s.forked else s.source if s.run is None else f"{s.source}, {s.run}",
    }
    return tuple(cells[name] for name in wanted)


def hit_text(hit: Hit | None) -> str:
    """Return where a session matches, on one line."""
    if hit is None:
        return ""
    more = f" (+{hit.count - 1} more)" if hit.count > 1 else ""
    return f"turn {hit.step}, {hit.what}: {hit.snippet}{more}"


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
