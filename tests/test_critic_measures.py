"""AUROC and calibration of scores against scipy and independent ways to compute them."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from actorcritic_cli.analysis.auroc import auroc
from actorcritic_cli.analysis.calibration import brier, calibration_error, reliability
from actorcritic_cli.analysis.shares import wilson

scores = st.integers(0, 20).map(lambda n: n / 20)
scored = st.lists(st.tuples(st.integers(0, 15), scores, st.booleans()), min_size=40, max_size=120)


def both(rows):
    wrong, right = [p for _, p, label in rows if label], [p for _, p, label in rows if not label]
    assume(len(wrong) >= 10 and len(right) >= 10)
    return numpy.array(wrong), numpy.array(right)


@given(scored)
def test_auroc_is_the_mann_whitney_statistic(rows):
    wrong, right = both(rows)
    found = auroc(rows)
    assert found.value == pytest.approx(stats.mannwhitneyu(wrong, right).statistic / (len(wrong) * len(right)))
    if found.low is not None:
        assert found.low <= found.value <= found.high
    swapped = auroc([(task, 1 - p, label) for task, p, label in rows])
    assert swapped.value == pytest.approx(1 - found.value)
    if found.low is not None and 0 < found.value < 1:
        assert (swapped.low, swapped.high) == pytest.approx((1 - found.high, 1 - found.low))


def delong(wrong, right) -> float:
    """The variance as DeLong and others give it, by the matrix of all pairs."""
    order = (wrong[:, None] > right[None, :]) + 0.5 * (wrong[:, None] == right[None, :])
    return float(numpy.var(order.mean(1), ddof=1) / len(wrong) + numpy.var(order.mean(0), ddof=1) / len(right))


def interval(area: float, variance: float, clusters: int):
    reach = stats.t.ppf(0.975, clusters - 1) * variance**0.5 / (area * (1 - area))
    return 1 / (1 + numpy.exp(-(numpy.log(area / (1 - area)) + numpy.array([-reach, reach]))))


@given(scored)
def test_where_every_proposal_is_of_its_own_task_the_interval_is_delongs(rows):
    wrong, right = both(rows)
    apart = [(place, p, label) for place, (_, p, label) in enumerate(rows)]
    found = auroc(apart)
    assume(0 < found.value < 1 and delong(wrong, right) > 0)
    assert (found.low, found.high) == pytest.approx(tuple(interval(found.value, delong(wrong, right), len(rows))))


def obuchowski(rows) -> float:
    """The clustered variance, by the matrix of all pairs."""
    tasks = sorted({task for task, _, _ in rows})
    wrong = [(t, p) for t, p, label in rows if label]
    right = [(t, p) for t, p, label in rows if not label]
    order = numpy.array([[1.0 if x > y else 0.5 if x == y else 0.0 for _, y in right] for _, x in wrong])
    area, m, n = order.mean(), len(wrong), len(right)
    v10, v01 = order.mean(1), order.mean(0)
    x = numpy.array([sum(v10[i] - area for i, (t, _) in enumerate(wrong) if t == task) for task in tasks])
    y = numpy.array([sum(v01[j] - area for j, (t, _) in enumerate(right) if t == task) for task in tasks])
    of_wrong, of_right, both_kinds = len({t for t, _ in wrong}), len({t for t, _ in right}), len(tasks)
    s10 = of_wrong / ((of_wrong - 1) * m) * (x @ x)
    s01 = of_right / ((of_right - 1) * n) * (y @ y)
    s11 = both_kinds / (both_kinds - 1) * (x @ y)
    return float(s10 / m + s01 / n + 2 * s11 / (m * n))


@given(scored)
def test_within_tasks_the_interval_is_obuchowskis(rows):
    both(rows)
    found = auroc(rows)
    assume(found.low is not None and 0 < found.value < 1)
    variance = obuchowski(rows)
    assume(variance > 1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(interval(found.value, variance, found.tasks)))


def test_a_perfect_order_of_few_is_not_taken_for_certain():
    rows = [(n, float(n >= 15), n >= 15) for n in range(30)]
    found = auroc(rows)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == wilson(1.0, 15)[0] < 0.9


def test_one_kind_alone_has_no_order_and_few_have_no_interval():
    assert auroc([(n, 0.5, True) for n in range(30)]).value is None
    few = auroc([(n, n / 12, n > 6) for n in range(12)])
    assert (few.value, few.low) == (1.0, None)
    assert "too few to tell" in few.lacking


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80))
def test_calibration_is_what_numpy_makes_of_the_same_bins(rows):
    p, label = numpy.array([r[0] for r in rows]), numpy.array([float(r[1]) for r in rows])
    assert brier(rows) == pytest.approx(float(numpy.mean((p - label) ** 2)))
    place = numpy.minimum(numpy.floor(p * 10), 9)
    error = sum(
        (place == b).sum() * abs(p[place == b].mean() - label[place == b].mean())
        for b in range(10)
        if (place == b).any()
    )
    bins = reliability(rows)
    assert calibration_error(bins) == pytest.approx(error / len(rows), abs=1e-12)
    assert sum(b.count for b in bins) == len(rows)
    assert all(b.low <= b.mean <= b.high + 1e-12 for b in bins)


def test_a_calibrated_critic_has_no_error_and_nothing_has_none():
    assert calibration_error(reliability([(0.25, n % 4 == 0) for n in range(40)])) == pytest.approx(0)
    assert brier([]) is None
    assert calibration_error([]) is None
