"""Calibration: does ``p_revise`` mean what it says?

The Brier score (Brier 1950, Monthly Weather Review 78:1) is the mean squared difference between ``p_revise`` and the
label (1 for revise). The expected calibration error (Naeini, Cooper & Hauskrecht 2015, AAAI; Guo et al. 2017, arXiv
1706.04599) is the mean distance, over bins of equal width weighted by their proposals, between the mean ``p_revise``
of a bin and its share of proposals that should have been revised. With few proposals it is larger than the truth, and
no interval is given for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

BINS = 10


class Bin(Struct, frozen=True):
    """One bar of a reliability diagram: proposals with ``p_revise`` in [low, high), the last bin with both ends."""

    low: float
    high: float
    count: int
    mean: float
    """Mean ``p_revise``."""
    share: float
    """Of these, what should have been revised."""


def brier(scored: Iterable[tuple[float, bool]]) -> float | None:
    """Return the Brier score of (``p_revise``, should have been revised); ``None`` of none.

    >>> brier([(1.0, True), (0.5, False)])
    0.125
    """
    errors = [(p - label) ** 2 for p, label in scored]
    return sum(errors) / len(errors) if errors else None


def reliability(scored: Iterable[tuple[float, bool]], bins: int = BINS) -> list[Bin]:
    """Return the bins that hold something, from low to high."""
    held: dict[int, list[tuple[float, bool]]] = {}
    for p, label in scored:
        held.setdefault(min(int(p * bins), bins - 1), []).append((p, label))
    return [
        Bin(
            place / bins,
            (place + 1) / bins,
            len(own),
            sum(p for p, _ in own) / len(own),
            sum(label for _, label in own) / len(own),
        )
        for place, own in sorted(held.items())
    ]


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error of a reliability diagram; ``None`` of none."""
    count = sum(b.count for b in bins)
    return sum(b.count * abs(b.mean - b.share) for b in bins) / count if count else None
