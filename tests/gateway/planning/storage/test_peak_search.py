"""The largest import over samples is priced to the optimum, judged by HiGHS."""

from dataclasses import dataclass, replace

import pytest
from tests.gateway.planning.sites import PLAIN, averaged, contract, graded, outlook, sampled_site, seeds, site

from quartier.planning.horizon import Contract, Scenario
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.peak_search import PeakLevelSearch, find_lowest
from quartier.planning.storage.scenario_columns import ScenarioColumns


def test_a_peak_of_a_sample_costs_by_its_weight() -> None:
    battery = replace(PLAIN, charge_max_w=0.0, discharge_max_w=0.0)
    samples = [[Scenario(1000.0, 0.0, 3.0), Scenario(3000.0, 0.0, 1.0)], [Scenario(1000.0, 0.0)]]
    plan = plan_battery(battery, outlook([0.0, 0.0], samples=samples), Contract(peak_eur_per_w=1e-3))

    # 1 kW for certain, and 2 kW more in one of four cases.
    assert (1.0 + 0.5, 3000.0) == (plan.cost_eur, plan.peak_w)
    assert (1000.0, 3000.0) == plan.steps[0].grid_range_w


def test_peaks_of_different_steps_count_as_never_at_once() -> None:
    battery = replace(PLAIN, charge_max_w=0.0, discharge_max_w=0.0)
    samples = [[Scenario(1000.0, 0.0, 3.0), Scenario(3000.0, 0.0, 1.0)]] * 3
    plan = plan_battery(battery, outlook([0.0] * 3, samples=samples), Contract(peak_eur_per_w=1e-3))

    # If the three peaks are of different days, three of four days have one.
    assert 1.0 + 3 * 0.25 * 2.0 == pytest.approx(plan.cost_eur)


def test_without_a_price_no_plan_is_tried() -> None:
    columns = ScenarioColumns(PLAIN, outlook([1.0, 3.0], samples=[[], []]), Contract())
    first = columns.solve()
    assert first

    for name in ("best", "find_near"):
        level = PeakLevelSearch(columns, 0.0, 0.0)
        assert first == getattr(level, name)(first)
        assert (0, first.bound, 0.0) == (level.rounds_count, level.bound, level.base_eur)


def test_what_the_bill_has_already_costs_nothing() -> None:
    there = outlook([1.0, 1.0, 3.0], samples=[[]] * 3)
    plan = plan_battery(PLAIN, there, Contract(peak_eur_per_w=1.0, peak_free_w=1300.0))

    assert 1300.0 == pytest.approx(plan.peak_w)
    assert 1.3 + 1.3 + 3 * 0.4 == pytest.approx(plan.cost_eur)
    # A Wh more would be stored at 1 EUR/kWh for an hour of 3.
    assert 0.002 == pytest.approx(plan.steps[0].cap_eur_per_wh)


def test_with_one_net_load_a_step_it_is_the_peak_itself() -> None:
    for seed in range(200):
        (battery, there), terms = site(seed), contract(seed)
        one = plan_battery(battery, there, terms)
        same = plan_battery(battery, replace(there, samples=[[]] * there.count), terms)
        rounding = 1e-9 * ScenarioColumns(battery, there, terms).scale

        if not one.gap_eur:
            assert one.cost_eur - one.left_eur == pytest.approx(
                same.cost_eur - same.left_eur, abs=rounding
            ), seed
            assert [step.grid_w for step in same.steps] == pytest.approx(
                [step.grid_range_w[1] for step in same.steps if step.grid_range_w]
            )


def test_with_a_peak_and_surcharges_the_plan_costs_what_highs_finds() -> None:
    for seed in seeds(range(100), range(100, 300)):
        battery, there = sampled_site(seed)
        terms = graded(seed, there.count)
        plan, best = plan_battery(battery, there, terms), averaged(battery, there, terms)
        rounding = 1e-9 * ScenarioColumns(battery, there, terms).scale

        assert 0.0 == plan.gap_eur, seed
        assert best.objective == pytest.approx(plan.cost_eur - plan.left_eur, abs=rounding), seed


def test_where_costs_are_not_convex_the_optimum_is_within_the_gap_that_is_told() -> None:
    for seed in seeds(range(16), range(16, 40)):
        battery, there = sampled_site(seed, signs=True)
        terms = graded(seed, there.count)
        plan, best = plan_battery(battery, there, terms), averaged(battery, there, terms, whole=True)
        rounding = 1e-9 * ScenarioColumns(battery, there, terms).scale
        cost_eur = plan.cost_eur - plan.left_eur

        assert best.objective - rounding <= cost_eur <= best.objective + plan.gap_eur + rounding, seed


@dataclass(frozen=True, slots=True)
class At:
    """A level of a cost that is the highest of some straight lines."""

    level_wh: float
    cost: float
    slope: float

    @property
    def bound(self) -> float:
        return self.cost


class Cost:
    """The highest of lines (height at 0, slope); counts how often it is asked."""

    def __init__(self, *lines: tuple[float, float]) -> None:
        self.lines = lines
        self.asked = 0

    def __call__(self, level_wh: float) -> At:
        self.asked += 1
        return At(level_wh, *max((height + slope * level_wh, slope) for height, slope in self.lines))


def test_the_least_is_a_corner_of_the_cost_itself() -> None:
    cost = Cost((10.0, -4.0), (6.0, -1.0), (0.0, 1.0), (-10.0, 3.0))

    best, bound = find_lowest(cost, cost(0.0), cost(10.0), 1e-12, 20)

    assert (3.0, 3.0, 3.0) == (best.level_wh, best.cost, bound)
    assert cost.asked <= 6


def test_what_rises_or_falls_all_along_is_least_at_its_end() -> None:
    rises, falls = Cost((1.0, 2.0)), Cost((1.0, -2.0))

    assert 0.0 == find_lowest(rises, rises(0.0), rises(5.0), 0.0, 20)[0].level_wh
    assert (5.0, -9.0) == (find_lowest(falls, falls(0.0), falls(5.0), 0.0, 20)[0].level_wh, -9.0)
    assert (1, 1) == (rises.asked - 1, falls.asked - 1)


def test_of_levels_that_cost_the_same_the_lower_one_is_taken() -> None:
    flat = Cost((5.0, 0.0))

    assert 1.0 == find_lowest(flat, flat(1.0), flat(2.0), 0.0, 20)[0].level_wh


@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
def test_where_it_must_end_early_no_level_costs_less_than_the_bound(rounds: int) -> None:
    cost = Cost(
        *((-0.5 * slope**2, float(slope)) for slope in range(-20, 21))
    )  # a parabola of straight pieces

    best, bound = find_lowest(cost, cost(-19.3), cost(13.1), 0.0, rounds)
    least = min(cost(level / 10.0).cost for level in range(-193, 132))

    assert bound <= least <= best.cost
    assert bound < best.cost
