"""pass^k: how likely an agent is to solve a task in all of k tries.

The estimator is that of τ-bench (Yao et al. 2024, arXiv 2406.12045, section 3): for a task with n trials of which c
succeeded, C(c, k) / C(n, k) is the unbiased estimate that k trials drawn from it all succeed; pass^k is its mean over the
tasks. pass^1 is the mean success rate of a task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import comb

from msgspec import Struct


class PassK(Struct, frozen=True):
    """pass^1 … pass^k, with k up to the smallest number of trials that a task has."""

    values: tuple[float, ...]
    tasks: int
    trials: tuple[int, int]
    """The smallest and the largest number of trials of a task; pass^k above the smallest is undefined."""


def pass_hat_k(trials: int, successes: int, k: int) -> float:
    """Return C(c, k) / C(n, k) for one task. Raises ``ValueError`` unless 1 ≤ k ≤ n and 0 ≤ c ≤ n.

    >>> pass_hat_k(4, 2, 1), pass_hat_k(4, 3, 2), pass_hat_k(4, 2, 3)
    (0.5, 0.5, 0.0)
    """
    if not (1 <= k <= trials and 0 <= successes <= trials):
        raise ValueError(f"pass^{k} of {successes} successes in {trials} trials is not defined")
    return comb(successes, k) / comb(trials, k)


def pass_k(outcomes: Mapping[str, Sequence[bool]]) -> PassK:
    """Return pass^k of tasks, given whether each of their trials succeeded; tasks without a trial are left out."""
    counts = [(len(trials), sum(trials)) for trials in outcomes.values() if trials]
    if not counts:
        return PassK((), 0, (0, 0))
    least, most = min(n for n, _ in counts), max(n for n, _ in counts)
    values = tuple(_mean(pass_hat_k(n, c, k) for n, c in counts) for k in range(1, least + 1))
    return PassK(values, len(counts), (least, most))


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
