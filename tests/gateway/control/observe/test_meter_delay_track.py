"""A battery's power at the grid meter's instant, and a loop that does not hunt because it is known."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.control.conftest import HOUSE, Plant

from quartier.control.observe import meter_delay
from quartier.control.observe.meter_delay import PowerTrack
from quartier.control.observe.observations import LastGood
from quartier.control.reason import NO_REASON
from quartier.control.records import Order

S = 1_000_000_000
BATTERY = replace(HOUSE.assets[0], delay_s=2.0, lag_s=4.0, response_w_per_s=500.0)


def at(seconds, watts):
    return LastGood(watts, round(seconds * S))


def ns(*pairs):
    return tuple((round(seconds * S), watts) for seconds, watts in pairs)


def test_without_a_probe_its_last_reading_counts():
    assert 300.0 == meter_delay.find_battery_power_w(BATTERY, None, at(9, 300.0), at(10, 0.0))
    assert 300.0 == meter_delay.find_battery_power_w(BATTERY, PowerTrack(), at(9, 300.0), None)


def test_before_its_first_order_and_its_first_readings_are_kept_its_last_reading_counts():
    quick = replace(BATTERY, lag_s=0.0)

    assert 300.0 == meter_delay.find_battery_power_w(
        quick, PowerTrack(ns((10, 300.0))), at(10, 300.0), at(12, 0.0)
    )
    assert 300.0 == meter_delay.find_battery_power_w(BATTERY, PowerTrack(), at(9, 300.0), at(10, 0.0))


def test_a_late_grid_meter_is_compared_with_what_the_battery_showed_then():
    known = PowerTrack(readings=ns((4, 0.0), (5, 0.0), (6, 400.0), (10, 2000.0)))

    assert 400.0 == meter_delay.find_battery_power_w(BATTERY, known, at(10, 2000.0), at(10, 0.0))
    assert 200.0 == meter_delay.find_battery_power_w(BATTERY, known, at(10, 2000.0), at(9.5, 0.0))
    assert 0.0 == meter_delay.find_battery_power_w(BATTERY, known, at(10, 2000.0), at(2, 0.0))


def test_an_early_grid_meter_is_reckoned_with_the_response_to_orders():
    quick = replace(BATTERY, lag_s=0.0)
    known = PowerTrack(readings=ns((10, 0.0)), orders=ns((0, 0.0), (9, 3000.0)))

    assert 500.0 == pytest.approx(meter_delay.find_battery_power_w(quick, known, at(10, 0.0), at(12, 0.0)))
    assert 0.0 == pytest.approx(meter_delay.find_battery_power_w(quick, known, at(10, 0.0), at(10.9, 0.0)))
    at_once = replace(quick, response_w_per_s=0.0)
    assert 3000.0 == pytest.approx(meter_delay.find_battery_power_w(at_once, known, at(10, 0.0), at(12, 0.0)))


def test_a_battery_that_does_not_obey_is_not_reckoned_elsewhere_for_long():
    quick = replace(BATTERY, lag_s=0.0)
    known = PowerTrack(readings=ns((60, 0.0)), orders=ns((0, 0.0), (9, 3000.0)))

    assert 0.0 == meter_delay.find_battery_power_w(quick, known, at(60, 0.0), at(65, 0.0))


def test_a_track_keeps_half_a_minute_and_the_one_before():
    tracks = {}
    for second in range(100):
        order = Order(float(second), second * S, NO_REASON)
        memories = {"bat1.power_w": at(second, float(second))}
        house = replace(HOUSE, assets=(BATTERY,))
        tracks = meter_delay.update_tracks(house, tracks, memories, {"bat1.setpoint_w": order}, second * S)

    assert 32 == len(tracks["bat1"].readings) == len(tracks["bat1"].orders)
    assert {} == meter_delay.update_tracks(HOUSE, tracks, {}, {}, 0)


def test_what_a_late_grid_meter_still_shows_of_an_asset():
    known = PowerTrack(readings=ns((4, 0.0), (6, 400.0), (10, 2000.0)))

    assert 400.0 == meter_delay.find_power_then_w(known, at(14, 0.0), 8.0)
    assert [None] * 4 == [
        meter_delay.find_power_then_w(known, at(14, 0.0), 0.0),
        meter_delay.find_power_then_w(known, None, 8.0),
        meter_delay.find_power_then_w(None, at(14, 0.0), 8.0),
        meter_delay.find_power_then_w(PowerTrack(), at(14, 0.0), 8.0),
    ]


def test_without_a_probe_readings_are_kept_and_orders_are_not():
    told = {"bat1.setpoint_w": Order(1.0, 0, NO_REASON)}
    tracks = meter_delay.update_tracks(HOUSE, {}, {"bat1.power_w": at(0, 5.0)}, told, 0)

    assert {"bat1": PowerTrack(ns((0, 5.0)), ())} == tracks


def test_a_lag_that_was_found_counts_before_that_of_the_probe_and_without_one():
    known = PowerTrack(readings=ns((4, 0.0), (5, 0.0), (6, 400.0), (10, 2000.0)))
    plain = replace(BATTERY, delay_s=None, lag_s=0.0)

    assert 400.0 == meter_delay.find_battery_power_w(BATTERY, known, at(10, 2000.0), at(14, 0.0), 8.0)
    assert 400.0 == meter_delay.find_battery_power_w(plain, known, at(10, 2000.0), at(14, 0.0), 8.0)
    assert 2000.0 == meter_delay.find_battery_power_w(plain, known, at(10, 2000.0), at(14, 0.0))
    assert 2000.0 == meter_delay.find_battery_power_w(plain, known, at(10, 2000.0), at(14, 0.0), 2.0)


@given(
    told=st.lists(st.tuples(st.integers(0, 20), st.floats(-5000, 5000)), max_size=6),
    grid_s=st.floats(0, 40),
    last_w=st.floats(-5000, 5000),
)
def test_what_is_reckoned_stays_within_what_was_shown_and_ordered(told, grid_s, last_w):
    orders = ns(*sorted(dict(told).items()))
    watts = meter_delay.find_battery_power_w(
        replace(BATTERY, lag_s=0.0), PowerTrack(ns((20, last_w)), orders), at(20, last_w), at(grid_s, 0.0)
    )
    spread_w = max((w for _, w in orders), default=0.0) - min((w for _, w in orders), default=0.0)

    assert abs(watts - last_w) <= spread_w + 1e-6


# --- the loop ---------------------------------------------------------------------------------


@dataclass
class Late(Plant):
    """A grid meter that tells late, and a battery with a ramp of its own that is read seldom."""

    grid_lag_s: int = 0
    battery_every_s: int = 1
    ramp_w: float = 2500.0
    past: list[float] = field(default_factory=list)

    def _physics(self):
        before_w = self.bat_w
        super()._physics()
        late_w = self._setpoints[-1 - self.delay_s] if len(self._setpoints) > self.delay_s else 0.0
        self.bat_w = min(max(late_w, before_w - self.ramp_w), before_w + self.ramp_w)
        self._battery_past[-1] = self.bat_w
        self.past.append(self.grid_w)

    def _read(self):
        seen = super()._read()
        seen["grid.power_w"] = self.past[max(0, len(self.past) - 1 - self.grid_lag_s)]
        if self.t % self.battery_every_s:
            del seen["bat1.power_w"]
        return seen


def stepped(lag_s, delay_s, ramp_w, *, measured, every_s=1, error_s=0.0):
    """The grid's power, second by second, after 3 kW were switched on."""
    battery = HOUSE.assets[0]
    if measured:
        battery = replace(
            battery,
            delay_s=float(delay_s),
            lag_s=lag_s + error_s,
            response_w_per_s=ramp_w,
            ramp_max_w_per_s=min(ramp_w, battery.ramp_max_w_per_s),
        )
    plant = Late(
        house=replace(HOUSE, assets=(battery,)),
        base_w=300,
        soc_pct=60,
        delay_s=delay_s,
        grid_lag_s=lag_s,
        ramp_w=ramp_w,
        battery_every_s=every_s,
    )
    plant.run(60)
    plant.base_w = 3300
    plant.run(120)
    return plant.grid_log[60:]


