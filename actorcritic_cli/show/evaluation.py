"""What critics are worth on labelled cases, side by side, and a threshold that was set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console

from actorcritic_cli.learn.calibrate import Calibration
from actorcritic_cli.learn.evaluate import Agreement, Evaluation, SlipCatches
from actorcritic_cli.show.console import print_rows
from actorcritic_cli.show.values import UNKNOWN, estimate, seconds, several, share
from actorcritic_cli.text import one_line

_Cell = Callable[[Evaluation], str]


def print_evaluations(console: Console, where: str, done: Sequence[Evaluation], jobs: int) -> None:
    """Print critics side by side: one column each."""
    first = done[0]
    wrong = first.quality.hits + first.quality.misses
    tasks = first.quality.auroc.tasks
    console.print(f"{several(first.judged, 'case')} ({wrong:,} to be revised) of {several(tasks, 'task')}: {where}")
    console.print()
    names = [_name(one, done) for one in done]
    print_rows(
        console,
        ("", *names),
        [(what, *(cell(one) for one in done)) for what, cell in _lines(first, jobs, compared=len(done) > 1)],
    )
    lacking = first.quality.auroc.lacking or first.quality.recall.lacking or first.named.lacking
    if lacking:
        console.print(f"(too few): {lacking.removeprefix('too few to tell ').strip('()')} before an interval is given")
    if first.environments:
        console.print()
        headers = (
            "environment",
            "critic",
            "cases",
            "AUROC",
            *(f"caught at {_percent(c.false_alarms)}" for c in first.catches),
            "right rule named",
            "calibration error",
        )
        rows = [
            (
                env,
                name,
                f"{own.judged:,}",
                estimate(own.quality.auroc),
                *(estimate(c.caught) for c in own.catches),
                estimate(own.named),
                estimate(own.ece),
            )
            for env in first.environments
            for name, one in zip(names, done, strict=True)
            if (own := one.environments.get(env)) is not None
        ]
        print_rows(console, headers, rows)
    if first.slips:
        console.print()
        slip_rows = [(slip, *(slip_text(one.slips.get(slip)) for one in done)) for slip in first.slips]
        print_rows(console, ("caught of each slip (rule named)", *names), slip_rows)
    for name, one in zip(names, done, strict=True):
        if one.quality.reliability:
            console.print()
            rows = [
                (f"{b.low:.1f} to {b.high:.1f}", f"{b.count:,}", share(b.mean), share(b.share))
                for b in one.quality.reliability
            ]
            headers = (f"p_revise of {name}", "cases", "mean", "to be revised")
            print_rows(console, headers, rows, right=headers[1:])


def print_calibration(console: Console, found: Calibration) -> None:
    """Print a threshold and what it does on the cases it was chosen on."""
    quality = found.quality
    rows = [
        ("critic", found.critic),
        ("threshold", f"{found.threshold:g} (before: {found.before:g})"),
        ("chosen by", found.rule),
        ("on", f"{several(found.cases, 'case')}: {found.data}"),
        ("caught there", f"{quality.hits:,} of {quality.hits + quality.misses:,}, {estimate(quality.recall)}"),
        (
            "false alarms there",
            f"{quality.false_alarms:,} of {quality.false_alarms + quality.passes:,}, {estimate(quality.false_alarm_rate)}",
        ),
        ("AUROC", estimate(quality.auroc)),
        *(("note", note) for note in found.notes),
        ("note", "other cases will do a little worse: acc critic eval --split test tells"),
    ]
    print_rows(console, ("", ""), rows)


def _lines(first: Evaluation, jobs: int, *, compared: bool) -> list[tuple[str, _Cell]]:
    def caught(place: int) -> _Cell:
        return lambda one: estimate(one.catches[place].caught)

    several_jobs = "" if jobs == 1 else f", {jobs} at a time"
    agreement = [("same verdict as the first", lambda one: _agreement(one.agreement))]
    return [
        *(agreement if compared else []),
        ("AUROC", lambda one: estimate(one.quality.auroc)),
        *(
            (f"caught at {_percent(catch.false_alarms)} false alarms", caught(place))
            for place, catch in enumerate(first.catches)
        ),
        ("threshold", lambda one: f"{one.threshold:g}"),
        ("  caught", lambda one: estimate(one.quality.recall)),
        ("  false alarms", lambda one: estimate(one.quality.false_alarm_rate)),
        ("  precision", lambda one: estimate(one.quality.precision)),
        ("  right rule named", lambda one: estimate(one.named)),
        ("Brier score", lambda one: estimate(one.quality.brier)),
        ("calibration error", lambda one: estimate(one.ece)),
        (f"latency{several_jobs}", _latency),
        ("no verdict", lambda one: ", ".join(f"{why} {n:,}" for why, n in one.no_verdicts.items()) or "none"),
    ]


def slip_text(found: SlipCatches | None) -> str:
    """Return what became of a kind of slip in a few words."""
    if found is None:
        return UNKNOWN
    return f"{found.caught} of {found.cases}" + (f" ({found.named} of {found.ruled})" if found.ruled else "")


def _agreement(found: Agreement | None) -> str:
    return UNKNOWN if found is None else f"{estimate(found.same)}, p_revise within {found.furthest:.2g}"


def _name(one: Evaluation, done: Sequence[Evaluation]) -> str:
    name = one_line(one.critic.name, 30)
    alike = [other.critic for other in done if other.critic.name == one.critic.name]
    if len(alike) == 1:
        return name
    kinds = {critic.quantisation for critic in alike}
    return f"{name} {one.critic.quantisation}" if len(kinds) == len(alike) else f"{name} [{one.critic.id[:8]}]"


def _latency(one: Evaluation) -> str:
    return f"{seconds(one.latency.p50)}, p95 {seconds(one.latency.p95)}" if one.latency is not None else UNKNOWN


def _percent(rate: float) -> str:
    return f"{100 * rate:g} %"
