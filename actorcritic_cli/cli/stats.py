"""``acc stats``: what the sessions on record come to, and whether supervision helped."""

from __future__ import annotations

import sys
from enum import StrEnum, auto
from pathlib import Path
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
)
from actorcritic_cli.cli.since import SinceFilter, since_of
from actorcritic_cli.errors import GateFailed, NotFound, UsageError

if TYPE_CHECKING:
    from actorcritic_cli.analysis.gates import Demand, Ruling
    from actorcritic_cli.analysis.report import Entry
    from actorcritic_cli.store.library import Library
    from actorcritic_cli.store.selection import Selection


class By(StrEnum):
    """What ``--by`` can name."""

    actor = auto()
    critic = auto()
    task = auto()
    tool = auto()
    rule = auto()
    run = auto()


Labels = Literal["oracle", "human", "ground_truth", "outcome"]


def stats(
    env: EnvFilter = None,
    dataset: DatasetFilter = None,
    run: RunFilter = None,
    since: SinceFilter = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="RUN",
            help="Compare with this run, session by session: same environment, data set, task and trial.",
        ),
    ] = None,
    by: Annotated[
        list[By] | None,
        typer.Option(
            "--by", help="Show a table with a row for each of these instead; run keeps runs apart. Repeatable."
        ),
    ] = None,
    labels: Annotated[
        Labels | None,
        typer.Option(
            "--labels", help="Measure the critic by labels of this source.", show_default="those that cover most"
        ),
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-under",
            metavar="METRIC=VALUE",
            help="Leave with 100 unless a metric is at least this in every group, by the lower bound of its 95 % interval. "
            "Metrics: pass^1, pass^2 …, success, intervention_rate, interventions_per_session, revision_rate; of labels: "
            "precision, recall, false_alarm_rate, auroc, brier; with --baseline: helpfulness, harmfulness, uplift, "
            "added_seconds, added_tokens, added_cost. By their value: verdict_rate, critic_ok_rate, scored_rate, ece. "
            "Repeatable.",
        ),
    ] = None,
    fail_over: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-over",
            metavar="METRIC=VALUE",
            help="The same with a value that the upper bound must not exceed, for example harmfulness=0.05.",
        ),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for the summary of a CI job.")] = False,
    junit: Annotated[
        Path | None,
        typer.Option(
            "--junit", metavar="FILE", help="Also write JUnit XML: a suite for each group, a case for each gate."
        ),
    ] = None,
    by_run: Annotated[bool, typer.Option("--by-run", hidden=True, help="The same as --by run.")] = False,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Measure the sessions on record: success, pass^k, whether supervision helped, the critic, time and money.

    Sessions are counted together when environment, data set, actor, critic, supervision and source are the same.
    Intervals hold with 95 % confidence, for other tasks of the same kind and other trials. What is not known is said
    to be unknown, and data too few to tell are said to be; they meet no gate.
    """
    from actorcritic_cli.analysis.gates import demand, rulings
    from actorcritic_cli.store.selection import Selection

    if json and markdown:
        raise UsageError("--json and --markdown exclude each other; choose one.")
    demands = [demand(text) for text in fail_under or ()] + [demand(text, "most") for text in fail_over or ()]
    asked = list(dict.fromkeys(by or ()))
    with open_library(db) as library:
        selection = Selection(
            env=env,
            dataset=dataset,
            run=library.find_run(run) if run is not None else None,
            since=since_of(since),
            by_run=by_run or "run" in asked,
            baseline=library.find_run(baseline) if baseline is not None else None,
        )
        if selection.run is not None and selection.run == selection.baseline:
            raise UsageError(f"Run {selection.run} cannot be compared with itself; name another --baseline.")
        entries = _entries(library, selection, labels, demands, tools="tool" in asked)
    if not entries:
        matching = " that match" if selection != Selection() else ""
        raise NotFound(
            f"There are no sessions on record{matching}; hold some with acc run or acc demo, or acc import them."
        )
    ruled = rulings(entries, demands)
    _print(entries, ruled, asked, json=json, markdown=markdown)
    if junit is not None:
        from actorcritic_cli.show.stats_files import write_junit

        write_junit(junit, entries, ruled)
    missed = [ruling for ruling in ruled if not ruling.met]
    if missed:
        more = f"; {len(missed) - 1} more demands are not met" if len(missed) > 1 else ""
        raise GateFailed(f"{missed[0].sentence()}{more}.")


def _entries(
    library: Library, selection: Selection, labels: Labels | None, demands: list[Demand], *, tools: bool
) -> list[Entry]:
    from actorcritic_cli.analysis.measures import PASS_ESTIMATED
    from actorcritic_cli.analysis.report import report
    from actorcritic_cli.store.labelled import label_sources, labelled_verdicts
    from actorcritic_cli.store.measures import group_counts
    from actorcritic_cli.store.pairing import pair_counts
    from actorcritic_cli.store.turns import intervened_turns, tool_counts

    database = library.database
    groups = group_counts(database, selection)
    return report(
        groups,
        labelled=labelled_verdicts(database),
        turns=intervened_turns(database),
        tools=tool_counts(database, label_sources(database, labels)) if tools else (),
        pairs=pair_counts(database, selection.baseline) if selection.baseline is not None else (),
        baseline=selection.baseline,
        labels=labels,
        passes=max([PASS_ESTIMATED, *(wish.passes for wish in demands)]),
    )


def _print(entries: list[Entry], ruled: list[Ruling], by: list[By], *, json: bool, markdown: bool) -> None:
    if json:
        print_json([_plain(entry, ruled, by) for entry in entries])
    elif markdown:
        from actorcritic_cli.show.stats_files import markdown as page

        sys.stdout.write(page(entries, ruled, by))
    else:
        from actorcritic_cli.show.stats import print_report

        print_report(entries, ruled, by)


def _plain(entry: Entry, ruled: list[Ruling], by: list[By]) -> dict[str, Any]:
    """Return an entry for JSON: the group's fields beside the numbers, and pass^k by its usual name."""
    import msgspec

    values: dict[str, Any] = msgspec.to_builtins(entry.measures)
    group: dict[str, Any] = values.pop("group")
    passk, tasks = values.pop("passk"), values.pop("tasks")
    values["tasks"], values["trials"] = passk["tasks"], passk["trials"]
    values |= {f"pass^{k}": value for k, value in enumerate(passk["values"], start=1)}
    values |= msgspec.to_builtins(
        {"comparison": entry.comparison, "overhead": entry.overhead, "critics": entry.qualities, "led_to": entry.turns}
    )
    if "task" in by:
        values["by_task"] = tasks
    if "tool" in by:
        values["by_tool"] = msgspec.to_builtins(entry.tools)
    values["gates"] = [msgspec.to_builtins(ruling) for ruling in ruled if ruling.group == entry.measures.group]
    for name in ("led_to", "by_tool", "gates"):
        for row in values.get(name, ()):
            del row["group"]
    return group | values
