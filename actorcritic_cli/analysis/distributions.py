"""The beta and Student's t distribution: quantiles for intervals of shares and means.

The regularised incomplete beta function is evaluated by its continued fraction (NIST Digital Library of Mathematical
Functions, 8.17.22, https://dlmf.nist.gov/8.17#v) with the modified method of Lentz (Press et al. 2007, *Numerical
Recipes*, section 6.4); quantiles by bisection, which is slow, sure, and needed a few times a report.
"""

from __future__ import annotations

from functools import cache
from math import exp, inf, lgamma, log, log1p, sqrt
from statistics import NormalDist

NORMAL = NormalDist()
_TINY = 1e-300


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return I_x(a, b), the probability that a beta(a, b) variable is at most x. ``a`` and ``b`` are positive."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of I_x(a, b), which converges fast for x < (a + 1) / (a + b + 2)."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = _away(1 + numerator / c), 1 / _away(1 + numerator * d)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


@cache
def beta_quantile(p: float, a: float, b: float) -> float:
    """Return the x in [0, 1] with I_x(a, b) = p."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if beta_cdf(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@cache
def t_quantile(p: float, freedom: int) -> float:
    """Return the p-quantile of Student's t with ``freedom`` degrees of freedom.

    t² / (freedom + t²) has a beta(1/2, freedom/2) distribution (Johnson, Kotz & Balakrishnan 1995, *Continuous
    Univariate Distributions* 2, chapter 28).

    >>> round(t_quantile(0.975, 9), 3)
    2.262
    """
    if p == 0.5:
        return 0.0
    # The complement is beta(freedom/2, 1/2); its small quantile keeps the digits that 1 - x would lose.
    y = beta_quantile(2 * min(p, 1 - p), freedom / 2, 0.5)
    t = sqrt(freedom * (1 - y) / y) if y > 0 else inf
    return t if p > 0.5 else -t
