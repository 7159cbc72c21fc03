import math

import pytest

from quartier.planning.forecast.site_history import ReadingCheck


@pytest.mark.parametrize(
    ("value", "expected"),
    [(500.0, 500.0), (-3.0, 0.0), (-9e4, None), (1e6, None), (math.nan, None), (None, None)],
)
def test_only_what_a_building_can_take_is_believed(value, expected):
    assert expected == ReadingCheck(10_000.0, 1).taken(value)


def test_a_value_that_stands_still_for_six_hours_is_none_until_it_moves():
    sound = ReadingCheck(10_000.0, 1)

    assert [0.0] * 6 + [None] * 4 == [sound.taken(0.0) for _ in range(10)]
    assert 312.0 == sound.taken(312.0)


def test_a_sun_may_be_dark_all_night():
    sound = ReadingCheck(4_000.0, 1)

    assert [0.0] * 14 == [sound.taken(0.0, is_dark=True) for _ in range(14)]
