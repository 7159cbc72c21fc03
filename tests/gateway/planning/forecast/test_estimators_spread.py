import random

import pytest

from quartier.planning.forecast.estimators import ErrorQuantiles


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
