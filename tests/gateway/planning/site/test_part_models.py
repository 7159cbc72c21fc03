"""Each part beside the others: what it takes, what it costs, and what no way of it is cheaper than."""

import math
from array import array
from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATCH, BATTERY, CAR, TANK, outlook, site

from quartier.planning.horizon import RefusedError
from quartier.planning.site.part_models import (
    make_batch_part,
    make_battery_part,
    make_car_part,
    make_tank_part,
)
from quartier.planning.site.site_meter import PLAIN_PRICES, SiteMeter

METER = SiteMeter(site(ahead=outlook(load_w=1000.0)))
STEPS = METER.steps


def test_a_battery_is_planned_by_its_kernel() -> None:
    part = make_battery_part(METER, replace(BATTERY, charge_efficiency=0.5, wear_eur_per_wh=1e-6))

    assert [2000.0, 0.0, -1000.0, 0.0] == list(part.plan(STEPS) or [])
    assert 1000.0 * 1e-6 * 2 == pytest.approx(part.cost(array("d", [2000.0, 0.0, -1000.0, 0.0])))


def test_a_battery_below_its_reserve_is_charged_first_and_its_target_may_be_missed() -> None:
    part = make_battery_part(METER, replace(BATTERY, reserve_wh=8000.0, target_wh=1e5, charge_max_w=3000.0))
    way = part.plan(STEPS)

    assert way is not None
    assert [3000.0, 3000.0, 2000.0] == list(way[:3])
    assert 5.0 * METER.price_max * 2000.0 == pytest.approx(
        part.cost(array("d", [3000.0, 3000.0, 2000.0, 0.0]))
    )


def test_a_tank_heats_where_it_is_cheapest_but_for_what_it_would_lose() -> None:
    tank = replace(TANK, energy_wh=2000.0, low_wh=1900.0, time_constant_h=10.0, heat_per_wh=3.0)
    way = make_tank_part(METER, "tank", tank).plan(STEPS)
    keep = math.exp(-0.1)

    # To stand at 1,900 Wh at the end it must hold 1,900 / keep^3 after the first, cheapest hour.
    assert way is not None
    assert (1900.0 / keep**3 - 2000.0 * keep) / 3.0 == pytest.approx(way[0])
    assert [0.0, 0.0, 0.0] == pytest.approx(list(way[1:]), abs=1e-6)


def test_a_tank_is_heated_before_a_draw_that_its_power_cannot_follow_and_what_is_missing_costs() -> None:
    tank = replace(TANK, energy_wh=2000.0, time_constant_h=1e6, draw_w=[0.0, 0.0, 0.0, 7000.0])
    part = make_tank_part(METER, "tank", tank)
    way = part.plan(STEPS)

    # Full before the draw: 6,000 + 2,000 - 7,000 are left of the 2,000 that are wanted.
    assert way is not None
    assert 6000.0 == pytest.approx(sum(way), rel=1e-4)
    assert PLAIN_PRICES.comfort * METER.price_max * 1000.0 == pytest.approx(part.cost(way), rel=1e-3)


def test_a_tank_above_its_band_may_cool_down_and_one_that_cools_too_fast_is_refused() -> None:
    way = make_tank_part(METER, "tank", replace(TANK, energy_wh=9000.0)).plan(STEPS)

    assert [0.0] * 4 == list(way or [])
    with pytest.raises(RefusedError, match="too short for 24 steps"):
        make_tank_part(SiteMeter(site(ahead=outlook([0.1] * 24))), "tank", replace(TANK, time_constant_h=1.0))


def test_a_car_charges_whole_amperes_in_its_hours_and_no_less_than_it_needs() -> None:
    part = make_car_part(METER, "car", replace(CAR, from_step=1, until_step=3))

    # 30 A·h are needed, 16 A the most: the dearer hour takes the rest.
    assert [0.0, 16 * 230.0, 14 * 230.0, 0.0] == list(part.plan(STEPS) or [])


def test_a_car_that_cannot_get_what_it_needs_gets_all_it_can() -> None:
    part = make_car_part(METER, "car", replace(CAR, need_wh=20e3, room_wh=20e3, until_step=2))
    way = part.plan(STEPS)

    assert way is not None
    assert [3680.0, 3680.0, 0.0, 0.0] == list(way)
    assert PLAIN_PRICES.car * METER.price_max * (97 - 32) * 207.0 == pytest.approx(part.cost(way))


def test_what_needs_too_many_steps_of_current_is_refused() -> None:
    with pytest.raises(RefusedError, match="expected at most 4096"):
        make_car_part(METER, "car", replace(CAR, need_wh=1e6, room_wh=1e6))


def test_a_batch_takes_its_cheapest_start() -> None:
    part = make_batch_part(METER, BATCH)

    # 1 then 2 kWh: 0.1 + 0.4, 0.2 + 0.6, 0.3 + 0.4.
    assert [1000.0, 2000.0, 0.0, 0.0] == list(part.plan(STEPS) or [])
    assert [1000.0, 2000.0, 0.0, 0.0] == list(part.list_ways(4)[0])
    assert 3 == len(part.list_ways(4))


@pytest.mark.parametrize("prices", [[1e-4, 2e-4, 3e-4, 1e-4], [-1e-4, 0.0, 2e-4, -2e-4]])
def test_no_way_is_cheaper_than_the_lowest(prices: list[float]) -> None:
    paid = array("d", prices)
    batch = make_batch_part(METER, BATCH)
    car = make_car_part(METER, "car", replace(CAR, from_step=0, until_step=2))

    def cost(way: "array[float]") -> float:
        return sum(price * wh for price, wh in zip(prices, way, strict=True))

    assert min(cost(way) for way in batch.list_ways(4)) == pytest.approx(batch.lowest(paid))
    assert 0.0 == batch.cost(batch.list_ways(4)[0])
    ways = [
        array("d", [230.0 * one, 230.0 * other, 0.0, 0.0])
        for one in (0, *range(6, 17))
        for other in (0, *range(6, 17))
        if one + other <= 43
    ]
    assert min(cost(way) + car.cost(way) for way in ways) == pytest.approx(car.lowest(paid))
