from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.control.walk.sites import STREET, TANK

from quartier.control.orders import setpoints
from quartier.control.orders.setpoints import find_power_range, follow_target, narrow_ranges, split_power
from quartier.control.records import PowerRange
from quartier.site.asset_types import OperationMode, OperationModeAsset


@pytest.mark.parametrize(
    ("soc_pct", "low_w", "high_w"),
    [
        (5, 0, 5000),
        (20, 0, 5000),
        (20.5, -2500, 5000),
        (21, -5000, 5000),
        (50, -5000, 5000),
        (94.5, -5000, 2500),
        (95, -5000, 0),
        (100, -5000, 0),
    ],
)
def test_room_ends_at_reserve_and_band_and_tapers_in_the_last_percent(house, soc_pct, low_w, high_w):
    assert PowerRange(low_w, high_w) == find_power_range(house.assets[0], soc_pct)


def test_narrowed_shares_in_proportion():
    rooms = [PowerRange(-3000, 2000), PowerRange(-1000, 2000)]

    assert [PowerRange(-1500, 1000), PowerRange(-500, 1000)] == narrow_ranges(rooms, low_w=-2000, high_w=2000)
    assert rooms == narrow_ranges(rooms, low_w=-9000, high_w=9000)
    assert [PowerRange(0, 0), PowerRange(0, 0)] == narrow_ranges(rooms, low_w=0, high_w=0)


def test_split_gives_each_by_its_room():
    rooms = [PowerRange(-3000, 1000), PowerRange(-1000, 1000)]

    assert [-1500, -500] == split_power(-2000, rooms)
    assert [1000, 1000] == split_power(9000, rooms)
    assert [0, 0] == split_power(0, rooms)
    assert [0] == split_power(500, [PowerRange(-1000, 0)])


def test_following_takes_a_quarter_a_second_within_the_ramp(house):
    battery, free = house.assets[0], PowerRange(-5000, 5000)

    assert 1000 == follow_target(battery, 0, 4000, free, 1)
    assert 500 == follow_target(battery, 0, 4000, free, 0.5)
    assert 2500 == follow_target(battery, -5000, 5000, free, 1) + 5000
    assert 100 == follow_target(battery, 100, 120, free, 1)
    assert 300 == follow_target(battery, 4000, 4000, PowerRange(-5000, 300), 1)


watts = st.floats(-1e5, 1e5)


@given(watts, watts, st.floats(-5000, 0), st.floats(0, 5000), st.floats(0, 10))
def test_a_setpoint_never_leaves_its_room(house, before_w, desired_w, low_w, high_w, dt_s):
    assert (
        low_w
        <= follow_target(house.assets[0], before_w, desired_w, PowerRange(low_w, high_w), dt_s)
        <= high_w
    )


@given(watts, st.lists(st.tuples(st.floats(-5000, 0), st.floats(0, 5000)), max_size=4))
def test_a_split_stays_in_every_room(desired_w, pairs):
    rooms = [PowerRange(*pair) for pair in pairs]

    for part_w, one in zip(split_power(desired_w, rooms), rooms, strict=True):
        assert one.low_w - 1e-6 <= part_w <= one.high_w + 1e-6


@pytest.fixture
def assets(house):
    return {asset.name: asset for asset in (*house.assets, STREET, TANK)}


def test_what_no_device_can_do_is_told(assets):
    bat, ev, pv, pump = (assets[name] for name in ("bat1", "ev1", "pv1", "pump"))
    cases = [
        (bat, bat.charge_max_w, -bat.discharge_max_w, bat.charge_max_w + 10),
        (ev, 0.0, 16 * 690, 5 * 690),
        (ev, 6 * 690, 10 * 690, 17 * 690),
        (pv, 0.0, -pv.rated_w, 100.0),
        (pump, 0.0, pump.rated_w, pump.rated_w / 2),
        (TANK, TANK.modes[0].power_w, TANK.modes[-1].power_w, TANK.modes[0].power_w + 10),
    ]
    for asset, good_w, other_w, bad_w in cases:
        assert ("", "") == (
            setpoints.find_power_fault(asset, good_w),
            setpoints.find_power_fault(asset, other_w),
        ), asset.name
        assert setpoints.find_power_fault(asset, bad_w), asset.name


