"""When a quantity of the meter counts as frozen."""

from tests.gateway.control.observe.meter_check.conftest import S

from quartier.control.observe.meter_check.frozen import QuantityHistories, update_quantities
from quartier.control.observe.meter_check.steps import MeterTiming
from quartier.control.observe.observations import LastGood

TIMING = MeterTiming(period_s=1.0, late_s=0.0, assets_s=(1.0,))


class Meter:
    def __init__(self, answers_s=0.0):
        self.t, self.state, self.answers_s = 0, QuantityHistories(), answers_s

    def show(self, seconds=1, assets_w=0.0, **values):
        for _ in range(seconds):
            self.t += 1
            seen = {name: LastGood(value, self.t * S) for name, value in values.items()}
            self.state = update_quantities(
                self.state, seen, (assets_w,), self.t * S, answers_s=self.answers_s
            )
        return self

    def vary(self, name, *values):
        for value in values:
            self.show(**{name: value})
        return self

    @property
    def frozen(self):
        return self.state.find_frozen(TIMING, self.t * S)


def test_power_that_did_not_change_while_assets_moved_is_frozen_once_they_settled():
    meter = Meter().vary("power_w", 500, 510, 490, 505)
    meter.show(3, assets_w=0.0, power_w=505).show(6, assets_w=2_000.0, power_w=505)
    assert meter.frozen == ()

    meter.show(1, assets_w=2_000.0, power_w=505)
    assert meter.frozen == ("power_w",)

    meter.show(1, assets_w=2_000.0, power_w=2_500)
    assert meter.frozen == ()


def test_quantity_that_never_varied_does_not_count():
    meter = Meter().show(200, voltage_l1_v=230.0, power_w=505)
    assert () == meter.show(900, assets_w=2_900, voltage_l1_v=230.0, power_w=505).frozen

    assert () == Meter().show(2_000, voltage_l1_v=230.0).show(900, assets_w=9_000, voltage_l1_v=230.0).frozen


def test_power_that_never_varied_is_frozen_a_minute_after_a_movement_of_kilowatts():
    meter = Meter().show(200, power_w=505).show(60, assets_w=-3_000, power_w=505)
    assert () == meter.frozen

    assert ("power_w",) == meter.show(1, assets_w=-3_000, power_w=505).frozen
    assert not meter.show(500, assets_w=-3_000, power_w=505).state.is_surely_frozen(TIMING, meter.t * S)
    assert () == meter.show(1, assets_w=-3_000, power_w=-2_495).frozen


def test_a_slow_meter_that_never_varied_has_four_of_its_periods():
    meter = Meter().show(200, power_w=505).show(240, assets_w=5_000, power_w=505)
    slow = MeterTiming(period_s=60.0, late_s=0.0, assets_s=(1.0,))
    assert () == meter.state.find_frozen(slow, meter.t * S)

    meter.show(1, assets_w=5_000, power_w=505)
    assert ("power_w",) == meter.state.find_frozen(slow, meter.t * S)


def test_movement_below_three_resolutions_does_not_count():
    meter = Meter().vary("power_w", 0, 200, 0, 200)
    meter.show(50, assets_w=500.0, power_w=200)
    assert (meter.state.resolution_w, meter.frozen) == (200, ())

    assert meter.show(50, assets_w=650.0, power_w=200).frozen == ("power_w",)


def test_voltage_is_frozen_after_ten_times_its_longest_rest():
    meter = Meter().vary("voltage_l1_v", 230.1, 230.2, 230.0)
    meter.show(9, voltage_l1_v=230.0).vary("voltage_l1_v", 230.3)
    meter.show(99, assets_w=1_000.0, voltage_l1_v=230.3)
    assert meter.frozen == ()

    assert meter.show(2, assets_w=1_000.0, voltage_l1_v=230.3).frozen == ("voltage_l1_v",)


def test_rest_while_assets_moved_does_not_make_the_next_one_allowed():
    meter = Meter().vary("frequency_hz", 50.0, 50.01, 50.0, 50.01)
    meter.show(300, assets_w=1_000.0, frequency_hz=50.01).vary("frequency_hz", 50.0)
    assert meter.state.histories["frequency_hz"].longest_s == 1.0


def test_power_that_stands_still_while_assets_move_by_kilowatts_is_surely_frozen():
    meter = Meter().vary("power_w", 500, 510, 490, 505)
    meter.show(29, assets_w=2_900, power_w=505)
    assert not meter.state.is_surely_frozen(TIMING, meter.t * S)
    meter.show(31, assets_w=3_100, power_w=505)
    assert meter.state.is_surely_frozen(TIMING, meter.t * S)
    slow = MeterTiming(period_s=10.0, late_s=0.0)
    assert not meter.state.is_surely_frozen(slow, meter.t * S)
    assert not QuantityHistories().is_surely_frozen(TIMING, 0)


def test_usual_time_between_two_values_is_learnt_at_changes_alone():
    meter = Meter()
    for value in (100, 200, 300, 400):
        meter.show(60, power_w=value)
    assert meter.state.usual_s == 60.0
    meter.show(900, power_w=400)
    assert meter.state.usual_s == 60.0
    meter.show(power_w=401)
    assert meter.state.usual_s > 60.0


def test_movement_that_the_assets_own_meters_show_after_the_connection_meter_is_not_held_against_it():
    meter = Meter(answers_s=2.0).vary("power_w", 500, 510, 490, 2_490)
    meter.show(2, assets_w=2_000.0, power_w=2_490).show(300, assets_w=2_000.0, power_w=2_490)
    assert meter.frozen == ()

    meter.show(50, assets_w=4_000.0, power_w=2_490)
    assert meter.frozen == ("power_w",)


def test_quantity_that_is_not_read_does_not_stand_still():
    meter = Meter().vary("frequency_hz", 50.0, 50.01, 50.0, 50.01)
    meter.show(50, assets_w=1_000.0, frequency_hz=50.01).show(300, assets_w=2_000.0)
    assert meter.frozen == ()

    meter.show(50, assets_w=2_000.0, frequency_hz=50.01).show(100, assets_w=4_000.0, frequency_hz=50.01)
    assert meter.frozen == ("frequency_hz",)
