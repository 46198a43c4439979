"""How good a critic is: its verdicts against labels, which say what should have been revised.

A proposal that should be revised and that the critic objects to is a hit. *Precision* is the share of hits among
objections, *recall* the share of hits among what should be revised, *false_alarm_rate* the share of objections among
what is right (1 - specificity). A ``no_verdict`` is neither an approval nor an objection and enters none of these.
Intervals take whole tasks as what was drawn (see ``clustered``, ``auroc``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from actorcritic_cli.analysis.auroc import auroc
from actorcritic_cli.analysis.calibration import Bin, calibration_error, reliability
from actorcritic_cli.analysis.clustered import Ratio, ratios
from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.store.labelled import Judge, Labelled

SOURCES = ("oracle", "human", "ground_truth", "outcome")
"""Sources of labels, in the order in which they are shown; of equally many labels the earlier one is preferred."""


class Quality(Struct, frozen=True):
    """A critic's verdicts on labelled proposals, in numbers."""

    critic: str
    live: bool
    """False for verdicts given afterwards, which nobody acted on."""
    labels: str
    """The source of the labels."""
    labelled: int
    """Judged proposals with a label, those without a verdict left out."""
    no_verdict: int
    hits: int
    false_alarms: int
    misses: int
    passes: int
    """Right proposals that the critic approved."""
    precision: Estimate
    recall: Estimate
    false_alarm_rate: Estimate
    auroc: Estimate
    brier: Estimate
    ece: float | None
    """Expected calibration error."""
    reliability: tuple[Bin, ...]


def qualities(judged: Mapping[Judge, Sequence[Labelled]], group: int) -> list[Quality]:
    """Return the quality of every critic in a group of sessions, live verdicts first."""
    found = [quality(judge, rows) for judge, rows in judged.items() if judge.group == group]
    return sorted(found, key=lambda q: (not q.live, q.critic, SOURCES.index(q.labels) if q.labels in SOURCES else 9))


def live_quality(qualities: Iterable[Quality], labels: str | None = None) -> Quality | None:
    """Return the quality of the critic that was there, by the labels asked for, else by those that cover most."""
    live = [q for q in qualities if q.live and labels in (None, q.labels)]
    return max(live, key=lambda q: q.labelled, default=None)


def quality(judge: Judge, rows: Sequence[Labelled]) -> Quality:
    """Return the quality of one critic by its labelled verdicts."""
    said = [row for row in rows if row.kind != "no_verdict"]
    tasks: dict[str, list[float]] = {}
    for row in said:
        own = tasks.setdefault(row.task, [0.0] * 7)
        objects = row.kind == "revise"
        own[0] += objects and row.wrong
        own[1] += objects
        own[2] += row.wrong
        own[3] += objects and not row.wrong
        own[4] += not row.wrong
        if row.p_revise is not None:
            own[5] += (row.p_revise - row.wrong) ** 2
            own[6] += 1
    counts = [own for _, own in sorted(tasks.items())]
    found = ratios(
        counts,
        {
            "precision": Ratio(0, 1, "objections"),
            "recall": Ratio(0, 2, "proposals labelled revise"),
            "false_alarm_rate": Ratio(3, 4, "proposals labelled approve"),
            "brier": Ratio(5, 6, "scored proposals", kind="mean"),
        },
    )
    hits, objections, wrong, alarms, right = (round(sum(own[place] for own in counts)) for place in range(5))
    assert hits + alarms == objections
    scored = [(row.p_revise, row.wrong) for row in said if row.p_revise is not None]
    bins = reliability(scored)
    return Quality(
        critic=judge.critic,
        live=judge.live,
        labels=judge.labels,
        labelled=len(said),
        no_verdict=len(rows) - len(said),
        hits=hits,
        false_alarms=alarms,
        misses=wrong - hits,
        passes=right - alarms,
        precision=found["precision"],
        recall=found["recall"],
        false_alarm_rate=found["false_alarm_rate"],
        auroc=auroc([(row.task, row.p_revise, row.wrong) for row in said if row.p_revise is not None]),
        brier=found["brier"],
        ece=calibration_error(bins),
        reliability=tuple(bins),
    )
