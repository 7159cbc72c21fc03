"""The entry point for a whole site: who does what when, what was given up in which order, and why."""

import math
from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATCH, BATTERY, CAR, TANK, given_up_wh, outlook, site
from tests.gateway.planning.sites import seeds

from quartier.planning.horizon import RefusedError
from quartier.planning.site.site_model import SiteModel, TankModel
from quartier.planning.site.site_plan import SiteShortfall, plan_site
from quartier_bench.planning_speed.site_problems import draw_site, draw_strained_site
from quartier_bench.planning_speed.site_program import SiteProgram


def test_a_plan_tells_what_each_part_does_and_what_the_meter_sees() -> None:
    ahead = outlook(load_w=500.0, import_max_w=4000.0)
    plan = plan_site(site(ahead=ahead, battery=BATTERY, tank=TANK, car=CAR, batch=BATCH))

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
    plan = plan_site(site(ahead=ahead, battery=battery, tank=tank, car=CAR))

    assert ["target", "comfort", "car"] == [each.what for each in plan.given_up]
    # Of the 6,000 Wh under the cap the battery brings 26 A·h to the car, two of them from hour to hour.
    assert 6210.0 - 26 * 230.0 * 0.9 == pytest.approx(plan.given_up[2].wh)
    assert max(plan.grid_w) <= 1500.0 + 1e-6


def test_a_cap_that_a_batch_must_exceed_is_told() -> None:
    plan = plan_site(site(ahead=outlook(import_max_w=1500.0), batch=BATCH))

    assert [SiteShortfall("caps", "", 500.0, (1,))] == list(plan.given_up)


def test_a_car_that_comes_after_the_horizon_is_told_and_a_battery_below_its_reserve_too() -> None:
    late = replace(CAR, from_step=9, until_step=12)
    plan = plan_site(site(car=late, battery=replace(BATTERY, reserve_wh=9000.0)))

    assert [
        SiteShortfall("car", "car", 6210.0, ()),
        SiteShortfall("reserve", "battery", 4000.0, (0,)),
    ] == list(plan.given_up)


def test_two_parts_of_one_name_are_refused() -> None:
    with pytest.raises(RefusedError, match="two parts have the same name"):
        plan_site(SiteModel(outlook(), cars={"one": CAR}, tanks={"one": TANK}))


def test_comfort_that_is_missing_for_many_steps_never_makes_up_for_a_car() -> None:
    ahead = outlook([0.2] * 48, import_max_w=1380.0)
    tank = replace(TANK, energy_wh=0.0, power_max_w=1380.0, draw_w=[0.0] * 48, time_constant_h=100.0)
    car = replace(CAR, need_wh=2 * 1242.0, until_step=2)
    plan = plan_site(SiteModel(ahead, tanks={"tank": tank}, cars={"car": car}))

    # The first two hours can heat for all others, or charge: 2 kWh below the band for 2 hours against 2.5 kWh.
    assert ["comfort"] == [each.what for each in plan.given_up]
    assert [1380.0, 1380.0] == list(plan.parts["car"].power_w)[:2]


def test_a_cap_is_not_broken_for_the_comfort_of_many_steps_nor_for_what_a_battery_is_worth() -> None:
    ahead = outlook([0.2] * 48, import_max_w=500.0)
    tank = TankModel(0.0, 9000.0, 9000.0, 2000.0, [0.0] * 48, time_constant_h=1e5, heat_per_wh=3.0)
    battery = replace(BATTERY, energy_wh=0.0, worth_eur_per_wh=1.0)
    plan = plan_site(SiteModel(ahead, batteries={"battery": battery}, tanks={"tank": tank}))

    assert ["comfort"] == [each.what for each in plan.given_up]
    assert max(plan.grid_w) <= 500.0 + 1e-6


def test_each_level_counts_more_than_the_one_below_it() -> None:
    plan = plan_site(site(ahead=outlook(import_max_w=1500.0), car=CAR, tank=TANK))
    counted = [plan.given_up_eur_per_wh[name] for name in ("target", "comfort", "car", "caps")]

    assert sorted(counted) == counted
    assert len(set(counted)) == len(counted)


@pytest.mark.parametrize("seed", seeds([3, 6, 7, 8], [1, 10, 11]))
def test_what_is_given_up_is_the_least_level_by_level(seed: int) -> None:
    one = draw_strained_site(seed)
    plan, judge = plan_site(one), SiteProgram(one).solve_staged(within=1e-5)

    assert judge.is_closed
    assert judge.given_up_wh == pytest.approx(given_up_wh(one, plan), abs=1.0)


