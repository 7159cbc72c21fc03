"""The figure of a car park: both sides within the same gap, and each above the other's bound."""

from dataclasses import replace

import pytest

from quartier.planning.site.site_plan import plan_site
from quartier_bench.planning_speed import planner_speed
from quartier_bench.planning_speed.site_problems import make_car_park
from quartier_bench.planning_speed.site_program import SiteProgram


def test_a_small_park_is_planned_by_both_sides_to_the_same_gap() -> None:
    found = planner_speed.measure_car_park(1, make_car_park(cars=2, count=96))

    assert ["planning.site"] == [one.name for one in found]
    assert found[0].ratio
    assert found[0].peer_name.startswith("HiGHS, mixed-integer, to ")


def test_a_solver_that_is_stopped_is_told_with_how_far_it_came() -> None:
    found = planner_speed.measure_car_park(1, make_car_park(cars=4, count=96), seconds=0.0)

    assert "HiGHS, stopped at " in found[0].peer_name


def test_costs_below_the_others_bound_stop_the_bench() -> None:
    site = make_car_park(cars=1, count=96)
    mine, peer = plan_site(site), SiteProgram(site).solve()
    planner_speed.check_bounds(mine, peer)

    with pytest.raises(ValueError, match="ours costs"):
        planner_speed.check_bounds(mine, replace(peer, cost_eur=mine.bound_eur - 1.0))
    with pytest.raises(ValueError, match="ours costs"):
        planner_speed.check_bounds(mine, replace(peer, bound_eur=mine.objective_eur + 1.0))
