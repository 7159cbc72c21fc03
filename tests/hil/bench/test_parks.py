"""The figure of a car park: both sides within the same gap, and each above the other's bound."""

from dataclasses import replace

import pytest

from quartier.planning.site.site_plan import plan_site
from quartier_hil.bench import parks
from quartier_hil.bench.mixed import Mixed
from quartier_hil.bench.sites import large


def test_a_small_park_is_planned_by_both_sides_to_the_same_gap() -> None:
    found = parks.figures(1, large(cars=2, count=96))

    assert ["planning.site"] == [one.name for one in found]
    assert found[0].ratio
    assert found[0].peer_name.startswith("HiGHS, mixed-integer, to ")


def test_a_solver_that_is_stopped_is_told_with_how_far_it_came() -> None:
    found = parks.figures(1, large(cars=4, count=96), seconds=0.0)

    assert "HiGHS, stopped at " in found[0].peer_name


def test_costs_below_the_others_bound_stop_the_bench() -> None:
    site = large(cars=1, count=96)
    mine, peer = plan_site(site), Mixed(site).solve()
    parks.agree(mine, peer)

    with pytest.raises(ValueError, match="ours costs"):
        parks.agree(mine, replace(peer, cost_eur=mine.bound_eur - 1.0))
    with pytest.raises(ValueError, match="ours costs"):
        parks.agree(mine, replace(peer, bound_eur=mine.objective_eur + 1.0))
