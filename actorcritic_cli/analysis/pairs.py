"""Did supervision help? What became of the same tasks and trials with it and without it.

A pair is a session of a group and the session of the baseline run on the same environment, data set, task and trial
(with the same configuration otherwise, that is also the same seed). *Helpfulness* is the share of the baseline's
failures that the group's configuration mends, *harmfulness* the share of the baseline's successes that it breaks,
*uplift* the difference of the success rates over the pairs, (mended - broken) / pairs.

Intervals take whole tasks as what was drawn (see ``clustered``). That of uplift is the wider, at each end, of the
bootstrap's and that of the difference of two shares made of their Wilson intervals (MOVER; Zou & Donner 2008,
"Construction of confidence limits about effect measures", Statistics in Medicine 27:1693), which stays an interval
where no pair differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Literal

from msgspec import Struct

from actorcritic_cli.analysis.bootstrap import bootstrap
from actorcritic_cli.analysis.clustered import Ratio, ratios, widest
from actorcritic_cli.analysis.mcnemar import mcnemar
from actorcritic_cli.analysis.shares import CONFIDENCE, Estimate, too_few, wilson

Finding = Literal["better", "worse", "no difference shown", "too few to tell"]


class TaskPairs(Struct, frozen=True):
    """How the scored pairs of one task ended: in success with both, with neither, or with one of them only."""

    task: str
    both: int = 0
    mended: int = 0
    """The baseline failed, the other succeeded."""
    broken: int = 0
    """The baseline succeeded, the other failed."""
    neither: int = 0

    @property
    def pairs(self) -> int:
        """All pairs."""
        return self.both + self.mended + self.broken + self.neither


class Effect(Struct, frozen=True):
    """What a configuration changed against the baseline."""

    pairs: int
    tasks: int
    both: int
    mended: int
    broken: int
    neither: int
    helpfulness: Estimate
    harmfulness: Estimate
    uplift: Estimate
    p_value: float
    """Of McNemar's exact test."""
    finding: Finding
    """``better`` and ``worse`` only where the test rejects at 5 % and the interval of uplift excludes 0."""


def effect(tasks: Iterable[TaskPairs]) -> Effect:
    """Return what the pairs of all tasks show."""
    counted = [t for t in tasks if t.pairs]
    both, mended, broken, neither = (
        sum(getattr(t, name) for t in counted) for name in ("both", "mended", "broken", "neither")
    )
    rows = [(t.mended, t.mended + t.neither, t.broken, t.broken + t.both) for t in counted]
    shares = ratios(
        rows,
        {
            "helpfulness": Ratio(0, 1, "failures of the baseline"),
            "harmfulness": Ratio(2, 3, "successes of the baseline"),
        },
    )
    uplift, p_value = _uplift(counted), mcnemar(mended, broken)
    return Effect(
        pairs=both + mended + broken + neither,
        tasks=len(counted),
        both=both,
        mended=mended,
        broken=broken,
        neither=neither,
        helpfulness=shares["helpfulness"],
        harmfulness=shares["harmfulness"],
        uplift=uplift,
        p_value=p_value,
        finding=_finding(uplift, p_value),
    )


def _uplift(tasks: list[TaskPairs]) -> Estimate:
    pairs = sum(t.pairs for t in tasks)
    mended, broken = sum(t.mended for t in tasks), sum(t.broken for t in tasks)
    value = (mended - broken) / pairs if pairs else None
    known = Estimate(value, None, None, pairs, len(tasks), too_few(pairs, len(tasks), "pairs"))
    if known.lacking:
        return known
    (interval,) = bootstrap([(t.pairs, t.mended - t.broken) for t in tasks], [lambda sums: sums[1] / sums[0]])
    assert interval is not None  # every task here has pairs
    return widest(known, interval, difference(mended, broken, pairs))


def difference(mended: int, broken: int, pairs: int) -> tuple[float, float]:
    """Return the interval of the difference of two shares of the same cases, from the Wilson interval of each."""
    m, b = mended / pairs, broken / pairs
    (m_low, m_high), (b_low, b_high) = wilson(m, pairs), wilson(b, pairs)
    return m - b - sqrt((m - m_low) ** 2 + (b_high - b) ** 2), m - b + sqrt((m_high - m) ** 2 + (b - b_low) ** 2)


def _finding(uplift: Estimate, p_value: float) -> Finding:
    if uplift.low is None or uplift.high is None:
        return "too few to tell"
    if p_value > 1 - CONFIDENCE or uplift.low <= 0 <= uplift.high:
        return "no difference shown"
    return "better" if uplift.low > 0 else "worse"
