"""Of horizons that no house has, the plan costs what HiGHS finds, whatever they are scaled by."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import settings

from quartier_bench.planning_speed.extreme_horizons import (
    ExtremeHorizon,
    ExtremeSampledHorizon,
    compute_rounding_money,
    draw_extreme_horizon,
    draw_extreme_sampled_horizon,
)
from quartier_bench.planning_speed.storage_horizons import Horizon
from quartier_bench.planning_speed.storage_program import (
    NoOptimumError,
    Optimum,
    StorageProgram,
    StorageSolver,
)
from quartier_native.storages import MEAN_COLUMNS, PLAN_COLUMNS, Planned, plan_sampled, plan_storage

COUNT, SIGNED_COUNT, BATCHES = (
    (1500, 300, 10) if settings.get_current_profile_name() == "ci" else (150, 30, 5)
)
RELATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class Judged:
    """A plan in the units of the judge."""

    told: Planned
    objective: float
    excess_wh: float
    short_wh: float
    gap: float
    scale: float
    horizon: Horizon

    def differs(self, best: Optimum, loose_wh: float) -> str:
        """What the judge has otherwise; nothing where both have the same."""
        allowed = RELATIVE * (self.scale + abs(best.objective)) + compute_rounding_money(
            self.horizon, loose_wh
        )
        if abs(self.excess_wh - best.excess_wh) > 1e-5 + 1e-10 * best.excess_wh:
            return f"{self.excess_wh} Wh beyond the caps, expected {best.excess_wh}"
        if abs(self.short_wh - best.short_wh) > 1e-5 + 1e-10 * best.short_wh:
            return f"{self.short_wh} Wh short of the target, expected {best.short_wh}"
        if not -allowed <= self.objective - best.objective <= allowed + self.gap:
            return f"costs {self.objective}, expected {best.objective}"
        return ""


def _storage(one: ExtremeHorizon) -> Judged:
    there = one.planner_horizon
    steps, store, plan = there.arrays()
    told = plan_storage(steps, store, plan)
    left = there.store["worth_price"] * plan[(1 + PLAN_COLUMNS.index("energy_wh")) * there.count - 1]
    return _judged(told, told.cost - left, one, one.horizon, one.horizon.scale)


def _sampled(one: ExtremeSampledHorizon) -> Judged:
    there = one.planner_horizon
    steps, tiers, samples, store, plan = there.arrays()
    told = plan_sampled(steps, tiers, samples, store, plan)
    at = (1 + MEAN_COLUMNS.index("energy_wh")) * there.horizon.count - 1
    left = there.horizon.store["worth_price"] * plan[at]
    return _judged(told, told.cost - left, one, one.samples.horizon, one.samples.scale)


def _judged(
    told: Planned,
    objective: float,
    one: ExtremeHorizon | ExtremeSampledHorizon,
    horizon: Horizon,
    scale: float,
) -> Judged:
    money = one.energy * one.price
    return Judged(
        told,
        objective / money,
        told.excess_wh / one.energy,
        told.short_wh / one.energy,
        told.gap / money,
        scale,
        horizon,
    )


def _fault(made: Judged, program: StorageProgram) -> str:
    """What is wrong with a plan."""
    solver = StorageSolver(program, presolve="off", solver="simplex")
    try:
        best = solver.best()
    except NoOptimumError:
        return "a plan of what cannot be" if made.told.feasible else ""
    if not made.told.feasible:
        return "no plan of what can be"
    fault = made.differs(best, solver.loose_wh)
    if fault:
        whole = StorageSolver(replace(program, whole=True))
        fault = made.differs(whole.best(), max(solver.loose_wh, whole.loose_wh))
    return fault


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_plan_of_a_horizon_that_no_house_has_costs_what_highs_finds(batch: int) -> None:
    for seed in range(batch, COUNT, BATCHES):
        one = draw_extreme_horizon(seed)
        made = _storage(one)

        assert "" == _fault(made, StorageProgram(one.horizon.steps, one.horizon.store)), seed
        assert made.gap <= 1e-12 * made.scale + compute_rounding_money(one.horizon), seed


@pytest.mark.parametrize("batch", range(BATCHES))
def test_with_samples_it_costs_what_highs_finds_for_their_mean(batch: int) -> None:
    for seed in range(batch, COUNT // 2, BATCHES):
        one = draw_extreme_sampled_horizon(seed)
        horizon = one.samples.horizon
        program = StorageProgram(
            horizon.steps, horizon.store, samples=one.samples.samples, tiers=one.samples.tiers
        )

        assert "" == _fault(_sampled(one), program), seed


def test_the_same_seed_draws_the_same_and_all_that_is_promised_is_drawn() -> None:
    assert draw_extreme_horizon(7) == draw_extreme_horizon(7) != draw_extreme_horizon(8)
    drawn = [draw_extreme_horizon(seed).horizon for seed in range(400)]

    assert any(one.steps["ceiling_wh"] == [0.0] * one.count for one in drawn)
    assert any(one.steps["low_wh"] == one.steps["high_wh"] == [0.0] * one.count for one in drawn)
    assert any(len(set(one.steps["high_wh"])) > 2 for one in drawn)
    assert any(max(one.steps["low_wh"]) > 0.0 for one in drawn)
    assert any(max(one.steps["import_max_wh"]) == max(one.steps["export_max_wh"]) == 0.0 for one in drawn)
    assert any(
        max(prices) > 1e11 * min(prices) > 0.0 for prices in (one.steps["import_price"] for one in drawn)
    )
    assert any(one.store["charge_efficiency"] == 1e-3 for one in drawn)
    assert 1 == min(one.count for one in drawn)
