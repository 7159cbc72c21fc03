from itertools import pairwise

import pytest

from quartier_district.fleet.district_file import HeatStore
from quartier_district.fleet.planning_input import PlanSteps, make_building_input, make_optimiser_input

ZONE = "UTC"
BATTERY = {
    "device": "bat1", "role": "battery", "available": True, "power_w": -800.0, "power_ranges_w": [[0.0, 5_000.0]],
    "fill_level_pct": 20.0, "fill_level_min_pct": 10.0, "fill_level_max_pct": 95.0, "capacity_wh": 10_000.0, "forecast_w": None,
}  # fmt: skip
CAR = {
    "device": "ev1", "role": "ev", "available": True, "present": True, "power_w": 4_000.0, "leaves_in_s": 7_200.0,
    "power_ranges_w": [[0.0, 0.0], [4_140.0, 11_040.0]], "energy_up_wh": 9_000.0, "forecast_w": None,
}  # fmt: skip
PV = {
    "device": "pv1",
    "role": "pv",
    "available": True,
    "power_w": -2_000.0,
    "power_ranges_w": [[-2_000.0, 0.0]],
    "forecast_w": None,
}
PUMP = {
    "device": "hp1", "role": "heat", "available": True, "power_w": 500.0, "power_ranges_w": [[0.0, 2_000.0]],
    "fill_level_c": 50.0, "fill_level_min_c": 45.0, "fill_level_max_c": 55.0, "forecast_w": None,
}  # fmt: skip


@pytest.fixture
def one(roster, members, wire, now_ms):
    member = members(roster(1))[0]
    wire.birth(
        member,
        now_ms,
        grid__power_w=3_000.0,
        ev1__power_w=4_000.0,
        bat1__power_w=-800.0,
        pv1__power_w=-2_000.0,
    )
    return member


def test_what_nobody_steers_is_the_connection_without_what_is_planned(one, wire, now_ms):
    wire.report(one, now_ms, [BATTERY, CAR, PV])
    found = make_building_input(one, PlanSteps(now_ms, 900, 3), ZONE)

    assert (1_800.0,) * 3 == found.base_w
    assert (12_000.0, 6_000.0) == (found.import_max_w, found.export_max_w)


def test_a_battery_at_its_edge_keeps_its_rating_on_both_sides(one, wire, now_ms):
    wire.report(one, now_ms, [BATTERY])
    battery = make_building_input(one, PlanSteps(now_ms, 900, 3), ZONE).battery

    assert (5_000.0, 5_000.0) == (battery.charge_max_w, battery.discharge_max_w)
    assert (2_000.0, 1_000.0, 9_500.0) == (battery.stored_wh, battery.stored_min_wh, battery.stored_max_wh)


def test_a_second_battery_and_what_cannot_be_planned_belong_to_the_load(one, wire, now_ms):
    wire.data(one, now_ms, bat2__power_w=700.0)
    wire.report(one, now_ms, [BATTERY, {**BATTERY, "device": "bat2"}, {**CAR, "available": False}])
    found = make_building_input(one, PlanSteps(now_ms, 900, 2), ZONE)

    # 3,000 of the connection without the first battery's -800; the second one and the car stay in it.
    assert (3_800.0, 3_800.0) == found.base_w


def test_no_report_makes_a_building_larger_than_its_contracts(one, wire, now_ms):
    wire.report(one, now_ms, [{**PV, "forecast_w": [-9e6] * 96}], grid_w=[9e6] * 96)
    found = make_building_input(one, PlanSteps(now_ms, 900, 2), ZONE)

    assert (18_000.0, 18_000.0) == (found.base_w[1], found.pv_w[1])


def test_a_car_wants_its_energy_by_its_departure_and_where_nobody_knows_what_the_file_says(one, wire, now_ms):
    unknown = {**CAR, "device": "ev2", "energy_up_wh": None, "leaves_in_s": None}
    wire.report(one, now_ms, [CAR, unknown, {**CAR, "device": "ev3", "present": False}])
    first, second = make_building_input(one, PlanSteps(now_ms, 900, 96), ZONE).cars

    assert ("ev1", 9_000.0, 11_040.0, 8) == (first.name, first.need_wh, first.power_max_w, first.until_step)
    assert ("ev2", 10_000.0, 32) == (second.name, second.need_wh, second.until_step)


def test_a_car_that_came_after_the_report_is_there_by_the_data(one, wire, now_ms):
    away = {**CAR, "present": False, "energy_up_wh": 0.0, "power_ranges_w": [[0.0, 0.0]]}
    wire.report(one, now_ms, [away])
    assert () == make_building_input(one, PlanSteps(now_ms, 900, 96), ZONE).cars
    wire.data(one, now_ms, ev1__plugged_on=1.0)
    (car,) = make_building_input(one, PlanSteps(now_ms, 900, 96), ZONE).cars

    assert (10_000.0, 11_040.0, 32) == (car.need_wh, car.power_max_w, car.until_step)


