"""The search for a joint plan: near HiGHS's optimum of the same site, never under its bound, bounded."""

from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATCH, BATTERY, CAR, TANK, outlook, site
from tests.gateway.planning.sites import seeds

from quartier.planning.horizon import Contract, RefusedError
from quartier.planning.site.joint_plan import JointPlan
from quartier.planning.site.plan_search import PlanSearch
from quartier.planning.site.site_model import SiteModel
from quartier.planning.site.site_plan import make_parts
from quartier_bench.planning_speed.site_problems import draw_site
from quartier_bench.planning_speed.site_program import SiteProgram


def searched(one: SiteModel, work_max: int = 4_000_000) -> tuple[PlanSearch, JointPlan]:
    meter, parts = make_parts(one)
    joint = JointPlan(meter, list(parts.values()))
    search = PlanSearch(joint, work_max)
    search.run()
    return search, joint


@pytest.mark.parametrize(
    "seed", seeds([0, 3, 4, 5, 6, 9, 10, 11, 15, 20, 22, 24, 25, 30, 33, 36, 40, 45], [2, 12])
)
def test_a_plan_is_within_a_hundredth_of_the_optimum_and_above_its_bound(seed: int) -> None:
    one = draw_site(seed)
    search, joint = searched(one)
    hours = one.outlook.step_h
    ways = {
        name: [wh / hours for wh in way] for name, way in zip(make_parts(one)[1], joint.ways, strict=True)
    }
    judge = SiteProgram(one).solve(within=1e-5, nodes=20_000)
    again = SiteProgram(one, ways).solve(within=1e-6, nodes=1000)

    assert search.cost == pytest.approx(joint.cost())
    assert again.cost_eur == pytest.approx(search.cost, rel=1e-5, abs=1e-5)
    assert search.bound <= judge.cost_eur + 1e-5
    assert search.cost <= judge.cost_eur + 0.01 * abs(judge.cost_eur) + 1e-6


def test_the_peak_that_whole_amperes_need_is_found() -> None:
    one = site(Contract(peak_eur_per_w=0.01), car=replace(CAR, need_wh=4968.0))  # 24 A·h in four hours
    search, joint = searched(one)

    assert [6 * 230.0] * 4 == list(joint.ways[0])
    assert search.bound <= search.cost


def test_a_site_that_is_too_large_for_the_work_is_refused_before_it_is_planned() -> None:
    with pytest.raises(RefusedError, match=r"needs \d+ of work, allowed are 1000"):
        searched(site(battery=BATTERY, tank=TANK, car=CAR), 1000)


def test_more_work_never_makes_it_worse_and_little_is_kept_to() -> None:
    one = draw_site(0)
    meter, parts = make_parts(one)
    least = JointPlan(meter, list(parts.values())).find_first_work_max()
    short, joint = searched(one, least)
    long, _ = searched(one)

    assert long.cost <= short.cost + 1e-9
    assert joint.work <= 2 * least  # the round that was begun is ended


def test_an_empty_site_costs_what_its_load_does() -> None:
    search, _ = searched(site(ahead=outlook(load_w=1000.0)))

    assert (0.8, 0.8) == pytest.approx((search.cost, search.bound))


def test_batches_move_out_of_each_others_way_under_a_cap() -> None:
    ahead = outlook(import_max_w=2500.0)
    one = SiteModel(
        ahead,
        batches={
            "one": replace(BATCH, powers_w=[2000.0, 2000.0]),
            "two": replace(BATCH, powers_w=[2000.0, 2000.0]),
        },
    )
    search, joint = searched(one)

    assert 0.0 == joint.find_meter_flows().excess_wh
    assert 0.2 + 0.4 + 0.6 + 0.4 == pytest.approx(search.cost)
