"""On simulated sessions with a known truth, intervals cover it as often as they say, and tests reject as often as they
say.

The number of simulations in which that happens is binomial; it must lie where a binomial of the nominal rate lies but
once in a thousand times. What is conservative by design (a wider of two intervals, an exact test) may cover more, or
reject less.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy
import pytest
from scipy import stats

from actorcritic_cli.analysis.auroc import auroc
from actorcritic_cli.analysis.bootstrap import bootstrap
from actorcritic_cli.analysis.clustered import Ratio, ratios
from actorcritic_cli.analysis.pairs import TaskPairs, effect
from actorcritic_cli.analysis.passk import pass_estimates
from actorcritic_cli.analysis.shares import clopper_pearson, wilson

pytestmark = pytest.mark.slow
TIMES = 400
ONCE_IN = 1e-3


def fewest(rate: float, times: int = TIMES) -> int:
    return int(stats.binom.ppf(ONCE_IN, times, rate))


def most(rate: float, times: int = TIMES) -> int:
    return int(stats.binom.isf(ONCE_IN, times, rate))


def covered(truth: float, interval) -> bool:
    low, high = interval
    return low <= truth <= high


def simulated_pairs(
    draw: numpy.random.Generator, tasks: int, trials: int, helps: float, harms: float
) -> list[TaskPairs]:
    """Tasks of different difficulty; of a task's failures and successes supervision mends and breaks more or less,
    around the shares given."""
    found = []
    for task in range(tasks):
        success = draw.beta(2, 2)
        mends, breaks = (draw.beta(8 * share, 8 * (1 - share)) if share else 0.0 for share in (helps, harms))
        before = draw.random(trials) < success
        after = numpy.where(before, draw.random(trials) >= breaks, draw.random(trials) < mends)
        found.append(
            TaskPairs(
                str(task),
                both=int((before & after).sum()),
                mended=int((~before & after).sum()),
                broken=int((before & ~after).sum()),
                neither=int((~before & ~after).sum()),
            )
        )
    return found


@pytest.mark.parametrize(("tasks", "trials"), [(30, 4), (50, 4), (100, 2)])
def test_the_intervals_of_a_known_effect_cover_it(tasks, trials):
    draw = numpy.random.default_rng(tasks)
    helps, harms = 0.4, 0.1
    truth = {"helpfulness": helps, "harmfulness": harms, "uplift": 0.5 * helps - 0.5 * harms}
    hits = dict.fromkeys(truth, 0)
    for _ in range(TIMES):
        found = effect(simulated_pairs(draw, tasks, trials, helps, harms))
        for name, value in truth.items():
            estimate = getattr(found, name)
            hits[name] += covered(value, (estimate.low, estimate.high))
    print(tasks, trials, {name: count / TIMES for name, count in hits.items()})
    assert all(count >= fewest(0.95) for count in hits.values()), hits
    assert all(count <= 0.995 * TIMES for count in hits.values()), hits  # wide enough is no feat if it is too wide


def test_a_strong_effect_is_found_and_a_harmful_one_too():
    draw = numpy.random.default_rng(2)
    better = [effect(simulated_pairs(draw, 40, 4, 0.5, 0.05)).finding for _ in range(50)]
    worse = [effect(simulated_pairs(draw, 40, 4, 0.05, 0.5)).finding for _ in range(50)]
    assert better.count("better") >= 48
    assert worse.count("worse") >= 48


def exact_rate(pairs: int) -> float:
    """How often McNemar's test rejects at 5 % when each of so many differing pairs goes either way."""
    ways = numpy.arange(pairs + 1)
    p_values = numpy.minimum(1, 2 * stats.binom.cdf(numpy.minimum(ways, pairs - ways), pairs, 0.5))
    return float(stats.binom.pmf(ways, pairs, 0.5)[p_values <= 0.05].sum())


