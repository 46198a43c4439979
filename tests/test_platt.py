"""Scaling probabilities so that they mean what they say."""

from __future__ import annotations

import itertools
import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from actorcritic_cli.analysis.platt import fit, logit, scaled


def loss(parameters: object, xs: object, targets: object) -> float:
    z = parameters[0] * xs + parameters[1]  # type: ignore[index]
    return float(np.sum(np.logaddexp(0, z) - targets * z))  # type: ignore[operator]


def test_the_fit_is_that_of_an_independent_optimiser() -> None:
    draw = Random(4)
    scored = []
    for _ in range(400):
        p = draw.random()
        scored.append((p, draw.random() < scaled(p, 0.6, -1.2)))
    xs = np.array([logit(p) for p, _ in scored])
    positives = sum(label for _, label in scored)
    high, low = (positives + 1) / (positives + 2), 1 / (len(scored) - positives + 2)
    targets = np.array([high if label else low for _, label in scored])
    found = minimize(loss, (1.0, 0.0), args=(xs, targets), method="BFGS").x
    assert fit(scored) == (pytest.approx(found[0], abs=1e-4), pytest.approx(found[1], abs=1e-4))


def test_what_is_apart_gets_a_finite_fit_and_what_is_alike_none() -> None:
    slope, intercept = fit([(0.9, True)] * 20 + [(0.1, False)] * 20)
    assert 0 < slope < 100
    assert math.isfinite(intercept)
    assert fit([(0.3, True)]) == (1.0, 0.0)
    assert fit([]) == (1.0, 0.0)
    assert fit([(0.9, False), (0.1, True)] * 10) == (1.0, 0.0)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=40))
def test_the_order_stays(scored: list[tuple[float, bool]]) -> None:
    slope, intercept = fit(scored)
    assert slope > 0
    ps = sorted(p for p, _ in scored)
    after = [scaled(p, slope, intercept) for p in ps]
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(after))
    assert all(0 <= p <= 1 for p in after)
