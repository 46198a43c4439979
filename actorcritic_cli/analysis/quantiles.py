"""Quantiles of a list of numbers."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Spread(Struct, frozen=True):
    """How values are spread: their number, the median and the value that 95 % do not exceed."""

    count: int
    p50: float
    p95: float


def quantile(ordered: Sequence[float], q: float) -> float:
    """Return the q-quantile (q in [0, 1]) of ascending numbers, interpolated linearly between neighbours.

    >>> quantile([1.0, 2.0, 4.0], 0.5), quantile([1.0, 2.0], 0.5)
    (2.0, 1.5)
    """
    if not ordered:
        raise ValueError("there is no quantile of nothing")
    place = q * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def spread(values: Sequence[float]) -> Spread | None:
    """Return the spread of values; ``None`` of none."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(len(ordered), quantile(ordered, 0.5), quantile(ordered, 0.95))
