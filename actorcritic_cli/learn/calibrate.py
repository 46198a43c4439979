"""Choosing a critic's threshold on labelled cases."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from actorcritic_cli.analysis.operating import Best, best_threshold, threshold_at
from actorcritic_cli.analysis.platt import fit, scaled
from actorcritic_cli.analysis.quality import Quality, quality
from actorcritic_cli.critics.labels import Scaling
from actorcritic_cli.critics.thresholds import Calibrated
from actorcritic_cli.errors import AccError
from actorcritic_cli.learn.dataset import Row
from actorcritic_cli.learn.evaluate import Judged
from actorcritic_cli.store.labelled import Judge, Labelled
from actorcritic_cli.types import CriticIdentity

LEAST_PLAIN, MOST_WRONG = 100, 0.01
"""Replies that only ask are approved unasked if there are at least so many, of which at most this share is wrong."""
BEST: dict[Best, str] = {"f1": "the greatest F1", "youden": "the greatest catches minus false alarms (Youden's J)"}


class Rule(Struct, frozen=True):
    """By what a threshold is chosen: at most this share of false alarms, or the best value of a measure."""

    false_alarms: float = 0.05
    best: Best | None = None

    @property
    def words(self) -> str:
        """The rule in words."""
        return BEST[self.best] if self.best is not None else f"at most {self.false_alarms:.3g} false alarms"


class Calibration(Struct, frozen=True):
    """A threshold that was chosen. ``quality`` is that of the critic with it, on the very cases it was chosen on: other
    cases will be a little worse. ``before`` is the threshold that counted until now; ``notes`` say what makes it
    unsure."""

    critic: str
    threshold: float
    before: float
    rule: str
    data: str
    cases: int
    quality: Quality
    notes: tuple[str, ...]
    slope: float = 1.0
    intercept: float = 0.0
    """How the log odds of p_revise are scaled in a copy of the model (see ``analysis.platt``), fitted on the same cases."""
    plain: float | None = None
    """What a copy of the model says of replies that only ask: how often they are wrong, by Laplace's rule of succession.
    Threshold and scaling are then chosen on the others. ``None``: the model is asked about them, too."""

    def in_file(self, before: Scaling) -> dict[str, float]:
        """Return what a copy of the model says of itself: the threshold, scaled, both scalings as one, and ``plain``."""
        plain = {"acc.plain": self.plain} if self.plain is not None else {}
        return plain | {
            "acc.threshold": min(1.0, round(scaled(self.threshold, self.slope, self.intercept), 6)),
            "acc.slope": self.slope * before[0],
            "acc.intercept": self.slope * before[1] + self.intercept,
        }

    def kept(self) -> Calibrated:
        """Return what is kept of it."""
        measured: dict[str, Any] = {
            "caught": self.quality.recall.value,
            "false_alarms": self.quality.false_alarm_rate.value,
            "auroc": self.quality.auroc.value,
        }
        return Calibrated(self.threshold, self.rule, self.data, self.cases, time.time(), measured)


def calibration(
    critic: CriticIdentity,
    judged: Sequence[Judged],
    rule: Rule,
    data: str,
    plain: Callable[[Row], bool] = lambda row: False,
) -> Calibration:
    """Choose a threshold. Raises ``AccError`` where there are not both right and wrong proposals with a probability.

    It is rounded to 6 places, as files hold it. ``plain`` tells which are replies that only ask (see ``Style.plain``): where
    there are enough of them and hardly one is wrong, they are left out, and a copy of the model is told so.
    """
    share, judged, apart = _apart(judged, plain)
    scored = [(j.verdict.p_revise, j.row.label == "revise") for j in judged if j.verdict.p_revise is not None]
    wrong = sum(label for _, label in scored)
    right = len(scored) - wrong
    if not wrong or not right:
        lacking = "to be revised" if not wrong else "that are right"
        raise AccError(
            f"There are no judged proposals {lacking} in these {len(scored):,}; take a split or a data set with both kinds."
        )
    best = best_threshold(scored, rule.best) if rule.best is not None else None
    threshold = min(1.0, round(threshold_at(scored, rule.false_alarms) if best is None else best, 6))
    rows = [
        Labelled(
            f"{j.row.env}/{j.row.dataset}/{j.row.task}",
            "revise" if j.verdict.p_revise >= threshold else "approve",
            j.verdict.p_revise,
            j.row.label == "revise",
        )
        for j in judged
        if j.verdict.p_revise is not None
    ]
    slope, intercept = fit(scored)
    return Calibration(
        critic.name,
        threshold,
        critic.threshold,
        rule.words,
        data,
        len(scored),
        quality(Judge(0, False, critic.name, data), rows),
        (*apart, *_notes(rule, right, wrong, len(judged) - len(scored))),
        slope,
        intercept,
        share,
    )


def _apart(
    judged: Sequence[Judged], plain: Callable[[Row], bool]
) -> tuple[float | None, Sequence[Judged], tuple[str, ...]]:
    """Return how often replies that only ask are wrong, if that may be said; the other cases; and a note on it."""
    asking = [j for j in judged if plain(j.row)]
    wrong = sum(j.row.label == "revise" for j in asking)
    if len(asking) < LEAST_PLAIN or wrong > MOST_WRONG * len(asking):
        return None, judged, ()
    note = (
        f"{len(asking):,} replies only ask and name no value that could be wrong; {wrong} of them were to be revised, so a "
        "copy of the model (--write) approves such replies unasked, and the figures are of the others"
    )
    among = {id(j) for j in asking}
    share = round((wrong + 1) / (len(asking) + 2), 6)
    return share, [j for j in judged if id(j) not in among], (note,)


def _notes(rule: Rule, right: int, wrong: int, without: int) -> list[str]:
    notes = []
    if rule.best is None and rule.false_alarms * right < 1:
        notes.append(
            f"{right} right proposals cannot show a rate of {rule.false_alarms:.3g}: none of them may be sent back, and the "
            "rate on others can be far higher"
        )
    elif min(right, wrong) < 30:
        notes.append(f"only {min(right, wrong)} proposals of one kind: the threshold is unsure")
    if without:
        notes.append(f"{without} proposals had no verdict and are left out")
    return notes
