import random

import numpy as np
import pytest

from quartier.planning.forecast.estimators import ErrorQuantiles, RidgeRegression

RNG = np.random.default_rng(5)
SAMPLES = RNG.normal(size=(400, 3))
TARGETS = SAMPLES @ np.array([0.5, -1.0, 2.0]) + 0.1 * RNG.normal(size=400)


def test_sample_by_sample_it_is_ridge_regression_in_one_go():
    begin = np.array([0.1, 0.2, 0.3])
    ours = RidgeRegression(list(begin), forget=1.0, doubt=0.5, clip=1e9)
    for features, target in zip(SAMPLES, TARGETS, strict=True):
        ours.learn(list(features), float(target))

    # numpy's answer to the same: the prior's weight is the ridge.
    ridge = np.eye(3) / 0.5
    expected = np.linalg.solve(SAMPLES.T @ SAMPLES + ridge, SAMPLES.T @ TARGETS + ridge @ begin)
    assert list(expected) == pytest.approx(ours.weights, rel=1e-9)


def test_one_sample_that_is_far_out_turns_nothing():
    ours = RidgeRegression([0.0, 0.0, 0.0])
    for features, target in zip(SAMPLES, TARGETS, strict=True):
        ours.learn(list(features), float(target))
    before = list(ours.weights)

    ours.learn([1.0, 1.0, 1.0], 1e9)

    assert before == pytest.approx(ours.weights, abs=0.1)


def test_years_of_the_same_do_not_wind_it_up():
    ours = RidgeRegression([0.0, 0.0], forget=0.99)
    for _ in range(20_000):
        ours.learn([1.0, 0.0], 1.0)

    assert sum(ours.spread[at][at] for at in range(2)) <= 0.04 + 1e-12
    assert [1, 0] == pytest.approx(ours.weights, abs=0.01)


def test_four_of_five_errors_lie_between_the_outer_quantiles():
    rng, spread, inside = random.Random(2), ErrorQuantiles(50.0), 0
    for at in range(24 * 400):
        error = rng.lognormvariate(0, 1) * (100 if at % 24 < 12 else 400)
        low, _, high = spread.find_band(at % 24, 0.0)
        if at >= 24 * 200:
            inside += low <= error <= high
        spread.learn(at % 24, error)

    assert 0.8 == pytest.approx(inside / (24 * 200), abs=0.02)
    assert 0.8 == pytest.approx(spread.inside, abs=0.05)


def test_an_hour_without_errors_has_no_width():
    spread = ErrorQuantiles(50.0)
    for _ in range(500):
        spread.learn(3, 0.0)

    assert (7, 7, 7) == pytest.approx(spread.find_band(3, 7.0))
    assert spread.find_band(12, 7.0)[2] > 50
