from itertools import pairwise

import pytest

from quartier_bench.speed.meter_series import SERIES_KINDS, generate_series


@pytest.mark.parametrize("kind", SERIES_KINDS)
def test_a_series_is_the_same_every_time_and_every_value_a_number(kind: str) -> None:
    times_ms, values = generate_series(kind, 100, jittered=True)
    assert (times_ms, values) == generate_series(kind, 100, jittered=True)
    assert all(-1e9 < value < 1e9 for value in values)
    assert 100 == len(times_ms) == len(values)


def test_exact_times_are_exact_and_jittered_ones_are_not() -> None:
    steps = [
        {after - before for before, after in pairwise(times_ms)}
        for times_ms, _ in (generate_series("switch", 200, jittered=jittered) for jittered in (False, True))
    ]
    assert ({10_000}, True) == (steps[0], len(steps[1]) > 20)
