"""Drawing from a seeded stream with ``Random.random`` alone, whose numbers are the same on every Python version."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def below(rng: Random, end: int) -> int:
    """Return an integer in [0, end)."""
    return int(rng.random() * end)


def between(rng: Random, low: int, high: int) -> int:
    """Return an integer in [low, high]."""
    return low + below(rng, high - low + 1)


def pick(rng: Random, items: Sequence[T]) -> T:
    """Return one of the items."""
    return items[below(rng, len(items))]


def mixed(rng: Random, items: Sequence[T]) -> list[T]:
    """Return the items in a random order."""
    return [item for _, item in sorted(((rng.random(), n), item) for n, item in enumerate(items))]


def some(rng: Random, items: Sequence[T], share: float) -> list[T]:
    """Return each item with a probability of ``share``, in the given order."""
    return [item for item in items if rng.random() < share]