def test_the_sun_follows_its_forecast_else_a_half_sine_through_what_is_measured(one, wire, now_ms):
    noon_ms = now_ms // 86_400_000 * 86_400_000 + 13 * 3_600_000
    wire.report(one, noon_ms, [PV])
    guessed = make_building_input(one, PlanSteps(noon_ms, 3_600, 9), ZONE).pv_w
    assert 2_000.0 == guessed[0]
    assert all(later < earlier for earlier, later in pairwise(guessed[:8]))
    assert guessed[8] == pytest.approx(0.0, abs=1e-6)

    wire.report(one, noon_ms, [{**PV, "forecast_w": [-100.0 * place for place in range(96)]}])
    assert (2_000.0, 100.0, 200.0) == make_building_input(one, PlanSteps(noon_ms, 900, 3), ZONE).pv_w


def test_the_load_is_that_of_a_day_ago_where_the_report_knows_it_but_now_it_is_what_is_measured(
    one, wire, now_ms
):
    ahead = {**CAR, "forecast_w": [1_000.0] * 96}
    wire.report(one, now_ms, [ahead], grid_w=[6_000.0, 6_000.0, None, *[7_000.0] * 93])
    found = make_building_input(one, PlanSteps(now_ms, 900, 4), ZONE)

    assert (-1_000.0, 5_000.0, -1_000.0, 6_000.0) == found.base_w


def test_a_tank_of_the_file_is_planned_above_its_least_comfort(one, wire, now_ms):
    wire.report(one, now_ms, [PUMP])
    assert make_building_input(one, PlanSteps(now_ms, 900, 2), ZONE).heat is None
    tank = HeatStore(asset="hp1", power_max_w=2_000.0, wh_per_k=300.0, cop=3.0)
    one.place = one.place.model_copy(update={"tanks": (tank,)})
    found = make_building_input(one, PlanSteps(now_ms, 900, 2), ZONE)

    assert (1_500.0, 0.0, 3_000.0) == (
        found.heat.stored_wh,
        found.heat.stored_min_wh,
        found.heat.stored_max_wh,
    )
    assert (1_500.0, 1_500.0) == found.heat.demand_w
    assert 2_500.0 == found.base_w[0]


def test_what_is_not_available_or_says_nonsense_is_not_planned(one, wire, now_ms):
    odd = [
        {**BATTERY, "available": False},
        {**BATTERY, "capacity_wh": "much"},
        {**CAR, "available": False},
        "bat",
    ]
    wire.report(one, now_ms, odd)
    found = make_building_input(one, PlanSteps(now_ms, 900, 2), ZONE)

    assert (None, ()) == (found.battery, found.cars)


def test_what_others_may_take_is_set_aside_and_prices_follow_the_hour(roster, one, now_ms):
    tariff = {"zone": "UTC", "import_eur_per_kwh": [float(hour) for hour in range(24)]}
    asked = make_optimiser_input(
        roster(2, tariff=tariff),
        [one],
        {"import": (9_000.0, 99_000.0), "export": (0.0, 0.0)},
        PlanSteps(now_ms, 3_600, 2),
    )

    assert ((11_000.0, 0.0), (15_000.0, 15_000.0)) == (asked.limit_import_w, asked.limit_export_w)
    hour = now_ms // 3_600_000 % 24
    assert (hour / 1e3, (hour + 1) / 1e3) == asked.prices.import_eur_per_wh
    assert ("b001",) == tuple(building.name for building in asked.buildings)


ODD = (None, True, -1.0, 1e300, float("nan"), float("inf"), "x", [], {}, [[1]], [[1, 2], "x"], 5.0)
FIELDS = (
    *(
        "device",
        "role",
        "available",
        "present",
        "power_w",
        "power_ranges_w",
        "fill_level_pct",
        "fill_level_min_pct",
    ),
    *("fill_level_max_pct", "capacity_wh", "energy_up_wh", "leaves_in_s", "forecast_w", "fill_level_c"),
)


@pytest.mark.parametrize("whole", [BATTERY, CAR, PV, PUMP], ids=lambda device: device["role"])
@pytest.mark.parametrize("field", FIELDS)
def test_no_report_of_one_building_keeps_the_district_from_planning(roster, one, wire, now_ms, whole, field):
    one.place = one.place.model_copy(
        update={"tanks": (HeatStore(asset="hp1", power_max_w=2_000.0, wh_per_k=300.0),)}
    )
    for odd in ODD:
        wire.report(one, now_ms, [{**whole, field: odd}], grid_w=odd)
        asked = make_optimiser_input(
            roster(1), [one], {"import": (0.0,) * 3, "export": (0.0,) * 3}, PlanSteps(now_ms, 900, 3)
        )
        assert 1 == len(asked.buildings)
