"""pass^k: how likely an agent is to solve a task in all of k tries.

The estimator is that of τ-bench (Yao et al. 2024, arXiv 2406.12045, section 3): for a task with n trials of which c
succeeded, C(c, k) / C(n, k) is the unbiased estimate that k trials drawn from it all succeed; pass^k is its mean over
the tasks. pass^1 is the mean success rate of a task.

Intervals are those of ``clustered``: the task-clustered bootstrap, and Wilson's for as many cases as there are
disjoint sets of k trials, since the estimator varies no more than the mean over such sets (Hoeffding 1948, "A class of
statistics with asymptotically normal distribution", Annals of Mathematical Statistics 19:293, theorem 5.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

from msgspec import Struct

from actorcritic_cli.analysis.bootstrap import Statistic, bootstrap
from actorcritic_cli.analysis.clustered import widest
from actorcritic_cli.analysis.shares import Estimate, too_few, wilson


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


def pass_k(counts: Iterable[tuple[int, int]]) -> PassK:
    """Return pass^k of tasks, given the (trials, successes) of each; tasks without a trial are left out."""
    counts = [(n, c) for n, c in counts if n]
    if not counts:
        return PassK((), 0, (0, 0))
    least, most = min(n for n, _ in counts), max(n for n, _ in counts)
    values = tuple(_mean(pass_hat_k(n, c, k) for n, c in counts) for k in range(1, least + 1))
    return PassK(values, len(counts), (least, most))


def pass_estimates(counts: Iterable[tuple[int, int]], upto: int) -> list[Estimate]:
    """Return pass^1 … pass^``upto`` with their intervals, as far as the trials go."""
    counts = [(n, c) for n, c in counts if n]
    found = pass_k(counts)
    ks = range(1, min(upto, len(found.values)) + 1)
    known = []
    for k, value in zip(ks, found.values, strict=False):
        cases = sum(n // k for n, _ in counts)
        known.append(Estimate(value, None, None, cases, len(counts), too_few(cases, len(counts), _sets(k))))
    if not known or known[0].lacking:
        return known
    rows = [[1.0, *(pass_hat_k(n, c, k) for k in ks)] for n, c in counts]
    intervals = bootstrap(rows, [_mean_of(k) for k in ks])
    return [
        widest(one, interval, wilson(one.value, one.cases))
        if interval is not None and one.value is not None and not one.lacking
        else one
        for one, interval in zip(known, intervals, strict=True)
    ]


def _sets(k: int) -> str:
    return "trials" if k == 1 else f"sets of {k} trials"


def _mean_of(column: int) -> Statistic:
    return lambda sums: sums[column] / sums[0]


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
