"""``acc critic data``: from what is on record to a data set for critics."""

from __future__ import annotations

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
    say,
)
from actorcritic_cli.cli.since import SinceFilter, since_of
from actorcritic_cli.errors import NotFound, UsageError
from actorcritic_cli.types import Gate

if TYPE_CHECKING:
    from actorcritic_cli.learn.collect import Finding, Place
    from actorcritic_cli.learn.making import Gathered, Wanted
    from actorcritic_cli.store.library import Library


def data(
    out: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="Folder for the data set.", show_default=False)
    ] = None,
    run: RunFilter = None,
    env: EnvFilter = None,
    dataset: DatasetFilter = None,
    since: SinceFilter = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="SOURCE",
            help="Only labels of this source: human, oracle, ground_truth, contrast, outcome. Repeatable.",
            show_default="all",
        ),
    ] = None,
    gate: Annotated[
        Gate | None,
        typer.Option(help="Which proposals are taken.", show_default="as in the session"),
    ] = None,
    format_: Annotated[
        Literal["cases", "sft", "preference", "better-of-two", "revisions"],
        typer.Option(
            "--format",
            help="The cases themselves, from which acc critic train and eval make any prompt; or lines for other programs.",
        ),
    ] = "cases",
    labels: Annotated[
        str, typer.Option(metavar="REVISE,APPROVE", help="The two words of the answers, in formats with answers.")
    ] = "yes,no",
    balance: Annotated[
        bool, typer.Option("--balance", help="As many approvals as revisions in train, in each environment.")
    ] = False,
    split: Annotated[
        str, typer.Option(metavar="N,N,N", help="Shares of train, valid and test; tasks and users are never split up.")
    ] = "80,10,10",
    seed: Annotated[int, typer.Option(help="Seed of splitting and balancing.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come out, and write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the data set in OUT.")] = False,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Make a data set for critics of the sessions on record.

    Every proposal that a critic would see and of which something is known becomes a case with its label: from labels on
    record (a simulated actor's slips, yours, those of acc label --from-ground-truth and --from-outcome) and from the first
    action in which a failed session departs from those that passed.
    """
    from actorcritic_cli.learn.making import check_folder, divide, write

    if out is None and not dry_run:
        raise UsageError("Name a folder for the data set, or see what would come out with --dry-run.")
    sources = _sources(source)
    wanted = _wanted(format_, labels, split, seed, balance)
    if out is not None and not dry_run:
        check_folder(out, force=force)
    with open_library(db) as library:
        sessions = _sessions(library, run, env, dataset, since)
        made: dict[str, Any] = {"sources": sources, "gate": gate, "sessions": len(sessions)}
        gathered = _collect(library, sessions, sources, gate)
    splits = divide(gathered, wanted)
    if not splits.counts["all"]["rows"]:
        raise NotFound(
            "Nothing is known of any proposal of these sessions; label some with acc label (--from-ground-truth, "
            "--from-outcome), or hold sessions with sim:hasty, which labels itself."
        )
    if out is not None and not dry_run:
        write(out, splits, gathered.contexts, wanted, made)
    if json:
        print_json({"out": None if dry_run else str(out), "counts": splits.counts, "left_out": splits.left_out, **made})
    else:
        from actorcritic_cli.show.console import stdout
        from actorcritic_cli.show.dataset import print_counts

        print_counts(stdout(), splits)
    say("Nothing was written (--dry-run)." if dry_run else f"The data set is in {out}; its card is {out}/card.md.")


def _sources(named: list[str] | None) -> list[str]:
    from actorcritic_cli.learn.dataset import SOURCES

    unknown = [name for name in named or () if name not in SOURCES]
    if unknown:
        raise UsageError(f"There are no labels of the source '{unknown[0]}'; choose from {', '.join(SOURCES)}.")
    return [name for name in SOURCES if not named or name in named]


def _wanted(form: Any, labels: str, split: str, seed: int, balance: bool) -> Wanted:
    from actorcritic_cli.critics.labels import LabelPair
    from actorcritic_cli.learn.making import Wanted

    words = [word.strip() for word in labels.split(",")]
    if len(words) != 2 or not all(words) or words[0] == words[1]:
        raise UsageError("--labels takes two words, that for revise first: yes,no.")
    try:
        shares = tuple(int(part) for part in split.split(","))
    except ValueError:
        shares = ()
    if len(shares) != 3 or min(shares) < 0 or shares[0] == 0:
        raise UsageError("--split takes the shares of train, valid and test as three numbers: 80,10,10.")
    return Wanted(form, shares, seed, balance, LabelPair(words[0], words[1]))


def _sessions(library: Library, run: str | None, env: str | None, dataset: str | None, since: str | None) -> list[str]:
    from actorcritic_cli.store.filters import Filter

    run = library.find_run(run) if run is not None else None
    chosen = library.sessions(Filter(env=env, dataset=dataset, run=run, since=since_of(since)))
    if not chosen:
        raise NotFound("No session on record matches; hold some with acc run, or see acc sessions.")
    return [one.id for one in reversed(chosen)]


def _collect(library: Library, sessions: list[str], sources: list[str], gate: Gate | None) -> Gathered:
    from actorcritic_cli.learn.collect import Collector
    from actorcritic_cli.learn.contrast import contrasts
    from actorcritic_cli.learn.making import gather
    from actorcritic_cli.show.bar import counting

    found: dict[str, dict[Place, list[Finding]]] = {}
    if "contrast" in sources:
        with counting("comparing sessions") as progress:
            found = contrasts(library, sessions, progress)
    collector = Collector(library, sources=sources, gate=gate, found=found)
    with counting("reading sessions") as progress:
        return gather(collector, sessions, progress)
