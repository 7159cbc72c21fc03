"""The figures of a plan are of the same optimum on all sides."""

import pytest

from quartier.planning.storage.battery_plan import plan_battery
from quartier_hil.bench import parks, samples, storages
from quartier_hil.bench.horizons import house
from quartier_hil.bench.programs import Program, Solver


def solver(seed: int) -> Solver:
    horizon = house(96, 0.25, seed)
    return Solver(Program(horizon.steps, horizon.store), presolve="off", solver="simplex")


def test_kernel_highs_linprog_and_door_find_the_same_cost() -> None:
    horizon = house(96, 0.25, 3)
    ours = storages.kernel_call(horizon)()
    plan = plan_battery(*storages.site(horizon))

    assert ours == pytest.approx(solver(3).run(), abs=1e-9)
    assert ours == pytest.approx(storages.linprog_call(solver(3))(), abs=1e-9)
    assert ours == pytest.approx(plan.cost_eur - plan.left_eur, abs=1e-9)


def test_a_warm_run_finds_what_a_cold_one_with_its_prices_finds() -> None:
    solvers = [solver(1), solver(2)]
    call = storages.warm_call(solvers)
    call()
    first = solvers[0].run()
    call()
    horizon = house(96, 0.25, 1)
    prices = {name: house(96, 0.25, 2).steps[name] for name in ("import_price", "export_price")}

    assert first == pytest.approx(solver(1).run())
    assert solvers[0].run() == pytest.approx(
        Solver(Program({**horizon.steps, **prices}, horizon.store)).run(), abs=1e-9
    )


def test_the_figures_are_sizes_a_warm_start_linprog_and_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storages, "SIZES", {12: 2.0, 24: 1.0})
    monkeypatch.setattr(storages, "UNBOUNDED", 36)
    monkeypatch.setattr(storages, "_peak", lambda what, *_: storages.skipped("planning.peak", what, "", None))
    monkeypatch.setattr(samples, "figures", lambda *_: [])
    monkeypatch.setattr(parks, "figures", lambda *_: [])
    found = storages.figures(1)

    assert [
        ("planning.12", 1 / 100),
        ("planning.warm", 1 / 60),
        ("planning.linprog", 1 / 100),
        ("planning.peak", None),
        ("planning.24", 1 / 100),
        ("planning.unbounded_36", 1 / 100),
    ] == [(figure.name, figure.floor) for figure in found]
    assert all(figure.ratio for figure in found if figure.name != "planning.peak")
