"""A grid meter that tells what was: found from the battery's own movements, and nothing else."""

from dataclasses import replace
from random import Random

import pytest

from quartier.control.observe import meter_delay
from quartier.control.observe.meter_delay import MeterDelay
from quartier.control.observe.observations import LastGood

S = 1_000_000_000


def found(house, house_w, battery_w, lag_s, before=None):
    """The lag found after each second, of a house and a battery by second."""
    now, told = before or MeterDelay(), []
    for t in range(len(battery_w)):
        past = tuple((k * S, battery_w[k]) for k in range(max(0, t - 30), t + 1))
        late = max(0, t - lag_s)
        memories = {"grid.power_w": LastGood(house_w[late] + battery_w[late], t * S)}
        now = meter_delay.update_meter_delay(now, house, memories, {"bat1": past})
        told.append(now.found_s)
    return told


def ramps(seconds, each_s=40, size_w=2_000.0, slope_w=250.0):
    """A battery that goes up and down every ``each_s``, no faster than ``slope_w`` in a second."""
    watts, here_w = [], 0.0
    for t in range(seconds):
        wanted_w = size_w if t // each_s % 2 else 0.0
        here_w = min(max(wanted_w, here_w - slope_w), here_w + slope_w)
        watts.append(here_w)
    return watts


@pytest.mark.parametrize("lag_s", [4, 8, 15, 19])
def test_a_lag_is_found_from_one_movement_to_within_a_second(house, lag_s):
    told = found(house, [500.0] * 75, ramps(75), lag_s)

    assert told[:40] == [None] * 40, "before it moved nothing can be known"
    assert abs(told[-1] - lag_s) <= 1


def test_a_movement_that_does_not_show_yet_counts_as_not_shown_from_its_first_seconds_on(house):
    told = found(house, [500.0] * 60, ramps(60), 15)

    assert all(told[40 + after_s] >= after_s - 3 for after_s in range(4, 15))


def test_where_nothing_is_late_nothing_is_found(house):
    assert {None} == set(found(house, [500.0] * 300, ramps(300), 0))


def test_a_busy_house_hides_no_lag_and_makes_none(house):
    random = Random(3)
    busy = [500.0]
    for _ in range(599):
        busy.append(random.choice((500.0, 700.0, 2_500.0)) if random.random() < 0.1 else busy[-1])

    assert max(told or 0.0 for told in found(house, busy, ramps(600), 0)) <= 3
    assert abs(found(house, busy, ramps(600), 8)[-1] - 8) <= 1


