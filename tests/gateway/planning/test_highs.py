"""HiGHS as a second engine of whole sites: the same model behind the same door."""

import sys
from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATCH, BATTERY, CAR, TANK, outlook, site

from quartier.planning import highs
from quartier.planning.horizon import Contract, RefusedError
from quartier.planning.joint import Joint
from quartier.planning.siteplan import HIGHS, opened, site_planned
from quartier_hil.bench.sites import drawn


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5, 7, 8, 12, 15, 19, 27, 40, 42, 45])
def test_both_engines_keep_above_each_others_bounds_and_near_each_other(seed: int) -> None:
    one = drawn(seed)
    ours, theirs = site_planned(one), site_planned(one, engine=HIGHS)
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
    plan = site_planned(one, engine=HIGHS)

    assert {0.0, *(230.0 * number for number in range(6, 17))} >= set(plan.parts["car"].power_w)
    assert 3000.0 == sum(plan.parts["batch"].power_w)
    assert max(plan.bus_eur_per_wh) > 0.0


def test_without_the_library_it_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "quartier.planning.highs", raising=False)
    monkeypatch.delattr("quartier.planning.highs", raising=False)
    monkeypatch.setitem(sys.modules, "highspy", None)

    with pytest.raises(RefusedError, match=r"pip install 'quartier\[highs\]'"):
        site_planned(site(car=CAR), engine=HIGHS)


def test_an_engine_that_there_is_not_is_refused() -> None:
    with pytest.raises(RefusedError, match="engine other: expected own or highs"):
        site_planned(site(car=CAR), engine="other")


def test_few_nodes_leave_the_gap_open_that_is_told() -> None:
    meter, parts = opened(drawn(8))
    joint = Joint(meter, list(parts.values()))
    few, _ = highs.solve(joint, gap=0.0, nodes_max=1)
    cost = joint.cost()
    many, _ = highs.solve(joint, gap=0.0, nodes_max=50_000)

    assert few <= many + 1e-6
    assert many <= joint.cost() + 1e-6
    assert joint.cost() <= cost + 1e-6


def test_a_battery_and_a_tank_need_no_whole_numbers() -> None:
    plan = site_planned(site(battery=replace(BATTERY, energy_wh=500.0), tank=TANK), engine=HIGHS)

    assert plan.gap_eur == pytest.approx(0.0, abs=1e-6)
