from dataclasses import replace

import pytest

from quartier.control.events import readings
from quartier.control.events.readings import FREQUENCY_FILTER, VOLTAGE_FILTER, filter_reading
from quartier.control.observe.observations import LastGood

S = 1_000_000_000


def fed(*values, period_s=0.2, kind=FREQUENCY_FILTER, first=50.0):
    one = filter_reading(None, LastGood(first, 0), kind)
    for place, value in enumerate(values, 1):
        one = filter_reading(one, LastGood(value, round(place * period_s * S)), kind)
    return one


@pytest.mark.parametrize("value", [0.0, 500.0, 44.9, 55.1, -50.0])
def test_what_no_public_grid_shows_is_no_reading(value):
    assert fed() == fed(value, value, value)


def test_one_reading_far_off_is_not_believed_and_the_next_one_is_as_before():
    assert 50.0 == fed(48.9).value
    assert 50.01 == fed(48.9, 50.01).value


def test_the_second_reading_there_is_believed():
    assert 48.88 == fed(48.9, 48.88).value


def test_a_fall_faster_than_any_grid_is_believed_one_reading_late():
    assert 47.0 == fed(49.0, 47.0).value, "further the same way is no return"


@pytest.mark.parametrize("hz_per_s", [0.1, 0.5, 2.0])
def test_a_fall_that_generators_must_bear_is_followed_reading_by_reading(hz_per_s):
    fall = [50.0 - hz_per_s * 0.2 * n for n in range(1, 8)]

    assert fall[-1] == fed(*fall).value
    assert fed(*fall).doubt is None


def test_a_reading_seen_twice_counts_once():
    one = fed(48.9)

    assert one == filter_reading(one, LastGood(48.9, round(0.2 * S)), FREQUENCY_FILTER)


def test_a_dip_of_voltage_is_believed_with_its_second_reading():
    assert 100.0 == fed(0.0, kind=VOLTAGE_FILTER, first=100.0).value
    assert 0.0 == fed(0.0, 0.0, kind=VOLTAGE_FILTER, first=100.0).value


def test_nothing_read_is_nothing_sensed():
    assert filter_reading(None, None, FREQUENCY_FILTER) is None
    assert fed() == filter_reading(fed(), None, FREQUENCY_FILTER)


def test_the_first_value_is_not_firm_and_the_second_is():
    assert (False, True) == (fed().firm, fed(50.0).firm)


@pytest.mark.parametrize(
    ("same_s", "finest", "odd", "stuck"),
    [
        (599, 0.01, False, False),
        (601, 0.01, False, True),
        (3600, 0.1, False, False),
        (59, 0.01, True, False),
        (61, 0.01, True, True),
        (599, 0.1, True, False),
        (601, 0.1, True, True),
    ],
)
def test_a_frequency_that_stands_still_is_stuck_where_its_meter_could_show_it_move(
    same_s, finest, odd, stuck
):
    one = replace(fed(), taken_ns=same_s * S, same_ns=0, finest=finest)

    assert stuck is readings.is_frequency_frozen(one, odd=odd)


def test_a_value_is_fresh_for_two_and_a_half_periods_and_three_seconds_at_least():
    assert fed() == readings.find_fresh_value(fed(), 0.2, 3 * S)
    assert readings.find_fresh_value(fed(), 0.2, 3 * S + 1) is None
    assert fed() == readings.find_fresh_value(fed(), 5.0, round(12.5 * S))
    assert readings.find_fresh_value(None, 1.0, 0) is None
