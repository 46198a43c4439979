"""McNemar's exact test: do two configurations succeed equally often on the same tasks and trials?"""

from __future__ import annotations

from math import comb


def mcnemar(mended: int, broken: int) -> float:
    """Return the two-sided exact p-value of pairs that differ, given how many do so in either direction.

    Without a difference each such pair goes either way with probability 1/2, so that the smaller number is binomial
    (McNemar 1947, Psychometrika 12:153; the exact form in Fagerland, Lydersen & Laake 2013, BMC Medical Research
    Methodology 13:91). Never rejects more often than it says; it supposes that pairs are independent.

    >>> mcnemar(9, 1), mcnemar(0, 0)
    (0.021484375, 1.0)
    """
    n, fewer = mended + broken, min(mended, broken)
    below = sum(comb(n, i) for i in range(fewer + 1))
    return min(1.0, below / 2 ** (n - 1)) if n else 1.0