@pytest.mark.parametrize(
    ("lag_s", "delay_s", "ramp_w", "every_s"),
    [(2, 2, 2500, 1), (4, 2, 2500, 1), (6, 2, 2500, 1), (10, 2, 2500, 1), (4, 5, 300, 1), (6, 2, 1000, 5)],
)
def test_with_what_was_measured_a_late_meter_makes_no_battery_hunt(lag_s, delay_s, ramp_w, every_s):
    known = stepped(lag_s, delay_s, ramp_w, measured=True, every_s=every_s)

    assert -min(known) < 200  # what is fed in although nothing is left over
    assert max(abs(watts) for watts in known[40:]) < 60


@pytest.mark.long
@pytest.mark.parametrize("delay_s", [2, 5])
@pytest.mark.parametrize("lag_s", [2, 4, 8, 15])
def test_a_late_meter_that_nobody_measured_is_found_and_makes_no_battery_hunt(lag_s, delay_s):
    found = stepped(lag_s, delay_s, 300 if delay_s == 5 else 2500, measured=False)

    assert -min(found) < 200
    assert max(abs(watts) for watts in found[60:]) < 60


@pytest.mark.parametrize("lag_s", [6, 15])
def test_a_battery_that_is_read_seldom_finds_a_late_meter_too(lag_s):
    found = stepped(lag_s, 2, 1000, measured=False, every_s=5)

    assert -min(found) < 500
    assert max(abs(watts) for watts in found[90:]) < 100


@pytest.mark.long
@pytest.mark.parametrize("error_s", [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
def test_a_lag_measured_wrong_by_three_seconds_is_no_worse_than_one_of_three_seconds(error_s):
    known = stepped(6, 2, 2500, measured=True, error_s=error_s)

    assert -min(known) < 1000
    assert max(abs(watts) for watts in known[60:]) < 100


def test_where_nothing_is_late_nothing_changes():
    assert stepped(0, 2, 2500, measured=False) == pytest.approx(stepped(0, 2, 2500, measured=True), abs=25)
