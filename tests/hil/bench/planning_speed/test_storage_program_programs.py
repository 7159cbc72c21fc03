"""HiGHS judges the planner: the same optimum, by a program that shares no code with it."""

import pytest
from hypothesis import settings

from quartier_bench.planning_speed.storage_horizons import (
    Horizon,
    SampledHorizon,
    draw_horizon,
    draw_sampled_horizon,
)
from quartier_bench.planning_speed.storage_program import NoOptimumError, StorageProgram, StorageSolver
from quartier_native.storages import Planned, plan_sampled, plan_storage

IS_DEEP = settings.get_current_profile_name() == "deep"
CONVEX_COUNT, TURNED_COUNT, BATCHES = (1500, 200, 10) if IS_DEEP else (200, 30, 10)
RELATIVE = 1e-9


def planned(horizon: Horizon) -> tuple[Planned, float]:
    """What the planner tells, and its cost less the worth of what is left."""
    steps, store, plan = horizon.arrays()
    found = plan_storage(steps, store, plan)
    return found, found.cost - horizon.store["worth_price"] * plan[2 * horizon.count - 1]


def averaged(samples: SampledHorizon) -> tuple[Planned, float]:
    """The same of the plan for the mean over samples."""
    arrays, horizon = samples.arrays(), samples.horizon
    found = plan_sampled(*arrays)
    return found, found.cost - horizon.store["worth_price"] * arrays[4][2 * horizon.count - 1]


def test_a_program_costs_what_a_hand_reckons() -> None:
    steps = {name: values[:1] for name, values in draw_horizon(0).steps.items()}
    steps |= {
        "net_wh": [1000.0],
        "import_price": [2e-4],
        "low_wh": [0.0],
        "high_wh": [0.0],
        "floor_wh": [0.0],
    }
    steps |= {
        "contract_wh": [400.0],
        "over_price": [1e-4],
        "import_max_wh": [float("inf")],
        "curtailable_wh": [0.0],
    }
    steps |= {"ceiling_wh": [20_000.0]}
    store = draw_horizon(0).store | {"worth_price": 0.0, "target_wh": 0.0}

    assert 0.26 == pytest.approx(StorageSolver(StorageProgram(steps, store)).run())
    assert 0.26 + 0.7 == pytest.approx(StorageSolver(StorageProgram(steps, store, 1e-3, 300.0)).run())


def test_what_cannot_be_kept_is_told_by_its_least() -> None:
    horizon = draw_horizon(0)
    steps = {name: values[:1] for name, values in horizon.steps.items()}
    steps |= {
        "net_wh": [1000.0],
        "import_max_wh": [700.0],
        "low_wh": [0.0],
        "high_wh": [0.0],
        "curtailable_wh": [0.0],
    }
    solver = StorageSolver(StorageProgram(steps, horizon.store))

    with pytest.raises(NoOptimumError, match="Infeasible"):
        solver.run()
    assert 300.0 == pytest.approx(solver.best().excess_wh)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_where_costs_are_convex_the_plan_costs_what_highs_finds(batch: int) -> None:
    for seed in range(batch, CONVEX_COUNT, BATCHES):
        horizon = draw_horizon(seed)
        found, objective = planned(horizon)
        best = StorageSolver(
            StorageProgram(horizon.steps, horizon.store), presolve="off", solver="simplex"
        ).best()

        assert found.gap == 0
        assert best.excess_wh == pytest.approx(found.excess_wh, abs=1e-5), seed
        assert best.short_wh == pytest.approx(found.short_wh, abs=1e-5), seed
        assert best.objective == pytest.approx(objective, abs=RELATIVE * horizon.scale), seed


@pytest.mark.parametrize("batch", range(BATCHES))
def test_elsewhere_the_best_plan_that_does_not_burn_is_within_the_gap_that_is_told(batch: int) -> None:
    for seed in range(batch, TURNED_COUNT, BATCHES):
        horizon = draw_horizon(seed, signs=True)
        found, objective = planned(horizon)
        best = StorageSolver(StorageProgram(horizon.steps, horizon.store, whole=True)).best()
        rounding = RELATIVE * horizon.scale

        assert best.objective - rounding <= objective <= best.objective + found.gap + rounding, seed


def test_a_program_with_samples_costs_their_mean() -> None:
    horizon = draw_horizon(0)
    steps = {name: values[:1] for name, values in horizon.steps.items()}
    steps |= {name: [0.0] for name in ("low_wh", "high_wh", "floor_wh", "over_price")}
    steps |= {"import_price": [2e-4], "import_max_wh": [900.0], "export_price": [1e-4]}
    store = horizon.store | {"worth_price": 0.0, "target_wh": 0.0}
    samples = [[(1000.0, 0.0, 1.0), (500.0, 0.0, 2.0), (-300.0, 0.0, 1.0)]]
    found = StorageSolver(StorageProgram(steps, store, samples=samples, tiers=[([600.0], [1e-4])])).best()

    assert 25.0 == pytest.approx(found.excess_wh)
    assert 0.25 * (0.2 + 0.04) + 0.5 * 0.1 - 0.25 * 0.03 == pytest.approx(found.objective)
    # Of the peak's mean: 300 Wh for certain is free, 200 more in three of four, 500 more in one.
    peaked = StorageSolver(StorageProgram(steps, store, 1e-3, 300.0, samples=samples)).best()
    assert peaked.objective - found.objective == pytest.approx(0.75 * 0.2 + 0.25 * 0.5 - 0.25 * 0.04)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_with_samples_the_plan_costs_what_highs_finds_for_their_mean(batch: int) -> None:
    for seed in range(batch, CONVEX_COUNT, BATCHES):
        there = draw_sampled_horizon(seed)
        found, objective = averaged(there)
        steps, store = there.horizon.steps, there.horizon.store
        program = StorageProgram(steps, store, samples=there.samples, tiers=there.tiers)
        best = StorageSolver(program, presolve="off", solver="simplex").best()

        assert found.gap == pytest.approx(0, abs=1e-12 * there.scale)  # means are rounded
        assert best.excess_wh == pytest.approx(found.excess_wh, abs=1e-5), seed
        assert best.short_wh == pytest.approx(found.short_wh, abs=1e-5), seed
        assert best.objective == pytest.approx(objective, abs=RELATIVE * there.scale), seed


@pytest.mark.parametrize("batch", range(BATCHES))
def test_elsewhere_with_samples_the_best_plan_is_within_the_gap_that_is_told(batch: int) -> None:
    for seed in range(batch, TURNED_COUNT, BATCHES):
        there = draw_sampled_horizon(seed, signs=True)
        found, objective = averaged(there)
        steps, store = there.horizon.steps, there.horizon.store
        best = StorageSolver(
            StorageProgram(steps, store, whole=True, samples=there.samples, tiers=there.tiers)
        ).best()
        rounding = RELATIVE * there.scale

        assert best.objective - rounding <= objective <= best.objective + found.gap + rounding, seed
