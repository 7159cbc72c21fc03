"""HiGHS as a second engine of whole sites: the same model behind the same entry point."""

import sys
from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATCH, BATTERY, CAR, TANK, given_up_wh, outlook, site
from tests.gateway.planning.sites import seeds

from quartier.planning.horizon import Contract, RefusedError
from quartier.planning.site import highs_engine
from quartier.planning.site.joint_plan import JointPlan
from quartier.planning.site.site_meter import make_strict_prices
from quartier.planning.site.site_model import SiteModel
from quartier.planning.site.site_plan import HIGHS_ENGINE, SitePlan, make_joint_plan, make_parts, plan_site
from quartier_bench.planning_speed.site_problems import draw_site, draw_strained_site
from quartier_bench.planning_speed.site_program import SiteProgram


@pytest.mark.parametrize("seed", seeds([0, 1, 3, 5, 7, 15, 19, 40, 45], [2, 8, 12, 27]))
def test_both_engines_keep_above_each_others_bounds_and_near_each_other(seed: int) -> None:
    one = draw_site(seed)
    ours, theirs = plan_site(one), plan_site(one, engine=HIGHS_ENGINE)
    near = 1e-5 * abs(ours.objective_eur) + 1e-5

    assert theirs.bound_eur <= ours.objective_eur + near
    assert ours.bound_eur <= theirs.objective_eur + near
    assert theirs.objective_eur <= ours.objective_eur + 2e-3 * abs(ours.objective_eur) + near


def test_whole_amperes_and_one_start_come_out() -> None:
    one = site(
        Contract(peak_eur_per_w=1e-3),
        ahead=outlook(load_w=500.0),
        battery=BATTERY,
        tank=TANK,
        car=CAR,
        batch=BATCH,
    )
    plan = plan_site(one, engine=HIGHS_ENGINE)

    assert {0.0, *(230.0 * number for number in range(6, 17))} >= set(plan.parts["car"].power_w)
    assert 3000.0 == sum(plan.parts["batch"].power_w)
    assert max(plan.bus_eur_per_wh) > 0.0


def test_without_the_library_it_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "quartier.planning.site.highs_engine", raising=False)
    monkeypatch.delattr("quartier.planning.site.highs_engine", raising=False)
    monkeypatch.setitem(sys.modules, "highspy", None)

    with pytest.raises(RefusedError, match=r"pip install 'quartier\[highs\]'"):
        plan_site(site(car=CAR), engine=HIGHS_ENGINE)


def test_an_engine_that_there_is_not_is_refused() -> None:
    with pytest.raises(RefusedError, match="engine other: expected own or highs"):
        plan_site(site(car=CAR), engine="other")


def test_few_nodes_leave_the_gap_open_that_is_told() -> None:
    meter, parts = make_parts(draw_site(8))
    joint = JointPlan(meter, list(parts.values()))
    few, _ = highs_engine.solve_with_highs(joint, gap=0.0, nodes_max=1)
    cost = joint.cost()
    many, _ = highs_engine.solve_with_highs(joint, gap=1e-5)

    assert few <= many + 1e-6
    assert many <= joint.cost() + 1e-6
    assert joint.cost() <= cost + 1e-6


def test_a_battery_and_a_tank_need_no_whole_numbers() -> None:
    plan = plan_site(site(battery=replace(BATTERY, energy_wh=500.0), tank=TANK), engine=HIGHS_ENGINE)

    assert plan.gap_eur == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("seed", seeds([3, 6, 7, 8, 19, 28], [1, 2, 10, 11, 17, 18, 22]))
def test_both_engines_give_up_the_same_level_by_level_and_pay_the_same_for_the_rest(seed: int) -> None:
    one = draw_strained_site(seed)
    ours, theirs = plan_site(one), plan_site(one, engine=HIGHS_ENGINE)
    rest_eur = ours.objective_eur - given_up_eur(one, ours)
    near = 2e-3 * abs(rest_eur) + 1e-4

    assert given_up_wh(one, ours) == pytest.approx(given_up_wh(one, theirs), abs=1.0)
    assert [each.what for each in ours.given_up] == [each.what for each in theirs.given_up]
    assert ours.given_up_eur_per_wh == theirs.given_up_eur_per_wh
    assert theirs.bound_eur <= ours.objective_eur + near
    assert theirs.objective_eur - given_up_eur(one, theirs) <= rest_eur + near


def test_what_it_gives_up_is_the_least_of_each_level() -> None:
    one = draw_strained_site(7)
    plan, judge = plan_site(one, engine=HIGHS_ENGINE), SiteProgram(one).solve_staged(within=1e-5)

    assert judge.is_closed
    assert judge.given_up_wh == pytest.approx(given_up_wh(one, plan), abs=1.0)
    assert plan.gap_eur <= 1e-3 * judge.cost_eur


def test_a_cap_is_not_broken_for_whole_amperes_of_a_car() -> None:
    # 6 A are 1,380 W: without them the car stays empty, and six Wh beyond the cap would fill it.
    car = replace(CAR, need_wh=3700.0, room_wh=4e3)
    plan = plan_site(site(ahead=outlook(load_w=626.0, import_max_w=2000.0), car=car), engine=HIGHS_ENGINE)

    assert ["car"] == [each.what for each in plan.given_up]
    assert max(plan.grid_w) <= 2000.0 + 1e-6


def test_few_nodes_leave_a_plan_of_each_stage_that_gives_up_more_at_most() -> None:
    one = draw_strained_site(7)
    relaxation = make_strict_prices(one, make_joint_plan(one).meter.price_max)
    few, many = make_joint_plan(one, relaxation), make_joint_plan(one, relaxation)
    bound, _ = highs_engine.solve_with_highs(few, gap=0.0, nodes_max=1)
    highs_engine.solve_with_highs(many)

    assert bound <= many.cost() + 1e-3
    assert many.find_rank().given_up <= few.find_rank().given_up


def given_up_eur(one: SiteModel, plan: SitePlan) -> float:
    """What it counts that a plan gives something up."""
    return sum(plan.given_up_eur_per_wh[name] * wh for name, wh in given_up_wh(one, plan).items())


@pytest.mark.parametrize("seed", [9, 12, 39])
def test_its_gap_is_of_the_whole_cost_whatever_its_program_leaves_out_of_it(seed: int) -> None:
    plan = plan_site(draw_strained_site(seed), engine=HIGHS_ENGINE)

    assert [] == list(plan.given_up)
    assert plan.gap_eur <= 2e-4 * abs(plan.objective_eur) + 1e-5
