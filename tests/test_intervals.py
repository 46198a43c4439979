"""Distributions, intervals and tests against scipy, statsmodels and independent ways to compute them."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats._resampling import BootstrapResult
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from actorcritic_cli.analysis import bootstrap as ours
from actorcritic_cli.analysis.bootstrap import CLUSTERS, RESAMPLES, bootstrap, draws, expanded
from actorcritic_cli.analysis.distributions import beta_cdf, beta_quantile, t_quantile
from actorcritic_cli.analysis.mcnemar import mcnemar
from actorcritic_cli.analysis.pairs import TaskPairs, difference, effect
from actorcritic_cli.analysis.shares import clopper_pearson, too_few, wilson

shapes = st.floats(0.5, 3000)


@given(st.floats(0, 1), shapes, shapes)
def test_the_beta_distribution_is_scipys(x, a, b):
    assert beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-9, abs=1e-12)


@given(st.floats(1e-4, 1 - 1e-4), shapes, shapes)
def test_its_quantiles_are_scipys(p, a, b):
    assert beta_quantile(p, a, b) == pytest.approx(stats.beta.ppf(p, a, b), rel=1e-8, abs=1e-12)


@given(st.floats(1e-4, 1 - 1e-4), st.integers(1, 2000))
def test_the_quantiles_of_students_t_are_scipys(p, freedom):
    assert t_quantile(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), rel=1e-7, abs=1e-9)


@given(st.integers(1, 5000), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilsons_and_the_exact_interval_are_those_of_statsmodels(n, data, confidence):
    k = data.draw(st.integers(0, n))
    for found, method in ((wilson(k / n, n, confidence), "wilson"), (clopper_pearson(k, n, confidence), "beta")):
        assert found == pytest.approx(proportion_confint(k, n, 1 - confidence, method), rel=1e-6, abs=1e-9)


def test_of_nothing_a_share_may_be_anything():
    assert wilson(0.0, 0) == clopper_pearson(0, 0) == (0.0, 1.0)


@given(st.integers(0, 300), st.integers(0, 300))
@example(0, 0)
@example(5, 5)
def test_mcnemars_test_is_that_of_statsmodels(mended, broken):
    theirs = their_mcnemar([[7, mended], [broken, 9]], exact=True).pvalue
    assert mcnemar(mended, broken) == pytest.approx(min(1.0, theirs), rel=1e-9)


@pytest.mark.parametrize("n", range(1, 60))
def test_without_a_difference_mcnemars_test_rejects_no_more_often_than_it_says(n):
    rejected = sum(comb(n, i) for i in range(n + 1) if mcnemar(i, n - i) <= 0.05)
    assert rejected / 2**n <= 0.05


counts = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=2, max_size=40)


def ratio(sums):
    return sums[1] / sums[0]


def theirs(rows, confidence: float) -> tuple[float, float]:
    """The interval that scipy makes of the same draws."""
    data = numpy.array(rows, dtype=float)
    places = numpy.arange(len(rows))
    picked = numpy.array([draw(places) for draw in draws(len(rows))])
    found = data[picked].sum(axis=1)

    def statistic(index, axis=-1):
        chosen = data[index.astype(int)].sum(axis=-2)
        return chosen[..., 1] / chosen[..., 0]

    z = expanded(len(rows), confidence)
    result = stats.bootstrap(
        (places,),
        statistic,
        n_resamples=0,
        method="BCa",
        confidence_level=1 - 2 * stats.norm.sf(z),
        bootstrap_result=BootstrapResult(None, found[:, 1] / found[:, 0], None),
        vectorized=True,
    )
    return tuple(result.confidence_interval)


@pytest.mark.filterwarnings("ignore")  # scipy's own, of the degenerate data that are then left out
@given(counts, st.sampled_from([0.8, 0.95]))
def test_the_bootstraps_interval_is_scipys_bca_of_the_same_draws(rows, confidence):
    values = {ratio([sum(c) for c in zip(*(r for j, r in enumerate(rows) if j != i), strict=True)]) for i in
              range(len(rows))}  # fmt: skip
    assume(len(values) > 1)
    (found,) = bootstrap(rows, [ratio], confidence)
    drawn = theirs(rows, confidence)
    assume(not any(map(numpy.isnan, drawn)))
    assert found == pytest.approx(drawn, rel=1e-9, abs=1e-9)


@given(st.integers(2, 400), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_reach_is_that_of_students_t(count, confidence):
    reach = (count / (count - 1)) ** 0.5 * stats.t.ppf((1 + confidence) / 2, count - 1)
    assert expanded(count, confidence) == pytest.approx(reach)


def test_the_same_counts_always_give_the_same_interval():
    rows = [(4, n % 5) for n in range(30)]
    first = bootstrap(rows, [ratio])
    draws.cache_clear()
    assert bootstrap(rows, [ratio]) == first
    assert len(draws(30)) == RESAMPLES


def test_tasks_that_all_agree_leave_a_point_and_what_is_not_defined_is_none():
    assert bootstrap([(4, 4)] * 12, [ratio, lambda s: None]) == [(1.0, 1.0), None]


def test_draws_on_which_a_number_is_not_defined_are_left_out():
    rows = [(1, 1)] + [(0, 0)] * 11
    (found,) = bootstrap(rows, [lambda s: s[1] / s[0] if s[0] else None])
    assert found == (1.0, 1.0)


def test_very_many_tasks_are_drawn_in_groups_and_give_the_interval_of_the_mean():
    generator = numpy.random.default_rng(3)
    rows = [(1.0, float(x)) for x in generator.random(20_000)]
    assert len(ours._grouped(rows)) == CLUSTERS
    (found,) = bootstrap(rows, [ratio])
    values = [r[1] for r in rows]
    mean, error = float(numpy.mean(values)), float(stats.sem(values))
    assert found == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.2 * error)


def test_the_two_sides_of_the_correction_are_bounded():
    for z0, a, z in product((-float("inf"), -3.0, 0.0, 3.0, float("inf")), (-5.0, 0.0, 5.0), (-2.5, 2.5)):
        assert 0 <= ours.level(z0, a, z) <= 1


def test_few_cases_or_tasks_are_too_few():
    assert too_few(10, 10) == ""
    assert "cases: 9 of 10 needed" in too_few(9, 12)
    assert "tasks: 1 of 10 needed" in too_few(90, 1)


@given(st.integers(1, 400), st.data())
def test_the_difference_of_two_shares_has_the_interval_of_statsmodels(pairs, data):
    mended, broken = data.draw(st.integers(0, pairs)), data.draw(st.integers(0, pairs))
    theirs = confint_proportions_2indep(mended, pairs, broken, pairs, method="newcomb", compare="diff")
    assert difference(mended, broken, pairs) == pytest.approx(theirs, abs=1e-7)


task_pairs = st.tuples(*[st.integers(0, 4)] * 4)


@given(st.lists(task_pairs, min_size=0, max_size=30))
def test_the_effect_of_pairs_is_that_of_their_sums(tasks):
    both, mended, broken, neither = (sum(t[place] for t in tasks) for place in range(4))
    found = effect(TaskPairs(str(n), *t) for n, t in enumerate(tasks))
    assert found.pairs == both + mended + broken + neither
    for estimate, part, whole in (
        (found.helpfulness, mended, mended + neither),
        (found.harmfulness, broken, broken + both),
        (found.uplift, mended - broken, found.pairs),
    ):
        assert estimate.value == (pytest.approx(part / whole) if whole else None)
        assert (estimate.low is None) == bool(estimate.lacking)
        if estimate.low is not None:
            assert estimate.low <= estimate.value <= estimate.high
            assert estimate.low < estimate.high
    turned = effect(TaskPairs(str(n), b, x, m, f) for n, (b, m, x, f) in enumerate(tasks))
    assert turned.p_value == found.p_value
    if found.uplift.value is not None:
        assert turned.uplift.value == pytest.approx(-found.uplift.value)
    assert {found.finding, turned.finding} in (
        {"better", "worse"}, {"no difference shown"}, {"too few to tell"},
        {"better", "no difference shown"}, {"worse", "no difference shown"},  # at the very edge: draws are not mirrored
    )  # fmt: skip
