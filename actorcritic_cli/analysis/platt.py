"""Probabilities that mean what they say: a logistic fit of labels on logits.

J. Platt, *Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods*, 1999, with
its targets, which keep the fit finite where the classes are apart; by Newton's method (H.-T. Lin, C.-J. Lin, R. C. Weng, *A
note on Platt's probabilistic outputs for support vector machines*, 2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_CLIP = 1e-7
_STEPS = 100
_RIDGE = 1e-9


def logit(p: float) -> float:
    """Return the log odds of a probability, kept from 0 and 1 by 1e-7."""
    p = min(max(p, _CLIP), 1 - _CLIP)
    return math.log(p / (1 - p))


def scaled(p: float, slope: float, intercept: float) -> float:
    """Return a probability after scaling its log odds."""
    return _sigmoid(slope * logit(p) + intercept)


def fit(scored: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Return slope and intercept that scale probabilities best; (1, 0) where there is nothing to fit.

    ``scored`` are probabilities with what was so. A fit that would turn the order round is none.
    """
    positives = sum(label for _, label in scored)
    negatives = len(scored) - positives
    if not positives or not negatives:
        return 1.0, 0.0
    high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
    points = [(logit(p), high if label else low) for p, label in scored]
    slope, intercept = 1.0, 0.0
    loss = _loss(points, slope, intercept)
    for _ in range(_STEPS):
        g1 = g0 = h11 = h10 = h00 = 0.0
        for x, target in points:
            p = _sigmoid(slope * x + intercept)
            error, weight = p - target, p * (1 - p)
            g1, g0 = g1 + error * x, g0 + error
            h11, h10, h00 = h11 + weight * x * x, h10 + weight * x, h00 + weight
        h11, h00 = h11 + _RIDGE, h00 + _RIDGE
        determinant = h11 * h00 - h10 * h10
        if abs(g1) + abs(g0) < 1e-8 * len(points) or determinant <= 0:
            break
        d1, d0 = (h00 * g1 - h10 * g0) / determinant, (h11 * g0 - h10 * g1) / determinant
        step = 1.0
        while step > 1e-6:
            new = _loss(points, slope - step * d1, intercept - step * d0)
            if new < loss:
                break
            step /= 2
        else:
            break
        slope, intercept, loss = slope - step * d1, intercept - step * d0, new
    return (slope, intercept) if slope > 0 else (1.0, 0.0)


def _loss(points: Sequence[tuple[float, float]], slope: float, intercept: float) -> float:
    total = 0.0
    for x, target in points:
        z = slope * x + intercept
        # log(1 + exp(z)) - target * z, without overflow
        total += max(z, 0.0) + math.log1p(math.exp(-abs(z))) - target * z
    return total


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))
