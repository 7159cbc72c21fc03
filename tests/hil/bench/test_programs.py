"""HiGHS judges the planner: the same optimum, by a program that shares no code with it."""

import pytest
from hypothesis import settings

from quartier_hil.bench.horizons import Horizon, drawn
from quartier_hil.bench.programs import Program, Solver, Unsolved
from quartier_native.storages import Planned, plan_storage

FULL = settings.get_current_profile_name() == "ci"
CONVEX_COUNT, TURNED_COUNT, BATCHES = (1500, 200, 10) if FULL else (200, 30, 10)
RELATIVE = 1e-9


def planned(horizon: Horizon) -> tuple[Planned, float]:
    """What the planner tells, and its cost less the worth of what is left."""
    steps, store, plan = horizon.arrays()
    found = plan_storage(steps, store, plan)
    return found, found.cost - horizon.store["worth_price"] * plan[2 * horizon.count - 1]


def test_a_program_costs_what_a_hand_reckons() -> None:
    steps = {name: values[:1] for name, values in drawn(0).steps.items()}
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
    store = drawn(0).store | {"worth_price": 0.0, "target_wh": 0.0}

    assert 0.26 == pytest.approx(Solver(Program(steps, store)).run())
    assert 0.26 + 0.7 == pytest.approx(Solver(Program(steps, store, 1e-3, 300.0)).run())


def test_what_cannot_be_kept_is_told_by_its_least() -> None:
    horizon = drawn(0)
    steps = {name: values[:1] for name, values in horizon.steps.items()}
    steps |= {
        "net_wh": [1000.0],
        "import_max_wh": [700.0],
        "low_wh": [0.0],
        "high_wh": [0.0],
        "curtailable_wh": [0.0],
    }
    solver = Solver(Program(steps, horizon.store))

    with pytest.raises(Unsolved, match="Infeasible"):
        solver.run()
    assert 300.0 == pytest.approx(solver.best().excess_wh)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_where_costs_are_convex_the_plan_costs_what_highs_finds(batch: int) -> None:
    for seed in range(batch, CONVEX_COUNT, BATCHES):
        horizon = drawn(seed)
        found, objective = planned(horizon)
        best = Solver(Program(horizon.steps, horizon.store), presolve="off", solver="simplex").best()

        assert found.gap == 0
        assert best.excess_wh == pytest.approx(found.excess_wh, abs=1e-5), seed
        assert best.short_wh == pytest.approx(found.short_wh, abs=1e-5), seed
        assert best.objective == pytest.approx(objective, abs=RELATIVE * horizon.scale), seed


@pytest.mark.parametrize("batch", range(BATCHES))
def test_elsewhere_the_best_plan_that_does_not_burn_is_within_the_gap_that_is_told(batch: int) -> None:
    for seed in range(batch, TURNED_COUNT, BATCHES):
        horizon = drawn(seed, signs=True)
        found, objective = planned(horizon)
        best = Solver(Program(horizon.steps, horizon.store, whole=True)).best()
        rounding = RELATIVE * horizon.scale

        assert best.objective - rounding <= objective <= best.objective + found.gap + rounding, seed