def test_with_no_effect_the_tests_reject_at_their_rate():
    draw = numpy.random.default_rng(11)
    rejected, expected, excluded, claimed = 0, 0.0, 0, 0
    for _ in range(TIMES):
        pairs = []
        for task in range(50):  # the same chance with and without supervision, another for every task
            before, after = draw.random((2, 4)) < draw.beta(1, 1)
            counts = [int(x.sum()) for x in (before & after, ~before & after, before & ~after, ~before & ~after)]
            pairs.append(TaskPairs(str(task), *counts))
        found = effect(pairs)
        rejected += found.p_value <= 0.05
        expected += exact_rate(found.mended + found.broken) / TIMES
        excluded += not covered(0.0, (found.uplift.low, found.uplift.high))
        claimed += found.finding in ("better", "worse")
    print(rejected / TIMES, expected, excluded / TIMES, claimed / TIMES)
    assert fewest(expected) <= rejected <= most(expected)
    assert excluded <= most(0.05)
    assert claimed <= min(rejected, excluded)


@pytest.mark.parametrize("tasks", [12, 30, 100])
def test_the_bootstraps_interval_of_a_difference_covers_it(tasks):
    """The bootstrap by itself, without the safeguard of a second interval."""
    draw = numpy.random.default_rng(tasks)
    hits = 0
    for _ in range(TIMES):
        rows = [(1.0, float(x)) for x in draw.gamma(2.0, 1.0, tasks)]
        (interval,) = bootstrap(rows, [lambda sums: sums[1] / sums[0]])
        hits += covered(2.0, interval)
    print(tasks, hits / TIMES)
    assert fewest(0.95) <= hits <= most(0.95)


@pytest.mark.parametrize(("tasks", "trials"), [(12, 4), (50, 4), (27, 3)])
def test_the_intervals_of_pass_k_cover_it(tasks, trials):
    draw = numpy.random.default_rng(tasks)
    a, b = 1.0, 0.8
    truth, rising = [], 1.0
    for k in range(trials):
        rising *= (a + k) / (a + b + k)  # the k-th moment of a beta distribution
        truth.append(rising)
    hits = [0] * trials
    for _ in range(TIMES):
        counts = [(trials, int(draw.binomial(trials, draw.beta(a, b)))) for _ in range(tasks)]
        for place, estimate in enumerate(pass_estimates(counts, trials)):
            hits[place] += estimate.low is None or covered(truth[place], (estimate.low, estimate.high))
    print(tasks, trials, [count / TIMES for count in hits])
    assert all(count >= fewest(0.95) for count in hits), hits


@pytest.mark.parametrize(("share", "rate"), [(0.3, 0.95), (0.1, 0.95), (0.03, 0.9)])
def test_the_interval_of_a_share_covers_it_where_tasks_differ(share, rate):
    """Of 3 % that all happen on a handful of 60 tasks there is too little to see: what is said of that is 90 %, not 95."""
    draw = numpy.random.default_rng(7)
    hits = 0
    for _ in range(TIMES):
        rows = [(int(draw.binomial(6, draw.beta(3 * share, 3 * (1 - share)))), 6) for _ in range(60)]
        found = ratios(rows, {"share": Ratio(0, 1)})["share"]
        hits += covered(share, (found.low, found.high))
    print(share, hits / TIMES)
    assert hits >= fewest(rate)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_the_interval_of_the_auroc_covers_it(spread):
    draw = numpy.random.default_rng(5)
    # Both scores share a task's own shift, which cancels out within it but not between tasks.
    truth = float(stats.norm.cdf(1 / numpy.sqrt(2 + 2 * spread**2)))
    hits = 0
    for _ in range(TIMES):
        rows = []
        for task in range(40):
            shift = draw.normal(0, spread) if spread else 0.0
            for label, count in ((True, 2), (False, 6)):
                rows += [(task, float(x), label) for x in draw.normal(label + shift, 1, count)]
        found = auroc(rows)
        hits += covered(truth, (found.low, found.high))
    print(spread, hits / TIMES)
    # Pairs within a task, 1 in 40, are easier to tell where tasks differ: the truth there is a little higher.
    assert fewest(0.95) <= hits <= most(0.95)


@pytest.mark.parametrize(("share", "cases"), [(0.1, 40), (0.5, 200), (0.9, 25)])
def test_the_intervals_of_a_share_of_independent_cases_cover_it(share, cases):
    intervals: list[tuple[Callable, float]] = [
        (lambda k: wilson(k / cases, cases), 0.92),  # about its rate on average, below it for some shares
        (lambda k: clopper_pearson(k, cases), 0.95),
    ]
    for interval, at_least in intervals:
        held = sum(stats.binom.pmf(k, cases, share) for k in range(cases + 1) if covered(share, interval(k)))
        assert held >= at_least
