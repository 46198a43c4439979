"""The task-clustered bootstrap: how much a number would vary with other tasks of the same kind and other trials.

Sessions of the same task go well or badly together, so that whole tasks are drawn, with all that was counted on them
(Davison & Hinkley 1997, *Bootstrap Methods and their Application*, section 3.8; Field & Welsh 2007, "Bootstrapping
clustered data", JRSS B 69:369). Numbers are functions of sums over tasks, so that nothing but the counts of each task
is drawn.

Intervals are BCa (Efron 1987, "Better bootstrap confidence intervals", JASA 82:171; Davison & Hinkley, section 5.3),
with the quantiles of the normal distribution replaced by sqrt(n / (n - 1)) times those of Student's t with n - 1
degrees of freedom, n the number of tasks: the bootstrap's spread is too narrow by just that for a mean of few tasks
(Hesterberg 2015, "What teachers should know about the bootstrap", The American Statistician 69:371, section 5:
expanded percentiles).

Everything is drawn from a fixed seed: the same counts always give the same interval.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import inf, sqrt
from operator import itemgetter
from random import Random

from actorcritic_cli.analysis.distributions import NORMAL, t_quantile
from actorcritic_cli.analysis.quantiles import quantile
from actorcritic_cli.analysis.shares import CONFIDENCE

RESAMPLES = 2000
SEED = 20260
CLUSTERS = 250
"""More tasks than these are put together at random into as many groups, which are drawn instead: a number from so many
independent groups varies like one from the tasks (random groups; Wolter 2007, *Introduction to Variance Estimation*,
chapter 2), and time and memory stay bounded."""

Statistic = Callable[[Sequence[float]], float | None]
"""A number from the sums of all columns over the tasks; ``None`` where it is not defined."""
Interval = tuple[float, float]


def bootstrap(
    tasks: Sequence[Sequence[float]], statistics: Sequence[Statistic], confidence: float = CONFIDENCE
) -> list[Interval | None]:
    """Return the interval of each statistic, given the counts of every task (one row a task, the same columns).

    ``None`` stands for a statistic that is not defined on the data. Draws on which it is not are left out. Two tasks
    are the least there must be. Where all draws agree the interval is that one point.
    """
    rows = _grouped(tasks)
    columns = list(zip(*rows, strict=True))
    totals = [sum(column) for column in columns]
    drawn = [[sum(draw(column)) for column in columns] for draw in draws(len(rows))]
    without = [[total - own for total, own in zip(totals, row, strict=True)] for row in rows]
    return [_interval(statistic, totals, drawn, without, confidence) for statistic in statistics]


@lru_cache(maxsize=4)
def draws(count: int) -> tuple[Callable[[Sequence[float]], tuple[float, ...]], ...]:
    """Return the draws with replacement of ``count`` tasks among as many, each as what picks them from a column."""
    random, everything = Random(SEED), range(count)
    return tuple(itemgetter(*random.choices(everything, k=count)) for _ in range(RESAMPLES))


def _interval(
    statistic: Statistic,
    totals: Sequence[float],
    drawn: Sequence[Sequence[float]],
    without: Sequence[Sequence[float]],
    confidence: float,
) -> Interval | None:
    value = statistic(totals)
    found = sorted(v for v in map(statistic, drawn) if v is not None)
    if value is None or not found:
        return None
    left_out = [v for v in map(statistic, without) if v is not None]
    z0, acceleration = bias(found, value), skew(left_out)
    z = expanded(len(without), confidence)
    low, high = (quantile(found, level(z0, acceleration, side)) for side in (-z, z))
    return low, high


def expanded(count: int, confidence: float = CONFIDENCE) -> float:
    """Return how many standard normal deviations an interval reaches to either side, for so many tasks."""
    return sqrt(count / (count - 1)) * t_quantile((1 + confidence) / 2, count - 1)


def bias(ordered: Sequence[float], value: float) -> float:
    """Return z0: the normal quantile of the share of draws below the value, half of the equal ones counted as below."""
    share = (bisect_left(ordered, value) + bisect_right(ordered, value)) / (2 * len(ordered))
    return -inf if share <= 0 else inf if share >= 1 else NORMAL.inv_cdf(share)


def skew(left_out: Sequence[float]) -> float:
    """Return the acceleration a, from the values without one task each (Efron 1987, formula 6.6)."""
    if not left_out:
        return 0.0
    mean = sum(left_out) / len(left_out)
    away = [mean - value for value in left_out]
    squares = sum(d * d for d in away)
    return sum(d**3 for d in away) / (6 * squares**1.5) if squares > 1e-300 else 0.0


def level(z0: float, acceleration: float, z: float) -> float:
    """Return the share of draws that lies below an end of the interval."""
    if abs(z0) == inf:
        z0 = 0.0  # all draws on one side say nothing of a bias; plain percentiles
    reach = 1 - acceleration * (z0 + z)
    if reach <= 0:  # a jackknife so skewed that the correction has turned over
        return 1.0 if z > 0 else 0.0
    return NORMAL.cdf(z0 + (z0 + z) / reach)


def _grouped(tasks: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    if len(tasks) <= CLUSTERS:
        return list(tasks)
    shuffled = list(tasks)
    Random(SEED).shuffle(shuffled)
    groups = [shuffled[start::CLUSTERS] for start in range(CLUSTERS)]
    return [[sum(column) for column in zip(*group, strict=True)] for group in groups]
