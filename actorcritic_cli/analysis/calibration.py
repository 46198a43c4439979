"""Calibration: does ``p_revise`` mean what it says?

The Brier score (Brier 1950, Monthly Weather Review 78:1) is the mean squared difference between ``p_revise`` and the
label (1 for revise). The expected calibration error (Naeini, Cooper & Hauskrecht 2015, AAAI; Guo et al. 2017, arXiv
1706.04599) is the mean distance, over bins of equal width weighted by their proposals, between the mean ``p_revise``
of a bin and its share of proposals that should have been revised. With few proposals it is larger than the truth; its
interval, the task-clustered bootstrap's, is about the value as it is measured and knows nothing of that.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from msgspec import Struct

from actorcritic_cli.analysis.auroc import Scored
from actorcritic_cli.analysis.bootstrap import bootstrap
from actorcritic_cli.analysis.shares import Estimate, too_few

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


def calibration_estimate(scored: Iterable[Scored], bins: int = BINS) -> Estimate:
    """Return the expected calibration error with its interval, which takes whole tasks as what was drawn."""
    tasks: dict[Hashable, list[float]] = {}
    for task, p, label in scored:
        own = tasks.setdefault(task, [0.0] * (2 * bins))
        place = min(int(p * bins), bins - 1)
        own[place] += p - label
        own[bins + place] += 1
    rows = [own for _, own in sorted(tasks.items(), key=lambda item: str(item[0]))]

    def error(sums: Sequence[float]) -> float | None:
        count = sum(sums[bins:])
        return sum(map(abs, sums[:bins])) / count if count else None

    sums = [sum(column) for column in zip(*rows, strict=True)]
    cases = round(sum(sums[bins:]))
    known = Estimate(error(sums), None, None, cases, len(rows), too_few(cases, len(rows), "scored proposals"))
    if known.lacking:
        return known
    (interval,) = bootstrap(rows, [error])
    return known if interval is None else Estimate(known.value, *interval, cases, len(rows))
