"""``acc critic eval`` and ``acc critic calibrate``: a critic on labelled cases, and its threshold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from actorcritic_cli.cli import critic_options as c
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
from actorcritic_cli.cli.critic_data import chosen_sessions, chosen_sources
from actorcritic_cli.cli.since import SinceFilter
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.types import Gate

if TYPE_CHECKING:
    from actorcritic_cli.learn.dataset import Row
    from actorcritic_cli.learn.evaluate import Judged
    from actorcritic_cli.learn.sources import Cases

DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="A data set of acc critic data, in the format cases.")
]
JobsOption = Annotated[
    int, typer.Option("--jobs", "-j", min=1, help="Sessions whose cases are judged at the same time.")
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Only N cases, drawn at random, always the same ones.")
]


def eval_(
    critic: Annotated[
        list[str], typer.Argument(metavar="CRITIC...", help="GGUF files, names of pulled models, or provider/model.")
    ],
    data: DataOption = None,
    split: Annotated[
        Literal["train", "valid", "test", "all"], typer.Option(help="With --data: which of its cases.")
    ] = "test",
    run: RunFilter = None,
    env: EnvFilter = None,
    dataset: DatasetFilter = None,
    since: SinceFilter = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="SOURCE",
            help="Of the record: only labels of this source. Repeatable.",
            show_default="all",
        ),
    ] = None,
    gate: Annotated[
        Gate | None, typer.Option(help="Of the record: which proposals.", show_default="as in the session")
    ] = None,
    false_alarms: Annotated[
        str, typer.Option(metavar="A,B…", help="False-alarm rates at which to tell what is caught.")
    ] = "0.01,0.05,0.1",
    limit: LimitOption = None,
    jobs: JobsOption = 1,
    no_critiques: Annotated[
        bool, typer.Option("--no-critiques", help="Only probabilities: faster, and no rule is named.")
    ] = False,
    threshold: c.ThresholdOption = None,
    critic_base: c.CriticBaseOption = None,
    critic_template: c.CriticTemplateOption = None,
    critic_timeout: c.CriticTimeoutOption = 120.0,
    critic_ctx: c.CriticContextOption = None,
    aspects: c.AspectsOption = None,
    think: c.ThinkOption = None,
    lora: c.LoraOption = None,
    gpu_layers: c.GpuLayersOption = "auto",
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Put labelled cases before critics, and say how good they are: what they catch, how well they know why, how fast.

    The cases are those of a data set (--data), or of the record (--run, --env, --dataset, --since). Intervals are
    task-clustered; several critics are also compared with the first, verdict by verdict. What they change in sessions is
    told by acc critic live.
    """
    from msgspec.structs import replace

    from actorcritic_cli.learn.evaluate import agreement, evaluation

    rates = _rates(false_alarms)
    options = _options(
        critic_base, threshold, critic_template, critic_timeout, critic_ctx, aspects, think, lora, gpu_layers
    )
    cases = _cases(data, split, run, env, dataset, since, source, gate, limit, db)
    done: list[Any] = []
    first: list[Judged] = []
    try:
        for name in critic:
            judged: list[Judged] = []
            try:
                who = _judge(name, options, cases, jobs, judged, no_critiques=no_critiques)
            except _Interrupted as interrupted:
                if judged:
                    done.append(evaluation(interrupted.identity, judged, len(cases.rows), rates))
                    say(
                        f"\ninterrupted: {len(judged):,} of {len(cases.rows):,} cases were judged, and this is of those."
                    )
                raise KeyboardInterrupt from None
            found = evaluation(who, judged, len(cases.rows), rates)
            done.append(replace(found, agreement=agreement(first, judged)) if done else found)
            first = first or judged
    finally:
        if done and json:
            print_json({"cases": cases.where, "jobs": jobs, "critics": done})
        elif done:
            from actorcritic_cli.show.console import stdout
            from actorcritic_cli.show.evaluation import print_evaluations

            print_evaluations(stdout(), cases.where, done, jobs)


