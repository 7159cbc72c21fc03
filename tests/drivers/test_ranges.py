"""What a quantity can be: one table, and what readings become on their way to decisions."""

from math import inf, nan

import pytest

from quartier_drivers.device_rows import make_row
from quartier_drivers.points import parse_quantity
from quartier_drivers.ranges import RANGE_TABLE, RangeCheck, find_range, is_value_possible
from quartier_drivers.readings import NO_READINGS, Quality, Reading, Readings, make_readings

GOOD, BAD, STALE = Quality.GOOD, Quality.BAD, Quality.STALE


def told(owner: str = "m", **values: float | bool) -> Readings:
    return make_readings((Reading(f"{owner}.{name}", value, GOOD, 5) for name, value in values.items()), 5)


def bad(readings: Readings) -> set[str]:
    return {one.point.partition(".")[2] for one in readings if one.quality is BAD}


# Quantity, values that it can have, values that it cannot.
CASES = [
    ("power_factor_pct", (-100.0, 0.0, 98.7, 100.0), (455.6, -100.1, nan)),
    ("power_factor_l2_pct", (99.9,), (101.0,)),
    ("soc_pct", (0.0, 100.0), (-0.1, 100.1, 6553.5)),
    ("frequency_hz", (47.5, 50.0, 60.0), (0.0, 5.0, 500.0, inf)),
    ("voltage_l1_v", (0.0, 230.0, 20_000.0), (-1.0, 65_535.0)),
    ("dc_voltage_v", (0.0, 800.0), (-3.0,)),
    ("current_l3_a", (-63.0, 6300.0), (32_767.0, -32_768.0)),
    ("power_w", (-5e6, 1e7), (1e12, -2.1e9, nan)),
    ("energy_export_wh", (0.0, 1e12), (-1.0,)),
    ("outdoor_c", (-25.0, 45.0), (327.6, -100.0)),
    ("flow_temperature_c", (5.0, 140.0), (3276.7,)),
    ("engine_c", (650.0,), (-300.0, 3276.7)),
    ("co2_ppm", (420.0,), (-1.0,)),
]


@pytest.mark.parametrize(("quantity", "possible", "impossible"), CASES)
def test_a_value_that_its_quantity_cannot_have_is_bad(
    quantity: str, possible: tuple[float, ...], impossible: tuple[float, ...]
) -> None:
    ranges = RangeCheck()
    for value in possible:
        assert set() == bad(ranges.judge(told(**{quantity: value}))), value
        assert is_value_possible(quantity, value)
    for value in impossible:
        (judged,) = ranges.judge(told(**{quantity: value}))
        assert BAD is judged.quality, value
        assert not is_value_possible(quantity, value)
        assert "BAD" == make_row(f"m.{quantity}", Reading(f"m.{quantity}", value, GOOD, 5)).quality


def test_the_value_is_left_for_people_and_other_points_are_as_they_were() -> None:
    readings = told(power_factor_pct=455.6, power_w=663.0, relay_on=True, tariff_index=900)
    judged = RangeCheck().judge(readings)

    assert [455.6, 663.0, True, 900] == [one.value for one in judged]
    assert {"power_factor_pct"} == bad(judged)
    assert readings.layout is judged.layout


def test_what_cannot_be_better_is_the_same_object() -> None:
    readings = told(power_w=1.0, room_c=21.0)

    assert readings is RangeCheck().judge(readings)
    assert NO_READINGS is RangeCheck().judge(NO_READINGS)


def test_a_value_that_is_stale_stays_so() -> None:
    readings = make_readings([Reading("m.frequency_hz", 0.0, STALE, 5)], 5)

    assert [STALE] == [one.quality for one in RangeCheck().judge(readings)]


def test_a_phase_that_never_had_a_voltage_beside_one_that_has_is_absent() -> None:
    ranges = RangeCheck()
    single = ranges.judge(told(voltage_l1_v=231.0, voltage_l2_v=0.0, voltage_l3_v=0.4, current_l2_a=0.0))
    again = ranges.judge(told(voltage_l2_v=0.0))

    assert {"voltage_l2_v", "voltage_l3_v"} == bad(single)
    assert {"voltage_l2_v"} == bad(again), "told by itself, too"
    assert {"voltage_l2_v"} == bad(ranges.judge(told(voltage_l1_v=0.0, voltage_l2_v=0.0))), "L1 has failed"


def test_a_phase_that_has_had_a_voltage_may_fail() -> None:
    ranges = RangeCheck()
    ranges.judge(told(voltage_l1_v=231.0, voltage_l2_v=230.0))

    assert set() == bad(ranges.judge(told(voltage_l1_v=231.0, voltage_l2_v=0.0)))


def test_where_no_phase_ever_had_a_voltage_none_is_absent() -> None:
    ranges = RangeCheck()

    assert set() == bad(ranges.judge(told(voltage_l1_v=0.0, voltage_l2_v=0.0, voltage_l3_v=0.0)))
    ranges.judge(told("other", voltage_l1_v=230.0))
    assert set() == bad(ranges.judge(told(voltage_l1_v=0.0))), "another device's voltage says nothing of it"


@pytest.mark.parametrize("power_w", [663.0, -10_000.0, 30_499.0, 64_873.0, -64_873.0])
def test_a_power_far_beyond_what_its_asset_can_have_is_bad(power_w: float) -> None:
    ranges, is_bad = RangeCheck({"battery": 10_000.0}), abs(power_w) > 60_000.0

    assert is_bad == bool(bad(ranges.judge(told("battery", power_w=power_w))))
    assert is_bad == bool(bad(ranges.judge(told("battery", power_l1_w=power_w))))
    assert not bad(ranges.judge(told("grid", power_w=power_w))), "nothing is known of this one"


def test_a_device_that_tells_a_larger_rating_is_believed_and_new_ratings_count() -> None:
    ranges = RangeCheck({"pv": 3_000.0})
    assert bad(ranges.judge(told("pv", power_w=-40_000.0)))
    assert not bad(ranges.judge(told("pv", power_w=-40_000.0, power_rated_w=20_000.0)))
    assert bad(ranges.judge(told("ev", power_rated_w=-5.0))), "no rating"

    ranges.follow({"load": 1_000.0})
    assert bad(ranges.judge(told("load", power_w=4_000.0)))


def test_the_table_names_words_of_the_vocabulary_once_each_and_says_why() -> None:
    assert len(RANGE_TABLE) == len({pattern for pattern, _ in RANGE_TABLE})
    for quantity, possible, _ in CASES:
        found = find_range(parse_quantity(quantity).quantity)
        assert found is not None
        assert found.low <= possible[0] <= found.high
        assert found.why
    assert find_range("message_text") is None
    assert is_value_possible("message_text", "x")
    assert is_value_possible("power_w", None)
