from itertools import islice, pairwise

import pytest

from quartier_bench.meter_check.second_loads import DAY_S, make_day
from quartier_bench.meter_check.sound_meters import (
    VARIANTS,
    BuildingVariant,
    iterate_records,
    spread_days,
)

NOON_S = 12 * 3_600


def _records(home, variant, count=DAY_S, first=0):
    return list(islice(iterate_records(home, VARIANTS[variant], days=[0]), first, count))


def test_the_meter_shows_the_sum_of_what_is_measured_and_what_is_not(home):
    day = make_day(home, 0)
    unmeasured = sum(day.phases_w)

    for second, one in enumerate(_records(home, "plain")):
        listed_w = sum(asset["power_w"] for asset in one.assets.values())
        assert one.grid["power_w"] == pytest.approx(unmeasured[second] + listed_w, abs=60)
        assert one.grid["power_w"] == sum(one.grid[f"power_l{phase}_w"] for phase in (1, 2, 3))


def test_seconds_go_on_from_day_to_day_and_each_record_is_a_second(home):
    times = [one.time_ns for one in iterate_records(home, VARIANTS["plain"])]

    assert list(range(0, 2 * DAY_S * 10**9, 10**9)) == times


def test_the_battery_follows_its_order_within_its_band(home):
    records = _records(home, "plain")
    pairs = [
        (later.assets["bat1"]["power_w"], one.orders["bat1.setpoint_w"])
        for one, later in zip(records, records[10:], strict=False)
        if one.orders is later.orders
    ]

    assert max(abs(power_w - order_w) for power_w, order_w in pairs) < 60
    assert 9.9 <= min(one.assets["bat1"]["soc_pct"] for one in records)
    assert 95.1 >= max(one.assets["bat1"]["soc_pct"] for one in records)
    assert max(one.orders["bat1.setpoint_w"] for one in records) > 1_000


@pytest.mark.parametrize(("variant", "is_mean"), [("minute-meter", False), ("minute-mean", True)])
def test_a_meter_of_a_minute_is_read_once_a_minute(home, variant, is_mean):
    records = _records(home, variant, NOON_S)
    taken = sorted({one.grid_ns // 10**9 for one in records})

    assert {60} == {later - one for one, later in pairwise(taken[1:])}
    assert all(0 <= one.time_ns - one.grid_ns <= 60 * 10**9 for one in records)
    assert is_mean == VARIANTS[variant].is_mean


def test_a_meter_of_apparent_power_has_no_sign(home):
    records = _records(home, "apparent", NOON_S + 3_600, NOON_S)

    assert {"apparent_va", "current_l1_a", "current_l2_a", "current_l3_a"} == set(records[0].grid)
    assert min(one.grid["apparent_va"] for one in records) >= 0


def test_a_coarse_meter_stands_until_a_change_is_large(home):
    shown = [one.grid["power_l1_w"] for one in _records(home, "meter-deadband", 3_600)]
    steps = [abs(later - one) for one, later in pairwise(shown) if later != one]

    assert min(steps) >= 33


def test_unlisted_generation_lies_between_the_meter_and_what_is_measured(home):
    day = make_day(home, 0)
    records = _records(home, "unlisted-pv", NOON_S + 60, NOON_S)
    listed_w = sum(asset["power_w"] for asset in records[0].assets.values())

    assert listed_w - records[0].grid["power_w"] == pytest.approx(day.generated_w[NOON_S], abs=600)
    assert listed_w - records[0].grid["power_w"] > 1_000


def test_a_battery_of_somebody_else_takes_back_what_the_house_does(home):
    evening = slice(18 * 3_600, 19 * 3_600)
    alone, helped = (
        [abs(one.grid["power_w"]) for one in _records(home, name)[evening]]
        for name in ("plain", "unlisted-battery")
    )

    assert sum(helped) != sum(alone)


def test_a_full_car_and_an_open_thermostat_draw_nothing_though_they_may(home):
    full = _records(home, "full-car", NOON_S)
    open_ = _records(home, "open-thermostat", NOON_S)

    assert {0.0, 16.0} == {one.orders["ev1.current_max_a"] for one in full}
    assert {0.0} == {one.assets["ev1"]["power_w"] for one in full}
    assert {0.0, 1.0} == {one.orders["hp1.relay_on"] for one in open_}
    assert {0.0} == {one.assets["hp1"]["power_w"] for one in open_}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_says_what_it_is_and_differs_from_a_plain_one(name):
    assert VARIANTS[name].words
    assert name == "plain" or VARIANTS[name] != BuildingVariant(words=VARIANTS[name].words)


def test_days_are_taken_evenly_over_the_year(measured):
    assert [0, 121, 243] == spread_days(measured[0], 3)
    assert list(range(365)) == spread_days(measured[0], 400)
