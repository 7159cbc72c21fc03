import math

import pytest

from quartier.planning.forecast.site_history import PowerHistory, ReadingCheck, SiteFacts
from quartier.planning.forecast.time_slots import SlotGrid

HOURS = SlotGrid(3_600, "UTC")


def slots(values, step_s, start_utc_s=7_200, sun=()):
    return list(
        PowerHistory(start_utc_s=start_utc_s, step_s=step_s, load_w=values, generated_w=sun).iterate_slots(
            HOURS
        )
    )


def test_quarters_of_an_hour_are_averaged():
    assert [(2, 250.0, None), (3, 8.0, None)] == slots([100.0, 200.0, 300.0, 400.0, 8.0, 8.0, 8.0, 8.0], 900)


def test_a_slot_that_is_not_whole_is_left_out():
    assert [(2, 25.0, None)] == slots([10.0, 20.0, 30.0, 40.0], 1_800, start_utc_s=7_200 - 1_800)


def test_longer_steps_are_held():
    assert [(2, 5.0, None), (3, 5.0, None)] == slots([5.0], 7_200)


def test_a_slot_of_which_less_than_half_is_known_has_no_value():
    assert [(2, 100.0, None), (3, None, None)] == slots(
        [100.0, 100.0, None, math.nan, 7.0, None, None, None], 900
    )


def test_load_and_sun_may_be_of_different_length():
    assert [(2, 1.0, 5.0), (3, None, 6.0)] == slots([1.0], 3_600, sun=[5.0, 6.0])


def test_no_load_above_twice_the_contract_and_all_of_the_sun_is_believed():
    assert 16_000 == SiteFacts(contract_w=6_000, pv_rated_w=4_000).load_max_w


@pytest.mark.parametrize(
    ("value", "expected"),
    [(500.0, 500.0), (-3.0, 0.0), (-9e4, None), (1e6, None), (math.nan, None), (None, None)],
)
def test_only_what_a_building_can_take_is_believed(value, expected):
    assert expected == ReadingCheck(10_000.0, 1).filter_value(value)


def test_a_value_that_stands_still_for_six_hours_is_none_until_it_moves():
    sound = ReadingCheck(10_000.0, 1)

    assert [0.0] * 6 + [None] * 4 == [sound.filter_value(0.0) for _ in range(10)]
    assert 312.0 == sound.filter_value(312.0)


def test_a_sun_may_be_dark_all_night():
    sound = ReadingCheck(4_000.0, 1)

    assert [0.0] * 14 == [sound.filter_value(0.0, is_dark=True) for _ in range(14)]
