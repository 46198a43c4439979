"""Shares of independent cases with their intervals, and what every estimate here looks like."""

from __future__ import annotations

from math import sqrt

from msgspec import Struct

from actorcritic_cli.analysis.distributions import NORMAL, beta_quantile

CONFIDENCE = 0.95
"""Of every interval: two-sided, so that the truth lies below the lower bound in 2.5 % of cases."""
MIN_CASES = 10
"""Cases (a share's denominator) below which no interval is given and nothing is claimed."""
MIN_TASKS = 10
"""Tasks below which a task-clustered interval is not given: so few cannot show how much tasks differ."""


class Estimate(Struct, frozen=True):
    """A measured value and the interval in which the truth lies with 95 % confidence.

    ``value`` is ``None`` where nothing could be counted. ``low`` and ``high`` are ``None`` where ``lacking`` says why
    the data are too few to tell. ``cases`` is what the value is a mean or a share of, ``tasks`` how many tasks these
    come from.
    """

    value: float | None
    low: float | None
    high: float | None
    cases: int
    tasks: int
    lacking: str = ""


def too_few(cases: int, tasks: int, what: str = "cases") -> str:
    """Return why so few data can tell nothing; empty when they are enough.

    >>> too_few(81, 27), too_few(4, 3, "failures")
    ('', 'too few to tell (failures: 4 of 10 needed)')
    """
    if cases < MIN_CASES:
        return f"too few to tell ({what}: {cases} of {MIN_CASES} needed)"
    if tasks < MIN_TASKS:
        return f"too few to tell (tasks: {tasks} of {MIN_TASKS} needed)"
    return ""


def wilson(share: float, cases: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return Wilson's score interval of a share of independent cases.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22:209; recommended by
    Brown, Cai & DasGupta 2001, "Interval estimation for a binomial proportion", Statistical Science 16:101.
    """
    if cases <= 0:
        return 0.0, 1.0
    z2 = NORMAL.inv_cdf((1 + confidence) / 2) ** 2
    middle = (share + z2 / (2 * cases)) / (1 + z2 / cases)
    half = sqrt(z2 * (share * (1 - share) / cases + z2 / (4 * cases * cases))) / (1 + z2 / cases)
    return (0.0 if share <= 0 else max(0.0, middle - half)), (1.0 if share >= 1 else min(1.0, middle + half))


def clopper_pearson(successes: int, cases: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval of a share, which covers at least as often as it says, however few the cases are.

    Clopper & Pearson 1934, "The use of confidence or fiducial limits", Biometrika 26:404, by quantiles of the beta
    distribution.
    """
    tail = (1 - confidence) / 2
    low = beta_quantile(tail, successes, cases - successes + 1) if successes > 0 else 0.0
    high = beta_quantile(1 - tail, successes + 1, cases - successes) if successes < cases else 1.0
    return low, high
