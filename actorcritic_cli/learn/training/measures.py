"""How well a critic tells slips from right proposals, in the figures that training shows as it goes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def auroc(revise: Sequence[float], approve: Sequence[float]) -> float | None:
    """Return the chance that a proposal to be revised has a higher p_revise than one that is right (ties: half).

    This is the Mann-Whitney statistic over all pairs; ``None`` where one side is empty.
    """
    if not revise or not approve:
        return None
    ordered = sorted(approve)
    above = sum(bisect_left(ordered, p) + bisect_right(ordered, p) for p in revise) / 2
    return above / (len(revise) * len(approve))


def caught_at(revise: Sequence[float], approve: Sequence[float], false_alarms: float) -> float | None:
    """Return the greatest share of slips that a threshold catches with at most this share of false alarms."""
    if not revise or not approve:
        return None
    allowed = int(false_alarms * len(approve) + 1e-9)
    ordered = sorted(approve, reverse=True)
    bar = ordered[allowed] if allowed < len(ordered) else -1.0
    return sum(p > bar for p in revise) / len(revise)
