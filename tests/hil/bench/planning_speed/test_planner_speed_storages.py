"""The figures of a plan are of the same optimum on all sides."""

import pytest

from quartier.planning.storage.battery_plan import plan_battery
from quartier_bench.planning_speed import planner_speed
from quartier_bench.planning_speed.storage_horizons import make_house_horizon
from quartier_bench.planning_speed.storage_program import StorageProgram, StorageSolver
from quartier_bench.speed.measurement import make_skipped_figure


def solver(seed: int) -> StorageSolver:
    horizon = make_house_horizon(96, 0.25, seed)
    return StorageSolver(StorageProgram(horizon.steps, horizon.store), presolve="off", solver="simplex")


def test_kernel_highs_linprog_and_entry_point_find_the_same_cost() -> None:
    horizon = make_house_horizon(96, 0.25, 3)
    ours = planner_speed.make_kernel_call(horizon)()
    plan = plan_battery(*planner_speed.make_battery_site(horizon))

    assert ours == pytest.approx(solver(3).run(), abs=1e-9)
    assert ours == pytest.approx(planner_speed.make_linprog_call(solver(3))(), abs=1e-9)
    assert ours == pytest.approx(plan.cost_eur - plan.left_eur, abs=1e-9)


def test_a_warm_run_finds_what_a_cold_one_with_its_prices_finds() -> None:
    solvers = [solver(1), solver(2)]
    call = planner_speed.make_warm_call(solvers)
    call()
    first = solvers[0].run()
    call()
    horizon = make_house_horizon(96, 0.25, 1)
    prices = {name: make_house_horizon(96, 0.25, 2).steps[name] for name in ("import_price", "export_price")}

    assert first == pytest.approx(solver(1).run())
    assert solvers[0].run() == pytest.approx(
        StorageSolver(StorageProgram({**horizon.steps, **prices}, horizon.store)).run(), abs=1e-9
    )


def test_the_figures_are_sizes_a_warm_start_linprog_and_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner_speed, "HORIZON_SIZES", {12: 2.0, 24: 1.0})
    monkeypatch.setattr(planner_speed, "UNBOUNDED_STEPS", 36)
    monkeypatch.setattr(
        planner_speed,
        "_measure_peak_price",
        lambda what, *_: make_skipped_figure("planning.peak", what, "", None),
    )
    monkeypatch.setattr(planner_speed, "measure_sampled_plans", lambda *_: [])
    monkeypatch.setattr(planner_speed, "measure_car_park", lambda *_: [])
    found = planner_speed.measure_planner(1)

    assert [
        ("planning.12", 1 / 100),
        ("planning.warm", 1 / 60),
        ("planning.linprog", 1 / 100),
        ("planning.peak", None),
        ("planning.24", 1 / 100),
        ("planning.unbounded_36", 1 / 100),
    ] == [(figure.name, figure.floor) for figure in found]
    assert all(figure.ratio for figure in found if figure.name != "planning.peak")
