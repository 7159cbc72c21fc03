"""The entry point: what a plan tells, and what was given up for it in which order."""

from dataclasses import replace
from math import inf

import pytest
from tests.gateway.planning.sites import PLAIN, outlook

from quartier.planning.horizon import RefusedError
from quartier.planning.storage.battery_plan import PlannedStep, Shortfall, plan_battery


def test_a_step_tells_powers_at_the_bus_and_energy_in_the_store() -> None:
    battery = replace(PLAIN, charge_efficiency=0.5, discharge_efficiency=0.5)
    plan = plan_battery(battery, outlook([1.0, 9.0]))

    # 1 kW charges 500 Wh, of which 250 Wh reach the bus; the next Wh would be worth half of the 9 EUR/kWh.
    assert PlannedStep(1000.0, 2000.0, 0.0, 500.0, 2.0, 0.0045, 0.0) == plan.steps[0]
    assert (-250.0, 750.0, 0.0) == (plan.steps[1].battery_w, plan.steps[1].grid_w, plan.steps[1].energy_wh)
    assert (2.0 + 6.75, 0.0, 2000.0, 0.0, ()) == (
        plan.cost_eur,
        plan.left_eur,
        plan.peak_w,
        plan.gap_eur,
        tuple(plan.given_up),
    )


def test_sun_that_nothing_can_take_is_curtailed_to_the_export_cap() -> None:
    battery = replace(PLAIN, worth_eur_per_wh=1e-5)
    plan = plan_battery(battery, outlook([1.0], load_w=[0.0], pv_w=[3000.0], export_max_w=[500.0]))

    assert (1000.0, -500.0, 1500.0) == (
        plan.steps[0].battery_w,
        plan.steps[0].grid_w,
        plan.steps[0].curtailed_w,
    )


def test_what_is_left_at_the_end_is_told_with_its_worth() -> None:
    plan = plan_battery(replace(PLAIN, energy_wh=1000.0, worth_eur_per_wh=2e-3), outlook([1.0]))

    assert 4.0 == pytest.approx(plan.left_eur)
    assert 2.0 == pytest.approx(plan.cost_eur)


def test_the_target_is_given_up_before_the_cap_and_the_cap_before_the_reserve() -> None:
    battery = replace(PLAIN, reserve_wh=500.0, energy_wh=500.0, target_wh=1500.0, charge_efficiency=0.5)
    plan = plan_battery(battery, outlook([1.0, 1.0], import_max_w=[1200.0, 700.0]))

    # 200 W in the first hour are 100 Wh for the cap of the second, which needs 300; the reserve stays.
    assert [500.0 + 100.0, 500.0] == [step.energy_wh for step in plan.steps]
    assert [("target", 1000.0, (1,)), ("caps", pytest.approx(200.0), (1,))] == [
        (given.what, given.wh, given.steps) for given in plan.given_up
    ]


def test_a_battery_below_its_reserve_says_so_until_it_is_there() -> None:
    plan = plan_battery(replace(PLAIN, reserve_wh=1500.0, wear_eur_per_wh=1e-5), outlook([9.0, 1.0, 1.0]))

    assert [1000.0, 1500.0, 1500.0] == [step.energy_wh for step in plan.steps]
    assert [Shortfall("reserve", 500.0, (0,))] == plan.given_up


def test_a_target_above_the_capacity_is_missed_by_the_rest() -> None:
    plan = plan_battery(replace(PLAIN, energy_wh=4000.0, target_wh=4100.0), outlook([1.0]))

    assert [Shortfall("target", 100.0, (0,))] == plan.given_up


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(RefusedError, match="pv_w inf"):
        plan_battery(PLAIN, outlook([1.0], pv_w=[inf]))
