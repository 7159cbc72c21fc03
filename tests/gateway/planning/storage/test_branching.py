"""Where a step's cost is not convex the plan is proven all the same, or says by how much it may not be best."""

import pytest
from tests.gateway.planning.sites import PLAIN, judged, outlook, seeds, site

from quartier.planning.horizon import Contract
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.branching import prove_best_plan
from quartier.planning.storage.kernel_columns import KernelColumns


def test_the_plan_costs_what_highs_finds_with_whole_numbers() -> None:
    for seed in seeds(range(50), range(50, 160)):
        battery, there = site(seed, signs=True)
        plan, best = plan_battery(battery, there), judged(battery, there, Contract(), whole=True)
        rounding = 1e-9 * KernelColumns(battery, there, Contract()).scale

        assert 0.0 == plan.gap_eur, seed
        assert best.objective == pytest.approx(plan.cost_eur - plan.left_eur, abs=rounding), seed


def test_a_battery_is_not_emptied_into_a_step_that_pays_for_imports_alone() -> None:
    there = outlook([-1.0, 1.0], export_eur_per_wh=[-2e-3, 0.0])
    plan = plan_battery(PLAIN, there)

    assert [1000.0, -1000.0] == [step.battery_w for step in plan.steps]


def test_with_few_plans_the_bound_stays_below_the_best() -> None:
    open_count = 0
    for seed in range(160):
        battery, there = site(seed, signs=True)
        columns = KernelColumns(battery, there, Contract())
        first = columns.solve()
        assert first
        low_wh, high_wh = columns.column("low_wh"), columns.column("high_wh")
        some, some_bound = prove_best_plan(columns, first, 4)
        columns.put("low_wh", low_wh)
        columns.put("high_wh", high_wh)
        best, bound = prove_best_plan(columns, first)

        assert some_bound <= bound + 1e-12 * columns.scale
        assert best.objective <= some.objective + 1e-12 * columns.scale
        open_count += some.objective - some_bound > 1e-9 * columns.scale
    assert open_count > 0


def test_the_columns_are_left_with_the_bounds_of_the_best_plan() -> None:
    for seed in range(60):
        battery, there = site(seed, signs=True)
        columns = KernelColumns(battery, there, Contract())
        first = columns.solve()
        assert first
        best, _ = prove_best_plan(columns, first)
        again = columns.solve()

        assert again
        assert again.plan == best.plan
