"""The figures of many sites are of the same optima as HiGHS's, and stop where they are not."""

import pytest

from quartier_hil.bench import portfolios
from quartier_hil.bench.horizons import Horizon, house
from quartier_hil.bench.programs import Program, Solver


def solver(one: Horizon) -> Solver:
    return Solver(Program(one.steps, one.store), presolve="off", solver="simplex")


def test_all_are_planned_and_the_sample_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolios, "SIZES", {12: 2.0, 24: 1.0})
    asked: list[Horizon] = []

    def counted(one: Horizon) -> Solver:
        asked.append(one)
        return solver(one)

    found = portfolios.figures(counted, 1, sites=50)

    assert [("planning.many_12", 1 / 100), ("planning.many_24", 1 / 100)] == [
        (one.name, one.floor) for one in found
    ]
    assert 2 * 25 == len(asked)
    assert "25 of them" in found[0].peer_name
    assert all(one.ratio for one in found)


def test_a_site_costs_what_highs_says() -> None:
    sites = portfolios.Sites([house(24, 1.0, 1), house(12, 1.0, 2), house(24, 1.0, 3)])

    assert 3 == sites.plan()
    for number, one in enumerate(sites.horizons):
        assert sites.objective(number) == pytest.approx(solver(one).run(), abs=1e-9)


def test_another_optimum_stops_the_bench() -> None:
    portfolios.agree(1.0, 1.0 + 1e-10, 1.0)
    with pytest.raises(ValueError, match=r"ours costs 1.0, the peer's 1.1"):
        portfolios.agree(1.0, 1.1, 1.0)


def test_a_site_without_a_plan_stops_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolios.Sites, "plan", lambda _: 3)
    with pytest.raises(ValueError, match="3 of 4 sites have a plan"):
        portfolios.figures(solver, 1, sites=4)
