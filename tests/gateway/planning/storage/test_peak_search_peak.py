"""The largest import of the horizon is priced to the optimum, judged by HiGHS."""

import pytest
from tests.gateway.planning.sites import PLAIN, contract, judged, outlook, seeds, site

from quartier.planning.horizon import Contract
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.kernel_columns import KernelColumns
from quartier.planning.storage.peak_search import PeakCapSearch


def test_a_peak_that_costs_more_than_the_night_spares_is_cut() -> None:
    there = outlook([1.0, 1.0, 3.0])

    # A W less of the largest import is 2 Wh less for the hour that costs 2 EUR/kWh more.
    assert 1500.0 == pytest.approx(plan_battery(PLAIN, there, Contract(peak_eur_per_w=3.9e-3)).peak_w)
    assert 1000.0 == pytest.approx(plan_battery(PLAIN, there, Contract(peak_eur_per_w=4.1e-3)).peak_w)


def test_what_the_bill_has_already_costs_nothing() -> None:
    plan = plan_battery(PLAIN, outlook([1.0, 1.0, 3.0]), Contract(peak_eur_per_w=1.0, peak_free_w=1800.0))

    assert 1800.0 == pytest.approx(plan.peak_w)
    assert plan.cost_eur == pytest.approx(1.8 + 1.2)


def test_without_a_price_no_plan_is_tried() -> None:
    columns = KernelColumns(PLAIN, outlook([1.0, 3.0]), Contract())
    first = columns.solve()
    assert first
    peak = PeakCapSearch(columns, 0.0, 0.0)

    assert (first, 0) == (peak.best(first), peak.rounds_count)
    assert first.bound == peak.bound


def test_with_a_peak_the_plan_costs_what_highs_finds() -> None:
    for seed in seeds(range(100), range(100, 300)):
        (battery, there), terms = site(seed), contract(seed)
        plan, best = plan_battery(battery, there, terms), judged(battery, there, terms)
        rounding = 1e-9 * KernelColumns(battery, there, terms).scale
        cost_eur = plan.cost_eur - plan.left_eur

        if not plan.gap_eur:
            assert best.objective == pytest.approx(cost_eur, abs=rounding), seed
        else:  # only where caps cannot be kept: what is beyond them stands at the meter too
            assert "caps" in {given.what for given in plan.given_up}, seed
            assert best.objective - rounding <= cost_eur <= best.objective + plan.gap_eur + rounding, seed


def test_where_costs_are_not_convex_the_optimum_is_within_the_gap_that_is_told() -> None:
    for seed in seeds(range(24), range(24, 60)):
        (battery, there), terms = site(seed, signs=True), contract(seed)
        plan, best = plan_battery(battery, there, terms), judged(battery, there, terms, whole=True)
        rounding = 1e-9 * KernelColumns(battery, there, terms).scale

        assert best.objective - rounding <= plan.cost_eur - plan.left_eur, seed
        assert plan.cost_eur - plan.left_eur <= best.objective + plan.gap_eur + rounding, seed
