"""pass^k against independent ways to compute it."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import comb

from actorcritic_cli.analysis.passk import pass_estimates, pass_hat_k, pass_k
from actorcritic_cli.analysis.quantiles import quantile, spread
from actorcritic_cli.types import is_success

trials = st.lists(st.booleans(), min_size=1, max_size=9)


@given(trials, st.data())
def test_one_task_is_the_share_of_draws_of_k_trials_that_all_succeed(outcomes, data):
    k = data.draw(st.integers(1, len(outcomes)))
    draws = [all(draw) for draw in combinations(outcomes, k)]
    assert pass_hat_k(len(outcomes), sum(outcomes), k) == pytest.approx(sum(draws) / len(draws), abs=1e-12)


@given(st.integers(1, 400), st.data())
def test_one_task_is_the_ratio_of_scipys_binomials(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert pass_hat_k(n, c, k) == pytest.approx(comb(c, k, exact=True) / comb(n, k, exact=True), abs=1e-12)


@given(st.dictionaries(st.text(max_size=3), st.lists(st.booleans(), max_size=6), max_size=6))
def test_many_tasks_are_the_mean_up_to_the_smallest_number_of_trials(outcomes):
    found = pass_k((len(tries), sum(tries)) for tries in outcomes.values())
    held = {task: tries for task, tries in outcomes.items() if tries}
    least = min(map(len, held.values()), default=0)
    assert len(found.values) == least
    assert (found.tasks, found.trials[0]) == (len(held), least)
    for k, value in enumerate(found.values, start=1):
        shares = []
        for tries in held.values():
            draws = [all(draw) for draw in combinations(tries, k)]
            shares.append(sum(draws) / len(draws))
        assert value == pytest.approx(sum(shares) / len(shares), abs=1e-12)
    assert list(found.values) == sorted(found.values, reverse=True)


def test_what_is_not_defined_is_refused():
    for n, c, k in [(4, 2, 0), (4, 2, 5), (4, 5, 1), (4, -1, 1), (0, 0, 1)]:
        with pytest.raises(ValueError):
            pass_hat_k(n, c, k)
    assert pass_k([]).values == ()


def test_a_reward_counts_as_success_up_to_rounding():
    assert is_success(1.0)
    assert is_success(1.0 - 5e-7)
    assert not is_success(1.0 - 2e-6)
    assert not is_success(0.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_quantiles_are_those_of_numpy(values, q):
    import numpy

    assert quantile(sorted(values), q) == pytest.approx(float(numpy.quantile(values, q)), rel=1e-9, abs=1e-9)


def test_nothing_has_no_spread():
    assert spread([]) is None
    with pytest.raises(ValueError):
        quantile([], 0.5)


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=10, max_size=40))
def test_the_intervals_hold_the_value_and_are_no_point(counts):
    counts = [(n, min(n, c)) for n, c in counts]
    values = pass_k(counts).values
    found = pass_estimates(counts, 3)
    assert [e.value for e in found] == list(values[:3])
    for estimate in found:
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        assert estimate.low < estimate.high


def test_of_few_tasks_or_trials_pass_k_has_no_interval():
    few = pass_estimates([(9, 5)] * 9, 2)
    assert [e.value is not None and e.low is None and "tasks: 9 of 10" in e.lacking for e in few] == [True, True]
    assert pass_estimates([], 4) == []
    assert "sets of 2 trials" in pass_estimates([(2, 1)] * 9, 2)[1].lacking