@pytest.mark.parametrize("half_s", [3, 5, 8, 15, 30])
def test_a_load_that_swings_by_itself_and_a_battery_that_follows_it_make_no_lag_that_harms(house, half_s):
    """The battery takes a quarter of the way each second, two seconds late: as ``battery`` does."""
    load = [3_000.0 * (t // half_s % 2) for t in range(400)]
    battery = [0.0] * 3
    for t in range(3, 400):
        battery.append(battery[-1] + 0.25 * (-load[t - 3] - battery[-1]))

    assert max(told or 0.0 for told in found(house, load, battery, 0)) <= 3


def test_a_battery_that_once_tells_what_it_cannot_do_makes_no_lag(house):
    told = ramps(100)
    told[60:64] = [250_000.0] * 4

    now, found_s = MeterDelay(), set()
    for t in range(100):
        past = tuple((k * S, told[k]) for k in range(max(0, t - 30), t + 1))
        memories = {"grid.power_w": LastGood(500.0 + ramps(100)[t], t * S)}
        now = meter_delay.update_meter_delay(now, house, memories, {"bat1": past})
        found_s.add(now.found_s)
    assert {None} == found_s


def test_a_meter_that_is_well_again_is_found_so(house):
    late = MeterDelay()
    watts = ramps(100)
    for t in range(100):
        past = tuple((k * S, watts[k]) for k in range(max(0, t - 30), t + 1))
        late = meter_delay.update_meter_delay(
            late, house, {"grid.power_w": LastGood(500.0 + watts[max(0, t - 8)], t * S)}, {"bat1": past}
        )
    assert 7 <= late.found_s <= 9
    for t in range(100, 240):
        more = ramps(240)
        past = tuple((k * S, more[k]) for k in range(t - 30, t + 1))
        late = meter_delay.update_meter_delay(
            late, house, {"grid.power_w": LastGood(500.0 + more[t], t * S)}, {"bat1": past}
        )

    assert late.found_s <= 1


def test_the_same_reading_twice_changes_nothing(house):
    memories = {"grid.power_w": LastGood(500.0, 5 * S)}
    once = meter_delay.update_meter_delay(MeterDelay(), house, memories, {"bat1": ((0, 0.0), (5 * S, 900.0))})

    assert once is meter_delay.update_meter_delay(once, house, memories, {"bat1": ((0, 0.0), (5 * S, 900.0))})
    assert MeterDelay() == meter_delay.update_meter_delay(MeterDelay(), house, {}, {})


@pytest.mark.parametrize("early_s", [1, 2, 3])
def test_a_battery_that_tells_late_of_itself_is_no_late_meter(house, early_s):
    """The grid meter shows the movement before the battery's own reading does."""
    watts = ramps(300)
    told = [watts[max(0, t - early_s)] for t in range(300)]
    late, found_s = MeterDelay(), []
    for t in range(300):
        past = tuple((k * S, told[k]) for k in range(max(0, t - 30), t + 1))
        late = meter_delay.update_meter_delay(
            late, house, {"grid.power_w": LastGood(500.0 + watts[t], t * S)}, {"bat1": past}
        )
        found_s.append(late.found_s or 0.0)

    assert max(found_s) <= 1
    assert 0.0 == late.late_s


def test_the_sun_tells_of_a_late_meter_too(house):
    sun = [-watts for watts in ramps(75)]
    late = MeterDelay()
    for t in range(75):
        past = tuple((k * S, sun[k]) for k in range(max(0, t - 30), t + 1))
        late = meter_delay.update_meter_delay(
            late, house, {"grid.power_w": LastGood(500.0 + sun[max(0, t - 8)], t * S)}, {"pv1": past}
        )

    assert abs(late.late_s - 8) <= 1


def test_a_lag_is_told_from_three_seconds_on(house):
    assert [] == [
        one
        for seconds in (None, -3.0, 0.0, 2.0)
        for one in meter_delay.find_delay_alarms(MeterDelay(found_s=seconds), house)
    ]
    (told,) = meter_delay.find_delay_alarms(MeterDelay(found_s=8.0), house)

    assert ("meter.late", "grid") == told.key
    assert "grid: its meter tells what was 8 s ago" in told


def test_the_power_at_an_instant_is_on_the_line_between_two_readings():
    past = ((10, 0.0), (20, 100.0), (40, 0.0))

    assert [0.0, 0.0, 50.0, 100.0, 50.0, 0.0] == [
        meter_delay.interpolate_power_w(past, ns) for ns in (5, 10, 15, 20, 30, 50)
    ]


def test_half_a_minute_is_kept_and_the_reading_before_it():
    past = ()
    for t in range(100):
        past = meter_delay.append_grid_reading(past, LastGood(float(t), t * S), t * S)

    assert 32 == len(past)
    assert past == meter_delay.append_grid_reading(past, LastGood(0.0, 99 * S), 99 * S)


def test_one_that_is_read_more_seldom_than_the_grid_is_waited_for(house):
    late = MeterDelay()
    for t in range(10):
        past = ((0, 0.0), (2 * S, 900.0))
        late = meter_delay.update_meter_delay(
            late, house, {"grid.power_w": LastGood(500.0 + 90 * t, t * S)}, {"bat1": past}
        )

    assert 3 * S == late.looked_ns


def test_an_asset_of_another_house_is_not_asked(house):
    late = meter_delay.update_meter_delay(
        MeterDelay(),
        replace(house, assets=()),
        {"grid.power_w": LastGood(1.0, S)},
        {"bat1": ((0, 0.0), (S, 900.0))},
    )

    assert MeterDelay(grid=((S, 1.0),), looked_ns=S) == late


@pytest.mark.long
@pytest.mark.parametrize("times", [1.0, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_meter_of_pv_that_tells_too_much_is_no_lag(with_house, times, seed):
    random, sun_w, here_w = Random(seed), [], -3_000.0
    for _ in range(400):
        if random.random() < 0.03:
            here_w = -random.uniform(300.0, 6_000.0)
        sun_w.append(here_w)
    now, told, house = MeterDelay(), set(), with_house("pv1")
    for t, watts in enumerate(sun_w):
        past = tuple((k * S, times * sun_w[k]) for k in range(max(0, t - 30), t + 1))
        now = meter_delay.update_meter_delay(
            now, house, {"grid.power_w": LastGood(800.0 + watts, t * S)}, {"pv1": past}
        )
        told.add(now.found_s)

    assert {None} == told
    assert [] == list(meter_delay.find_delay_alarms(now, house))


def test_a_late_meter_is_found_though_another_tells_too_much(house):
    """The battery's own meter: too large by 1.5, which the shape alone would forgive."""
    battery_w = ramps(120)
    now = MeterDelay()
    for t in range(120):
        past = tuple((k * S, 1.5 * battery_w[k]) for k in range(max(0, t - 30), t + 1))
        now = meter_delay.update_meter_delay(
            now, house, {"grid.power_w": LastGood(500.0 + battery_w[max(0, t - 8)], t * S)}, {"bat1": past}
        )

    assert 8 == now.found_s