def test_a_relay_at_an_inverter_is_all_or_nothing(assets):
    relay = replace(assets["pv1"], curtail="relay")

    assert ["", "", False] == [
        setpoints.find_power_fault(relay, 0.0),
        setpoints.find_power_fault(relay, -relay.rated_w),
        setpoints.find_power_fault(relay, -1.0) == "",
    ]
    assert [0.0, 1.0] == [setpoints.convert_power(relay, watts) for watts in (0.0, -relay.rated_w)]


@pytest.mark.parametrize("name", ["bat1", "lift"])
def test_what_takes_no_order_can_do_nothing(assets, name):
    asset = assets[name] if name == "lift" else replace(assets[name], writable=False)

    assert "takes no order" in setpoints.find_power_fault(asset, 0.0)
    assert setpoints.find_soc_fault(asset, 50.0)


def test_a_state_of_charge_is_a_target_for_batteries_inside_band_and_reserve(assets):
    bat = replace(assets["bat1"], soc_min_pct=10, reserve_soc_pct=20, soc_max_pct=95)

    assert ["", ""] == [setpoints.find_soc_fault(bat, pct) for pct in (20, 95)]
    assert "20..95" in setpoints.find_soc_fault(bat, 15)
    assert "no state of charge" in setpoints.find_soc_fault(assets["ev1"], 50)


def test_a_power_becomes_what_the_point_takes(assets):
    pump = assets["pump"]

    assert -1500 == setpoints.convert_power(assets["bat1"], -1500)
    assert [0, 10, 16] == [setpoints.convert_power(assets["ev1"], watts) for watts in (0, 6900, 11_040.9)]
    assert 2000 == setpoints.convert_power(assets["pv1"], -2000)
    assert [0, 1] == [setpoints.convert_power(pump, watts) for watts in (0, pump.rated_w)]


def test_of_modes_it_is_the_first_that_takes_no_more():
    powers = [mode.power_w for mode in STREET.modes]

    assert list(range(len(powers))) == [setpoints.convert_power(STREET, watts) for watts in powers]
    assert 1 == setpoints.convert_power(STREET, powers[0] - 5)


def test_a_power_a_rounding_below_the_lowest_mode_is_that_mode():
    asset = OperationModeAsset(
        name="x",
        rated_w=100,
        quantity="step_index",
        modes=(OperationMode("on", 0, 100.0), OperationMode("off", 1, 0.1)),
        tier="D",
    )
    assert ("", 1.0) == (
        setpoints.find_power_fault(asset, 0.1 - 1.0),
        setpoints.convert_power(asset, 0.1 - 1.0),
    )


def test_a_battery_goes_to_its_target_steadily_and_rests_there(assets):
    bat = replace(assets["bat1"], capacity_wh=10_000, charge_max_w=5000, discharge_max_w=4000)

    assert pytest.approx(1000) == setpoints.find_power_to_target_w(bat, 50, 60, 3600)
    assert 5000 == setpoints.find_power_to_target_w(bat, 50, 90, 600)
    assert -4000 == setpoints.find_power_to_target_w(bat, 90, 50, 600)
    assert 0 == setpoints.find_power_to_target_w(bat, 60.1, 60, 600)
    assert setpoints.find_power_to_target_w(bat, 59.5, 60, 1) == setpoints.find_power_to_target_w(
        bat, 59.5, 60, 60
    )


def test_a_request_is_met_where_the_measured_power_is_inside_its_band(assets):
    bat, pv = replace(assets["bat1"], rated_w=5000), replace(assets["pv1"], rated_w=8000)

    assert [True, False] == [setpoints.is_setpoint_reached(bat, 2000, watts) for watts in (2199, 2201)]
    assert [True, False] == [setpoints.is_setpoint_reached(bat, 20_000, watts) for watts in (20_399, 20_401)]
    small = replace(bat, rated_w=1000)
    assert [True, False] == [setpoints.is_setpoint_reached(small, 500, watts) for watts in (549, 551)]
    assert [True, True, False] == [
        setpoints.is_setpoint_reached(pv, -3000, watts) for watts in (-500, -3100, -3500)
    ]
    assert [True, False] == [setpoints.is_setpoint_reached(pv, 0, watts) for watts in (-100, -500)]
