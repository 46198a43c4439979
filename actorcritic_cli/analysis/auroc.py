"""AUROC: how well a critic's ``p_revise`` tells proposals that should be revised from those that should not.

It is the probability that one of the former gets the higher ``p_revise``, a tie counting one half (Hanley & McNeil
1982, Radiology 143:29). The variance is that of DeLong, DeLong & Clarke-Pearson 1988 (Biometrics 44:837) as extended
to clusters by Obuchowski 1997 ("Nonparametric analysis of clustered ROC curve data", Biometrics 53:567), with tasks as
the clusters; where every cluster holds one proposal, the two are the same. The interval is made on the logit scale
(Pepe 2003, *The Statistical Evaluation of Medical Tests*, section 5.2.4), so that it stays within [0, 1], with
Student's t for few tasks.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable
from math import exp, log, sqrt

from actorcritic_cli.analysis.distributions import t_quantile
from actorcritic_cli.analysis.shares import CONFIDENCE, Estimate, too_few, wilson

Scored = tuple[Hashable, float, bool]
"""Task, ``p_revise``, and whether it should have been revised."""


def auroc(scored: Iterable[Scored], confidence: float = CONFIDENCE) -> Estimate:
    """Return the AUROC of judged proposals. Both kinds must be there in number; else it says so.

    Where no pair is in the wrong order (or all are) there is no variance to be seen; the bound is then that of the
    largest variance there can be, A (1 - A) / min(m, n) (van Dantzig 1951), by Wilson's interval.
    """
    rows = list(scored)
    wrong = sorted(p for _, p, label in rows if label)
    right = sorted(p for _, p, label in rows if not label)
    tasks = {task for task, _, _ in rows}
    fewer = min(len(wrong), len(right))
    if not fewer:
        return Estimate(None, None, None, fewer, len(tasks), too_few(fewer, len(tasks), "of one kind"))
    sums: dict[Hashable, list[float]] = {task: [0, 0.0, 0, 0.0] for task in tasks}  # m, V10, n, V01 of each task
    above = 0.0
    for task, p, label in rows:
        own, others = sums[task], right if label else wrong
        below = (bisect_left(others, p) + bisect_right(others, p)) / (2 * len(others))
        own[0 if label else 2] += 1
        own[1 if label else 3] += below if label else 1 - below
        above += below if label else 0.0
    area = above / len(wrong)
    lacking = too_few(fewer, len(tasks), "of one kind")
    if lacking:
        return Estimate(area, None, None, fewer, len(tasks), lacking)
    low, high = _interval(area, len(wrong), len(right), list(sums.values()), confidence)
    return Estimate(area, low, high, fewer, len(tasks))


def variance(area: float, m: int, n: int, clusters: list[list[float]]) -> float:
    """Return Obuchowski's variance of an area over m positives and n negatives; a cluster is (m, V10 sum, n, V01
    sum)."""
    with_wrong, with_right = sum(c[0] > 0 for c in clusters), sum(c[2] > 0 for c in clusters)
    away = [(v10 - own_m * area, v01 - own_n * area) for own_m, v10, own_n, v01 in clusters]
    s10 = with_wrong / ((with_wrong - 1) * m) * sum(x * x for x, _ in away)
    s01 = with_right / ((with_right - 1) * n) * sum(y * y for _, y in away)
    s11 = len(clusters) / (len(clusters) - 1) * sum(x * y for x, y in away)
    return s10 / m + s01 / n + 2 * s11 / (m * n)


def _interval(area: float, m: int, n: int, clusters: list[list[float]], confidence: float) -> tuple[float, float]:
    spread = 0.0
    if all(sum(c[side] > 0 for c in clusters) > 1 for side in (0, 2)):
        spread = sqrt(max(0.0, variance(area, m, n, clusters)))
    if spread == 0 or not 0 < area < 1:
        return wilson(area, min(m, n), confidence)
    centre = log(area / (1 - area))
    reach = t_quantile((1 + confidence) / 2, len(clusters) - 1) * spread / (area * (1 - area))
    return _logistic(centre - reach), _logistic(centre + reach)


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))
