"""The door for a whole site: who does what when, what was given up in which order, and why."""

from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATCH, BATTERY, CAR, TANK, outlook, site

from quartier.planning.horizon import RefusedError
from quartier.planning.site import Site
from quartier.planning.siteplan import Forgone, site_planned, stays


def test_a_plan_tells_what_each_part_does_and_what_the_meter_sees() -> None:
    ahead = outlook(load_w=500.0, import_max_w=4000.0)
    plan = site_planned(site(ahead=ahead, battery=BATTERY, tank=TANK, car=CAR, batch=BATCH))

    assert {"battery": "battery", "tank": "tank", "car": "car", "batch": "batch"} == {
        name: part.kind for name, part in plan.parts.items()
    }
    for step in range(4):
        planned = sum(part.power_w[step] for part in plan.parts.values())
        assert 500.0 + planned + plan.curtailed_w[step] == pytest.approx(plan.grid_w[step])
    assert max(plan.grid_w) == pytest.approx(plan.peak_w)
    assert plan.peak_w <= 4000.0 + 1e-6
    assert plan.parts["car"].energy_wh[-1] >= 6210.0 - 1e-6
    assert plan.bound_eur <= plan.objective_eur
    assert plan.gap_eur == pytest.approx(plan.objective_eur - plan.bound_eur)
    assert [] == list(plan.given_up)


def test_target_comfort_and_car_are_given_up_before_the_caps_and_named_in_this_order() -> None:
    ahead = outlook(import_max_w=1500.0)
    tank = replace(TANK, energy_wh=2000.0, draw_w=[1000.0] * 4)
    battery = replace(BATTERY, target_wh=5000.0)
    plan = site_planned(site(ahead=ahead, battery=battery, tank=tank, car=CAR))

    assert ["target", "comfort", "car"] == [each.what for each in plan.given_up]
    # Of the 6,000 Wh under the cap the battery brings 26 A·h to the car, two of them from hour to hour.
    assert 6210.0 - 26 * 230.0 * 0.9 == pytest.approx(plan.given_up[2].wh)
    assert max(plan.grid_w) <= 1500.0 + 1e-6


def test_a_cap_that_a_batch_must_exceed_is_told() -> None:
    plan = site_planned(site(ahead=outlook(import_max_w=1500.0), batch=BATCH))

    assert [Forgone("caps", "", 500.0, (1,))] == list(plan.given_up)


def test_a_car_that_comes_after_the_horizon_is_told_and_a_battery_below_its_reserve_too() -> None:
    late = replace(CAR, from_step=9, until_step=12)
    plan = site_planned(site(car=late, battery=replace(BATTERY, reserve_wh=9000.0)))

    assert [Forgone("car", "car", 6210.0, ()), Forgone("reserve", "battery", 4000.0, (0,))] == list(
        plan.given_up
    )


def test_reasons_say_from_when_to_when_how_much_and_at_which_price() -> None:
    plan = site_planned(site(ahead=outlook(load_w=1000.0), battery=BATTERY))
    lines = stays(plan, lambda step: f"{step} h")["battery"]

    assert lines[0].startswith("0 h to 1 h: takes 3000 W where a kWh on the bus is worth 0.")
    assert lines[1].startswith("1 h to 4 h: gives 1000 W where a kWh on the bus is worth 0.")


def test_two_parts_of_one_name_are_refused() -> None:
    with pytest.raises(RefusedError, match="two parts have the same name"):
        site_planned(Site(outlook(), cars={"one": CAR}, tanks={"one": TANK}))
