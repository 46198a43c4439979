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

    Found = dict[str, dict[Place, list[Finding]]]

_WORK = "Work of its own (interrupted, the same command goes on)"


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
            help="Only labels of this source: human, oracle, ground_truth, rollout, contrast, outcome. Repeatable.",
            show_default="all",
        ),
    ] = None,
    gate: Annotated[
        Gate | None,
        typer.Option(help="Which proposals are taken.", show_default="as in the session"),
    ] = None,
    rollouts: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=1,
            help="Label by what an action changes: continue from before and after it K times each, with the session's own "
            "simulated actor.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="With --rollouts: by how much a wrong action lowers the chance of success.",
            rich_help_panel=_WORK,
        ),
    ] = 0.5,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A model that sees how the session ended and writes the critiques; cases are kept where it agrees with "
            "the label.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    teacher_base: Annotated[
        str | None, typer.Option(metavar="URL", help="Base URL of the teacher's server.", rich_help_panel=_WORK)
    ] = None,
    mine_hard: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=2,
            help="Hold N unsupervised trials of every task and take only tasks that are neither always passed nor always "
            "failed; the trials are used, too.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=1, help="Trials, or questions to the teacher, at a time.", rich_help_panel=_WORK
        ),
    ] = 1,
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
        float | None,
        typer.Option(
            "--balance",
            metavar="N",
            min=1.0,
            help="At most N times as many cases of one label as of the other in train, in each environment.",
            show_default="all cases",
        ),
    ] = None,
    split: Annotated[
        str, typer.Option(metavar="N,N,N", help="Shares of train, valid and test; tasks and users are never split up.")
    ] = "80,10,10",
    hold_out: Annotated[
        list[str] | None,
        typer.Option(
            "--hold-out",
            metavar="DATASET",
            help="Put all tasks of this data set into test, so that the others alone are trained on. Repeatable.",
        ),
    ] = None,
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
    if teacher_base is not None and teacher is None:
        raise UsageError("--teacher-base goes with --teacher MODEL.")
    sources = chosen_sources(source)
    if rollouts is not None and "rollout" not in sources:
        sources.append("rollout")
    wanted = _wanted(format_, labels, split, seed, balance, hold_out)
    if out is not None and not dry_run:
        check_folder(out, force=force)
    with open_library(db) as library:
        sessions = chosen_sessions(library, run, env, dataset, since)
        made: dict[str, Any] = {"sources": sources, "gate": gate}
        if mine_hard is not None:
            sessions = _mine(library, sessions, mine_hard, jobs, seed, made, dry_run=dry_run)
        made["sessions"] = len(sessions)
        rolled = None
        if rollouts is not None:
            rolled = _roll_out(library, sessions, out, rollouts, margin, seed, gate, made, dry_run=dry_run)
        gathered = _collect(library, sessions, sources, gate, rolled)
    if teacher is not None:
        _teach(gathered, out, teacher, teacher_base, jobs, made, dry_run=dry_run)
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


def chosen_sources(named: list[str] | None) -> list[str]:
    """Return the sources of labels that are named, else all. Raises ``UsageError`` for one there is not."""
    from actorcritic_cli.learn.dataset import SOURCES

    unknown = [name for name in named or () if name not in SOURCES]
    if unknown:
        raise UsageError(f"There are no labels of the source '{unknown[0]}'; choose from {', '.join(SOURCES)}.")
    return [name for name in SOURCES if not named or name in named]


def _wanted(form: Any, labels: str, split: str, seed: int, balance: float | None, hold_out: list[str] | None) -> Wanted:
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
    return Wanted(form, shares, seed, balance, LabelPair(words[0], words[1]), tuple(hold_out or ()))


def chosen_sessions(
    library: Library, run: str | None, env: str | None, dataset: str | None, since: str | None
) -> list[str]:
    """Return the sessions chosen, oldest first. Raises ``NotFound`` where there are none."""
    from actorcritic_cli.store.filters import Filter

    run = library.find_run(run) if run is not None else None
    chosen = library.sessions(Filter(env=env, dataset=dataset, run=run, since=since_of(since)))
    if not chosen:
        raise NotFound("No session on record matches; hold some with acc run, or see acc sessions.")
    return [one.id for one in reversed(chosen)]


