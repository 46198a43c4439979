"""``acc stats``: what the sessions on record come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

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
from actorcritic_cli.errors import GateFailed, NotFound

if TYPE_CHECKING:
    from actorcritic_cli.analysis.measures import Measures


def stats(
    env: EnvFilter = None,
    dataset: DatasetFilter = None,
    run: RunFilter = None,
    by_run: Annotated[bool, typer.Option("--by-run", help="Count every run by itself.")] = False,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-under",
            metavar="METRIC=VALUE",
            help="Leave with 100 when a metric is lower in any group: pass^1, pass^2 …, success, verdict_rate, "
            "intervention_rate, interventions_per_session, revision_rate, critic_ok_rate, scored_rate. Repeatable.",
        ),
    ] = None,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Measure the sessions on record: success, pass^k, interventions, verdicts, latency, cost.

    Sessions are counted together when environment, data set, actor, critic, supervision and source are the same. What is
    not known is said to be unknown, and sessions without a score are counted apart.
    """
    from actorcritic_cli.analysis.gates import demand, misses
    from actorcritic_cli.analysis.measures import measure
    from actorcritic_cli.store.measures import session_counts

    demands = [demand(text) for text in fail_under or ()]
    with open_library(db) as library:
        run = library.find_run(run) if run is not None else None
        counts = session_counts(library.database, env=env, dataset=dataset, run=run)
    if not counts:
        matching = " that match" if env or dataset or run else ""
        raise NotFound(
            f"There are no sessions on record{matching}; hold some with acc run or acc demo, or acc import them."
        )
    groups = measure(counts, by_run=by_run)
    if json:
        print_json([_plain(group) for group in groups])
    else:
        from actorcritic_cli.show.stats import print_measures

        print_measures(groups)
    missed = misses(groups, demands)
    if missed:
        more = f"; {len(missed) - 1} more demands are not met" if len(missed) > 1 else ""
        raise GateFailed(f"{missed[0].sentence()}{more}.")


def _plain(measures: Measures) -> dict[str, Any]:
    """Return measures for JSON: the group's fields beside the numbers, and pass^k by its usual name."""
    import msgspec

    values: dict[str, Any] = msgspec.to_builtins(measures)
    group: dict[str, Any] = values.pop("group")
    passk = values.pop("passk")
    values["tasks"], values["trials"] = passk["tasks"], passk["trials"]
    values |= {f"pass^{k}": value for k, value in enumerate(passk["values"], start=1)}
    return group | values
