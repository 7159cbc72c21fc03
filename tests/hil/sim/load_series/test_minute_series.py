import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_sim.load_series.minute_series import LoadSeries, interpolate_minutes


@given(st.lists(st.floats(0, 9000), min_size=1, max_size=30), st.integers(0, 99))
def test_minutes_keep_the_energy_of_each_hour(means, seed):
    course = interpolate_minutes(means, random.Random(seed), 0.3)

    assert 60 * len(means) == len(course)
    assert min(course) >= 0
    for hour, mean in enumerate(means):
        assert sum(course[hour * 60 : hour * 60 + 60]) / 60 == pytest.approx(mean, abs=1e-6)


def test_the_same_seed_gives_the_same_course():
    assert interpolate_minutes([1, 2], random.Random(3), 0.3) == interpolate_minutes(
        [1, 2], random.Random(3), 0.3
    )


def test_a_value_holds_for_its_minute_and_the_last_for_ever():
    series = LoadSeries(base_w=(1.0, 2.0), solar_w_per_kw=(3.0,), origin="")

    assert [1, 1, 2, 2] == [series.at(second).base_w for second in (0, 59.9, 60, 1e9)]
    assert 0 == series.price(0)