def _collect(
    library: Library, sessions: list[str], sources: list[str], gate: Gate | None, rolled: Found | None
) -> Gathered:
    from actorcritic_cli.learn.collect import Collector
    from actorcritic_cli.learn.contrast import contrasts
    from actorcritic_cli.learn.making import gather
    from actorcritic_cli.show.bar import counting

    found: Found = rolled or {}
    if "contrast" in sources:
        with counting("comparing sessions") as progress:
            for session, own in contrasts(library, sessions, progress).items():
                for place, findings in own.items():
                    found.setdefault(session, {}).setdefault(place, []).extend(findings)
    collector = Collector(library, sources=sources, gate=gate, found=found)
    with counting("reading sessions") as progress:
        return gather(collector, sessions, progress)


def _mine(
    library: Library, sessions: list[str], trials: int, jobs: int, seed: int, made: dict[str, Any], *, dry_run: bool
) -> list[str]:
    """Return the sessions on hard tasks, those of the trials with them."""
    from actorcritic_cli.learn.hard import mine, minings
    from actorcritic_cli.show.bar import counting

    due = minings(library, sessions, trials, seed)
    missing = sum(one.missing for one in due)
    if dry_run and missing:
        say(f"--mine-hard would hold {missing:,} sessions; what is counted here is of all tasks.")
        return sessions
    with counting("holding trials") as progress:
        try:
            mined = mine(library.database.path, library, due, jobs, progress)
        except KeyboardInterrupt:
            say("\ninterrupted; the trials held are on record: the same command goes on from there.")
            raise
    say(f"{len(mined.hard)} of {mined.tasks} tasks are hard: passed in some of their trials and not in others.")
    made["mined"] = {"trials": trials, "tasks": mined.tasks, "hard": len(mined.hard), "runs": list(mined.runs)}
    if not mined.hard:
        raise NotFound("No task is hard for these actors; take more trials (--mine-hard N) or other tasks.")
    every = dict.fromkeys([*sessions, *mined.sessions])
    where = {one.id: (one.env, one.dataset, one.task) for one in library.sessions()}
    return [session for session in every if where[session] in mined.hard]


def _roll_out(
    library: Library,
    sessions: list[str],
    out: Path | None,
    count: int,
    margin: float,
    seed: int,
    gate: Gate | None,
    made: dict[str, Any],
    *,
    dry_run: bool,
) -> Found:
    from actorcritic_cli.learn.rollouts import Rollouts
    from actorcritic_cli.show.bar import counting

    rollouts = Rollouts(library, out or Path("."), count, margin=margin, seed=seed, gate=gate)
    made["rollouts"] = {"count": count, "margin": margin}
    if dry_run:
        say(f"--rollouts would hold {rollouts.planned(sessions):,} continuations; their labels are not counted here.")
        return {}
    with counting("continuing sessions") as progress:
        try:
            found = rollouts.findings(sessions, progress)
        except KeyboardInterrupt:
            say(f"\ninterrupted; what was continued is kept in {out}: the same command goes on from there.")
            raise
    say(f"{rollouts.held:,} continuations held.")
    return found


def _teach(
    gathered: Gathered,
    out: Path | None,
    model: str,
    base_url: str | None,
    jobs: int,
    made: dict[str, Any],
    *,
    dry_run: bool,
) -> None:
    from actorcritic_cli.learn.teacher import Teacher
    from actorcritic_cli.show.bar import counting
    from actorcritic_cli.show.values import dollars

    teacher = Teacher(model, out or Path("."), gathered.contexts, base_url)
    if dry_run:
        say(
            f"--teacher would be asked about {teacher.missing(gathered.rows):,} cases; what it leaves out is counted here."
        )
        return
    with counting("asking the teacher") as progress:
        try:
            taught = teacher.teach(gathered.rows, jobs, progress)
        except KeyboardInterrupt:
            say(f"\ninterrupted; the answers are kept in {out}: the same command goes on from there.")
            raise
    gathered.rows = taught.rows
    for why, count in (
        ("the teacher disagrees", taught.disagreed),
        ("the teacher gave no usable answer", taught.unusable),
    ):
        if count:
            gathered.left_out[why] = count
    made["teacher"] = teacher.model.litellm_name
    say(
        f"The teacher was asked {taught.asked:,} times (cost {dollars(taught.cost)}) and agrees with {len(taught.rows):,}."
    )