def test_a_car_that_has_no_step_is_told_as_given_up() -> None:
    plan = plan_site(site(car=replace(CAR, from_step=2, until_step=2), battery=BATTERY))

    assert [SiteShortfall("car", "car", 6210.0, ())] == list(plan.given_up)
    assert ["battery"] == list(plan.parts)


def test_numbers_that_together_are_out_of_all_range_are_refused() -> None:
    with pytest.raises(RefusedError, match="the site's numbers together"):
        plan_site(site(ahead=outlook([1e12] * 4), car=CAR, tank=TANK))


@pytest.mark.parametrize("price", [0.0, 1e-300, 1e-9, 1e3, 1e7])
def test_whatever_a_kwh_costs_all_numbers_are_finite_and_the_bound_holds(price: float) -> None:
    prices = [price * factor for factor in (1.0, 2.0, 3.0, 2.0)]
    plan = plan_site(site(ahead=outlook(prices, load_w=500.0), battery=BATTERY, tank=TANK, car=CAR))

    assert all(map(math.isfinite, [*plan.bus_eur_per_wh, plan.cost_eur, plan.objective_eur, plan.bound_eur]))
    assert plan.bound_eur <= plan.objective_eur
    assert plan.gap_eur <= 0.01 * max(plan.cost_eur, 1e-3)
    assert [] == list(plan.given_up)


def test_numbers_of_very_different_sizes_leave_a_finite_plan() -> None:
    empty = replace(BATTERY, capacity_wh=1e-9, energy_wh=1e-9, charge_max_w=1e9, worth_eur_per_wh=-1e-4)
    ahead = outlook([0.3, 0.1], load_w=1e-9, pv_w=1000.0, import_max_w=1e-9)
    tank = TankModel(1e-9, 1e9, 1e9, 1e9, [1e-9] * 2, 50.0)
    plan = plan_site(site(ahead=ahead, battery=empty, tank=tank, batch=replace(BATCH, until_step=2)))

    assert all(map(math.isfinite, [*plan.grid_w, *plan.bus_eur_per_wh, plan.objective_eur, plan.bound_eur]))


def test_parts_that_can_do_nothing_are_planned_as_they_stand() -> None:
    full = replace(BATTERY, charge_max_w=0.0, discharge_max_w=0.0, energy_wh=5000.0)
    cold = replace(TANK, power_max_w=0.0)
    plan = plan_site(site(battery=full, tank=cold, batch=replace(BATCH, powers_w=[0.0])))

    assert [0.0] * 4 == list(plan.grid_w)
    assert [5000.0] * 4 == list(plan.parts["battery"].energy_wh)
    assert 0.0 == pytest.approx(plan.gap_eur, abs=1e-8)


@pytest.mark.parametrize("seed", seeds([2, 3], [0, 1, 4, 5]))
def test_where_import_and_export_both_pay_cost_and_bound_are_those_of_the_true_prices(seed: int) -> None:
    one = draw_site(seed)
    ahead = one.outlook
    noon = range(ahead.count // 3, ahead.count // 2)
    prices = [-5e-5 if at in noon else price for at, price in enumerate(ahead.import_eur_per_wh)]
    sunny = [max(pv_w, 3000.0) if at in noon else pv_w for at, pv_w in enumerate(ahead.pv_w)]
    ahead = replace(ahead, import_eur_per_wh=prices, pv_w=sunny, export_eur_per_wh=[2e-5] * ahead.count)
    one = replace(one, outlook=replace(ahead, export_max_w=[math.inf] * ahead.count))
    plan = plan_site(one)
    judge = SiteProgram(one).solve(within=1e-4, nodes=2000)
    bought = sum(
        price * max(0.0, grid_w) * ahead.step_s / 3600.0
        for price, grid_w in zip(prices, plan.grid_w, strict=True)
    )
    sold = 2e-5 * sum(min(0.0, grid_w) for grid_w in plan.grid_w) * ahead.step_s / 3600.0

    assert plan.bound_eur <= judge.cost_eur + 1e-5
    if not one.batteries and not one.contract.peak_eur_per_w and not one.contract.over_eur_per_wh:
        assert bought + sold == pytest.approx(plan.cost_eur)
