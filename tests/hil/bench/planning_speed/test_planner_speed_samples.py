"""The figures of a plan over samples are of the same optimum on both sides."""

import pytest

from quartier_bench.planning_speed import planner_speed
from quartier_bench.planning_speed.storage_horizons import SampledHorizon, make_sampled_house_horizon
from quartier_bench.planning_speed.storage_program import StorageProgram, StorageSolver


def solver(one: SampledHorizon) -> StorageSolver:
    return StorageSolver(StorageProgram(one.horizon.steps, one.horizon.store, samples=one.samples))


def test_the_first_step_is_measured_and_the_others_have_samples() -> None:
    there = make_sampled_house_horizon(96, 0.25, 7, 3)

    assert [1, *[7] * 95] == [len(step) for step in there.samples]


def test_both_sides_find_the_same_cost() -> None:
    there = make_sampled_house_horizon(24, 1.0, 5, 2)

    assert solver(there).run() == pytest.approx(planner_speed.make_sampled_call(there)(), abs=1e-9)


def test_a_figure_a_size_with_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner_speed, "SAMPLED_SIZES", {12: (2.0, 2), 24: (1.0, 1)})
    found = planner_speed.measure_sampled_plans(solver, 1)

    assert [("planning.samples_12", 1 / 100), ("planning.samples_24", 1 / 100)] == [
        (figure.name, figure.floor) for figure in found
    ]
    assert all(figure.ratio for figure in found)


def test_another_optimum_stops_the_bench() -> None:
    with pytest.raises(ValueError, match="the peer's"):
        planner_speed.measure_sampled_plans(
            lambda one: solver(make_sampled_house_horizon(one.horizon.count, 0.25, 2, 9)), 1
        )


def test_costs_agree_within_rounding_only() -> None:
    planner_speed.check_same_cost(1.0, 1.0 + 1e-10, 1.0)
    with pytest.raises(ValueError, match="the peer's"):
        planner_speed.check_same_cost(1.0, 1.1, 1.0)
