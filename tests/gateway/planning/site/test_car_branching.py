"""Hours of cars divided at their least current: right bounds, and plans that no single move finds."""

from dataclasses import replace

import pytest
from tests.gateway.planning.estates import CAR, TANK, outlook, site

from quartier.planning.horizon import Contract
from quartier.planning.site.car_branching import CarBranching
from quartier.planning.site.joint_plan import JointPlan
from quartier.planning.site.site_plan import make_joint_plan, plan_site
from quartier_bench.planning_speed.site_problems import draw_site
from quartier_bench.planning_speed.site_program import SiteProgram


def led(joint: JointPlan) -> float:
    free = [*joint.stores, *joint.cars]
    joint.take(joint.runs)
    return joint.find_lower_bound(free, joint.solve_relaxed(free))


def test_a_tree_that_is_divided_to_its_end_has_the_optimum_for_its_bound() -> None:
    # 6 A·h are needed, and every hour of them costs the peak: the program spreads what the car cannot.
    one = site(Contract(peak_eur_per_w=1e-3), car=replace(CAR, need_wh=6 * 230.0 * 0.9))
    joint = make_joint_plan(one)
    first = led(joint)
    tree = CarBranching(joint, first)
    tree.run(lambda bound: bound < 1e9, lambda _: None)
    optimum = SiteProgram(one).solve().cost_eur

    assert first < 0.5 * optimum
    assert optimum == pytest.approx(tree.bound, rel=1e-6)


@pytest.mark.parametrize("seed", [3, 8, 15, 33])
def test_no_bound_of_a_tree_lies_above_the_optimum_and_none_falls(seed: int) -> None:
    one = draw_site(seed)
    joint = make_joint_plan(one)
    first = led(joint)
    judge = SiteProgram(one).solve(within=1e-4, nodes=20_000)
    tree = CarBranching(joint, first)
    asked = iter(range(40))
    tree.run(lambda _: next(asked, 99) < 39, lambda _: None)

    assert first <= tree.bound <= judge.cost_eur + 1e-5


def test_nothing_is_divided_where_it_is_not_worth_it() -> None:
    joint = make_joint_plan(site(car=CAR))
    tree = CarBranching(joint, led(joint))
    count = joint.programs_count
    tree.run(lambda _: False, lambda _: None)

    assert count == joint.programs_count


def test_a_car_that_would_have_to_take_more_than_it_has_room_for_is_no_plan() -> None:
    full = replace(CAR, need_wh=6 * 230.0 * 0.9, room_wh=6 * 230.0 * 0.9)
    one = site(Contract(peak_eur_per_w=1e-3), car=full, ahead=outlook([0.2] * 4))
    joint = make_joint_plan(one)
    seen = []
    tree = CarBranching(joint, led(joint))
    tree.run(lambda bound: bound < 1e9, lambda _: seen.append(joint.ways[0][:]))

    assert all(sum(way) <= 6 * 230.0 + 1e-3 for way in seen)
    assert SiteProgram(one).solve().cost_eur == pytest.approx(tree.bound, rel=1e-6)


def test_hours_that_two_cars_share_under_a_priced_peak_are_found() -> None:
    one = draw_site(239)

    assert plan_site(one).objective_eur <= 1.001 * SiteProgram(one).solve(within=1e-5).cost_eur


def test_a_peak_that_is_higher_than_that_of_the_first_plans_is_found() -> None:
    plan = plan_site(draw_site(10208))

    assert plan.objective_eur <= 1.001 * 14.849  # of HiGHS, after a minute
    assert 5666.0 == pytest.approx(plan.peak_w, rel=0.01)


def test_what_no_move_had_a_use_for_is_spent_on_dividing_further() -> None:
    one = draw_site(10463)

    assert plan_site(one).objective_eur <= 1.001 * SiteProgram(one).solve(within=1e-5).cost_eur


def test_a_tank_yields_the_hours_that_a_car_needs() -> None:
    one = site(
        Contract(peak_eur_per_w=2e-3),
        car=replace(CAR, need_wh=2 * 6 * 230.0 * 0.9),
        tank=replace(TANK, energy_wh=2000.0, draw_w=[500.0] * 4),
    )

    assert plan_site(one).objective_eur == pytest.approx(SiteProgram(one).solve().cost_eur, rel=1e-4)