def calibrate(
    critic: Annotated[str, typer.Argument(metavar="CRITIC", help="GGUF file, or the name of a pulled one.")],
    data: DataOption = None,
    split: Annotated[Literal["train", "valid", "test", "all"], typer.Option(help="Which of its cases.")] = "valid",
    false_alarms: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="The share of right proposals that may be sent back.")
    ] = 0.05,
    best: Annotated[
        Literal["f1", "youden"] | None,
        typer.Option(help="Instead: the threshold with the greatest F1, or the greatest catches minus false alarms."),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            metavar="FILE",
            help="Write a copy of the model with the threshold in it, p_revise scaled to mean what it says, and of a small "
            "critic how often replies that only ask are wrong.",
        ),
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Take the threshold that was set here away again.")] = False,
    limit: LimitOption = None,
    jobs: JobsOption = 1,
    critic_template: c.CriticTemplateOption = None,
    critic_timeout: c.CriticTimeoutOption = 120.0,
    critic_ctx: c.CriticContextOption = None,
    gpu_layers: c.GpuLayersOption = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would be, and set nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --write.")] = False,
    json: JsonOption = False,
) -> None:
    """Set the threshold of a local critic on labelled cases, by the share of false alarms that you put up with.

    It is kept in acc's data folder under the file's hash and the prompt's version, and is this file's default from then on.
    """
    from actorcritic_cli.critics.gguf_copy import copy_with
    from actorcritic_cli.critics.gguf_info import inspect, scaling_of
    from actorcritic_cli.critics.models import file_of
    from actorcritic_cli.critics.styles import VERSIONS, style_of
    from actorcritic_cli.critics.thresholds import forget as forget_threshold
    from actorcritic_cli.critics.thresholds import keep
    from actorcritic_cli.learn.calibrate import Rule, calibration
    from actorcritic_cli.learn.dataset import case_of

    file = inspect(file_of(critic), template=critic_template)
    if not file.usable:
        raise AccError(file.why_not or f"{critic} cannot be used as a critic.")
    version = VERSIONS[file.style]
    if forget:
        there = forget_threshold(file.sha256, version)
        say(f"The threshold of {file.name} is its own again." if there else f"No threshold was set for {file.name}.")
        return
    if critic_template is not None and write is None and not dry_run:
        raise UsageError("A threshold is kept for the file's own chat template; with another, see it with --dry-run.")
    if write is not None and write.exists() and not force:
        raise UsageError(f"{write} exists; choose another name, or replace it with --force.")
    if data is None:
        raise UsageError("Name the data set with --data; acc critic data makes one.")
    cases = _cases(data, split, None, None, None, None, None, None, limit, None)
    options = _options(None, None, critic_template, critic_timeout, critic_ctx, None, None, None, gpu_layers)
    judged: list[Judged] = []
    try:
        who = _judge(critic, options, cases, jobs, judged, no_critiques=True)
    except _Interrupted:
        say("\ninterrupted; no threshold was set.")
        raise KeyboardInterrupt from None
    style, copied = style_of(file.acc), write is not None

    def plain(row: Row) -> bool:
        return copied and style.plain(
            case_of(row, cases.contexts)
        )  # the file itself goes on being asked about everything

    found = calibration(who, judged, Rule(false_alarms, best), cases.where, plain)
    if not dry_run:
        if write is not None:
            copy_with(file.path, write, found.in_file(scaling_of(file.acc)))
        keep(file.sha256, version, found.kept())
    if json:
        print_json(found)
    else:
        from actorcritic_cli.show.console import stdout
        from actorcritic_cli.show.evaluation import print_calibration

        print_calibration(stdout(), found)
    if dry_run:
        say("Nothing was set (--dry-run).")
    else:
        too = f"; {write} has it in its metadata" if copied else ""
        say(f"{file.name} has this threshold from now on where none is given{too}.")


class _Interrupted(Exception):
    """Ctrl-C while a critic was judging; what was judged until then is kept."""

    def __init__(self, identity: Any):
        super().__init__()
        self.identity = identity


def _judge(
    name: str, options: dict[str, Any], cases: Cases, jobs: int, judged: list[Judged], *, no_critiques: bool
) -> Any:
    """Have a critic judge cases into ``judged``; return who it is. Raises ``_Interrupted``."""
    from actorcritic_cli.critics.resolve import resolve
    from actorcritic_cli.learn.evaluate import Evaluating
    from actorcritic_cli.show.bar import counting
    from actorcritic_cli.text import one_line

    judge = resolve(name, options, write_critiques=not no_critiques)
    try:
        judge.start()
        evaluating = Evaluating(judge, cases.contexts, judged)
        with counting(f"judging with {one_line(judge.identity.name, 30)}") as progress:
            try:
                evaluating.judge_all(cases.rows, jobs, progress)
            except KeyboardInterrupt:
                raise _Interrupted(judge.identity) from None
        return judge.identity
    finally:
        judge.close()


def _cases(
    data: Path | None,
    split: Literal["train", "valid", "test", "all"],
    run: str | None,
    env: str | None,
    dataset: str | None,
    since: str | None,
    source: list[str] | None,
    gate: Gate | None,
    limit: int | None,
    db: Path | None,
) -> Cases:
    from actorcritic_cli.learn.sources import drawn, from_folder, from_record
    from actorcritic_cli.show.bar import counting

    of_record = any(value is not None for value in (run, env, dataset, since, source, gate))
    if (data is not None) == of_record:
        raise UsageError("Say which cases: a data set with --data DIR, or the record's with --run, --env or --dataset.")
    if data is not None:
        cases = from_folder(data, None if split == "all" else split)
    else:
        with open_library(db) as library, counting("reading sessions") as progress:
            sessions = chosen_sessions(library, run, env, dataset, since)
            cases = from_record(library, sessions, chosen_sources(source), gate, progress)
    return drawn(cases, limit) if limit is not None else cases


def _options(
    base: str | None,
    threshold: float | None,
    template: str | None,
    timeout: float,
    ctx: int | None,
    aspects: str | None,
    think: int | None,
    lora: list[str] | None,
    gpu_layers: str,
) -> dict[str, Any]:
    return c.critic_options(
        critic=None,
        critic_base=base,
        threshold=threshold,
        critic_template=template,
        critic_timeout=timeout,
        critic_ctx=ctx,
        aspects=aspects,
        think=think,
        lora=lora,
        gpu_layers=gpu_layers,
    )


def _rates(text: str) -> tuple[float, ...]:
    try:
        rates = tuple(float(part) for part in text.split(","))
    except ValueError:
        rates = ()
    if not rates or not all(0 <= rate <= 1 for rate in rates):
        raise UsageError("--false-alarms takes shares between 0 and 1: 0.01,0.05,0.1.")
    return rates
