"""The arrays of the kernel for samples say what the horizon says, and the plan is what HiGHS finds."""

from dataclasses import replace
from math import inf

import pytest
from tests.gateway.planning.sites import PLAIN, averaged, outlook, sampled_site, seeds

from quartier.planning.horizon import Contract, Scenario, Surcharge
from quartier.planning.storage.battery_plan import Shortfall, plan_battery
from quartier.planning.storage.scenario_columns import ScenarioColumns, needs_scenario_kernel


def test_a_step_without_samples_counts_as_it_is() -> None:
    there = outlook(
        [1.0, 1.0], pv_w=[600.0, 0.0], samples=[[], [Scenario(500.0, 100.0), Scenario(700.0, 0.0)]]
    )
    columns = ScenarioColumns(PLAIN, replace(there, step_s=900), Contract())

    assert [[(100.0, 150.0, 1.0)], [(100.0, 25.0, 1.0), (175.0, 0.0, 1.0)]] == columns.samples


def test_weights_become_whole_numbers_that_are_to_each_other_as_they_were() -> None:
    def weights(*given: float) -> list[float]:
        there = outlook([1.0], samples=[[Scenario(100.0 * at, 0.0, one) for at, one in enumerate(given)]])
        return [weight for _, _, weight in ScenarioColumns(PLAIN, there, Contract()).samples[0]]

    assert [1.0, 1.0] == weights(0.3, 0.3)
    assert [1.0, 2.0, 4.0] == weights(1.0, 2.0, 4.0)
    assert [2.0**17, 2.0**18, 2.0**17] == weights(0.25, 0.5, 0.25)
    assert [1.0, 2.0**19] == weights(1e-9, 1.0)
    assert [174763.0, 349525.0] == weights(5e-324, 1e-323)


def test_the_peak_is_the_first_tier_then_come_the_contract_and_the_surcharges() -> None:
    terms = Contract(
        contract_w=3000.0,
        over_eur_per_wh=1e-4,
        peak_eur_per_w=1e-3,
        surcharges=[Surcharge([1000.0, 2000.0], 2e-5)],
    )
    columns = ScenarioColumns(PLAIN, replace(outlook([1.0, 1.0]), step_s=900), terms)
    columns.level(40.0)

    assert [
        ([40.0, 40.0], [4e-3, 4e-3]),
        ([750.0, 750.0], [1e-4, 1e-4]),
        ([250.0, 500.0], [2e-5, 2e-5]),
    ] == columns.tiers


def test_a_battery_below_its_reserve_is_charged_as_fast_as_the_import_cap_allows_in_every_sample() -> None:
    battery = replace(PLAIN, reserve_wh=1500.0, energy_wh=200.0)
    there = outlook(
        [1.0] * 3, import_max_w=[1300.0] * 3, samples=[[Scenario(300.0, 0.0), Scenario(900.0, 0.0)], [], []]
    )

    assert [600.0, 900.0, 1200.0] == list(ScenarioColumns(battery, there, Contract()).column("floor_wh"))


def test_costs_are_convex_where_they_are_for_every_sample() -> None:
    calm = outlook([1.0], samples=[[Scenario(500.0, 0.0), Scenario(100.0, 900.0)]])

    assert ScenarioColumns(PLAIN, calm, Contract()).is_convex
    assert not ScenarioColumns(
        PLAIN, replace(calm, samples=[[Scenario(500.0, 0.0), Scenario(-1.0, 0.0)]]), Contract()
    ).is_convex
    assert not ScenarioColumns(PLAIN, replace(calm, export_eur_per_wh=[2e-3]), Contract()).is_convex


def test_an_import_that_pays_counts_as_free_while_exports_pay_too_and_what_that_may_cost_is_a_mean() -> None:
    there = outlook(
        [-1.0],
        export_eur_per_wh=[1e-3],
        import_max_w=[1200.0],
        samples=[[Scenario(100.0, 0.0), Scenario(900.0, 500.0)]],
    )
    columns = ScenarioColumns(PLAIN, there, Contract())

    assert (0.0, pytest.approx(1.15)) == (columns.column("import_price")[0], columns.bonus)


def test_co2_enters_the_import_price() -> None:
    there = outlook([200.0], import_g_per_wh=[0.5], samples=[[]])

    assert 0.2 + 0.05 == ScenarioColumns(PLAIN, there, Contract(co2_eur_per_g=0.1)).column("import_price")[0]


def test_samples_or_surcharges_ask_for_the_kernel_of_samples() -> None:
    there = outlook([1.0])

    assert not needs_scenario_kernel(there, Contract(peak_eur_per_w=1.0))
    assert needs_scenario_kernel(there, Contract(surcharges=[Surcharge([inf], 0.0)]))
    assert needs_scenario_kernel(replace(there, samples=[[]]), Contract())


def test_what_is_beyond_a_cap_is_told_as_its_mean_and_a_sample_more_never_widens_one() -> None:
    battery = replace(PLAIN, energy_wh=300.0)
    rare = [Scenario(900.0, 0.0, 9.0), Scenario(1400.0, 0.0, 1.0)]
    plan = plan_battery(battery, outlook([1.0, 9.0], import_max_w=[1000.0] * 2, samples=[rare, []]))

    # The dear hour waits: 300 Wh go to the cap of one case in ten, which exceeds it by 100 all the same.
    assert [-300.0, 0.0] == [step.battery_w for step in plan.steps]
    assert [Shortfall("caps", 10.0, (0,))] == [replace(one, wh=round(one.wh, 9)) for one in plan.given_up]
    assert (600.0, 1100.0) == plan.steps[0].grid_range_w


def test_the_plan_costs_what_highs_finds() -> None:
    for seed in seeds(range(60), range(60, 160)):
        battery, there = sampled_site(seed)
        plan, best = plan_battery(battery, there), averaged(battery, there, Contract())
        rounding = 1e-9 * ScenarioColumns(battery, there, Contract()).scale

        assert 0.0 == plan.gap_eur, seed
        assert best.objective == pytest.approx(plan.cost_eur - plan.left_eur, abs=rounding), seed


def test_where_costs_are_not_convex_the_plan_is_proven_by_division() -> None:
    for seed in seeds(range(20), range(20, 60)):
        battery, there = sampled_site(seed, signs=True)
        plan, best = plan_battery(battery, there), averaged(battery, there, Contract(), whole=True)
        rounding = 1e-9 * ScenarioColumns(battery, there, Contract()).scale
        cost_eur = plan.cost_eur - plan.left_eur

        assert best.objective - rounding <= cost_eur <= best.objective + plan.gap_eur + rounding, seed
