import random

import pytest

from quartier_district.optimiser.plan_records import DistrictPlan, PlanFailure, SoftLimit
from quartier_district.optimiser.solver import find_plan

KILO_STEPS = (-1_000.0, 0.0, 1_000.0, 2_000.0)
PRICES = (0.1e-3, 0.2e-3, 0.3e-3, 0.4e-3)


def _drawn(judge, rng, make):
    """A small street whose best plan lies on the grid of whole kW: whole numbers, no losses."""
    count = 3
    houses = []
    for name in ("a", "b"):
        parts = {}
        if rng.random() < 0.5 and name == "a":
            parts["battery"] = make["battery"](stored_wh=rng.choice((0.0, 1_000.0, 2_000.0)))
        if rng.random() < 0.8:
            parts["cars"] = (make["car"](rng.choice((1_000.0, 3_000.0, 5_000.0)), rng.choice((1, 2, 3))),)
        if rng.random() < 0.4 and name == "b":
            parts["heat"] = make["heat"]([rng.choice((0.0, 1_000.0)) for _ in range(count)])
        houses.append(
            judge.house(
                name,
                [rng.choice((0.0, 1_000.0, 2_000.0)) for _ in range(count)],
                pv=[rng.choice((0.0, 0.0, 1_000.0)) for _ in range(count)],
                most=rng.choice((1_000.0, 2_000.0, 9_000.0)),
                **parts,
            )
        )
    return judge.street(
        houses, [rng.choice(PRICES) for _ in range(count)], rng.choice((1_000.0, 3_000.0, 5_000.0))
    )


@pytest.mark.parametrize("seed", range(24))
def test_no_plan_of_whole_kilowatts_is_better_in_any_figure_that_counts_before(
    judge, battery, car, heat, seed
):
    asked = _drawn(judge, random.Random(seed), {"battery": battery, "car": car, "heat": heat})
    plan = find_plan(asked)

    assert isinstance(plan, DistrictPlan)
    best, found = judge.best(asked, KILO_STEPS), judge.score(asked, plan)
    for figure, level in enumerate(SoftLimit):
        assert found[figure] == pytest.approx(best[figure], abs=0.2), level
    assert found[4] == pytest.approx(best[4], abs=1e-4)


def test_what_gave_way_is_named_with_what_the_judge_finds_by_living_the_plan(judge, car):
    asked = judge.street(
        [judge.house("a", [1_000.0, 1_000.0], cars=(car(6_000.0, 2),))], [1e-4, 1e-4], 2_500.0
    )
    plan = find_plan(asked)

    assert (SoftLimit.CARS,) == plan.limit_violations
    assert 3_000.0 == pytest.approx(plan.relaxed_wh[SoftLimit.CARS], abs=1.0)
    assert 3_000.0 == pytest.approx(judge.score(asked, plan)[2], abs=1.0)


@pytest.mark.parametrize(
    ("most_w", "limit_w", "gave_way"),
    [
        (9_000.0, 9_000.0, ()),
        (9_000.0, 2_000.0, (SoftLimit.CARS, SoftLimit.COMFORT)),
        (1_500.0, 9_000.0, (SoftLimit.CONTRACT, SoftLimit.CARS, SoftLimit.COMFORT)),
        (9_000.0, 1_500.0, (SoftLimit.TRANSFORMER, SoftLimit.CARS, SoftLimit.COMFORT)),
    ],
)
def test_comfort_gives_way_before_cars_cars_before_the_contract_and_the_transformer_last(
    judge, car, heat, most_w, limit_w, gave_way
):
    house = judge.house("a", [2_000.0] * 2, most=most_w, cars=(car(2_000.0, 2),), heat=heat([1_000.0] * 2))

    assert gave_way == find_plan(judge.street([house], [1e-4] * 2, limit_w)).limit_violations


def test_a_car_is_served_before_the_tank_whatever_heat_would_be_worth(judge, car, heat):
    house = judge.house("a", [0.0] * 2, cars=(car(2_000.0, 2),), heat=heat([1_000.0] * 2, cop=5.0))
    plan = find_plan(judge.street([house], [1e-4] * 2, 1_000.0))

    assert (SoftLimit.COMFORT,) == plan.limit_violations
    assert 2_000.0 == pytest.approx(sum(plan.lots["a"].cars_w["ev1"]), abs=1.0)


def test_three_cars_at_one_transformer_are_charged_in_turn_and_none_too_late(judge, car):
    houses = [
        judge.house(name, [500.0] * 8, cars=(car(5_500.0, until, power_w=11_000.0),))
        for name, until in (("a", 2), ("b", 4), ("c", 8))
    ]
    asked = judge.street(houses, [2e-4] * 8, 12_500.0, step_s=900)
    plan = find_plan(asked)

    assert () == plan.limit_violations
    assert 33_000.0 + 3 * 500.0 > 12_500.0
    assert all(sum(lot.import_w[step] for lot in plan.lots.values()) <= 12_500.1 for step in range(8))
    assert [5_500.0] * 3 == pytest.approx([sum(plan.lots[name].cars_w["ev1"]) / 4 for name in "abc"], abs=1.0)


def test_a_battery_with_losses_buys_cheap_only_where_the_losses_are_paid_back(judge, battery):
    def traded(dear):
        house = judge.house("a", [1_000.0] * 2, battery=battery(stored_wh=0.0, pct=80.0))
        return find_plan(judge.street([house], [1e-4, dear], 9_000.0)).lots["a"].battery_w

    assert (0.0, 0.0) == pytest.approx(traded(1.2e-4), abs=0.1)
    bought, given = traded(4e-4)
    assert bought == pytest.approx(1_000.0, abs=0.1)
    assert given == pytest.approx(-640.0, abs=0.1)


def test_an_empty_battery_below_its_least_is_no_contradiction_and_a_dear_peak_is_made_flat(
    judge, battery, car
):
    low = battery(stored_wh=100.0)
    house = judge.house("a", [0.0] * 4, battery=type(low)(**{**_fields(low), "stored_min_wh": 500.0}))
    assert isinstance(find_plan(judge.street([house], [1e-4] * 4, 9_000.0)), DistrictPlan)

    flat = judge.street(
        [judge.house("b", [0.0] * 4, cars=(car(4_000.0, 4, power_w=4_000.0),))], [1e-4] * 4, 9_000.0
    )
    prices = type(flat.prices)(**{**_fields(flat.prices), "peak_eur_per_w": 1e-3})
    plan = find_plan(type(flat)(**{**_fields(flat), "prices": prices}))
    assert [1_000.0] * 4 == pytest.approx(list(plan.lots["b"].grid_w), abs=0.1)


def test_sun_that_nobody_may_take_is_curtailed_and_nobodys_sun_pays_for_anothers_import(judge):
    sunny = judge.house("a", [0.0], pv=[5_000.0], export_max_w=2_000.0)
    asked = judge.street([sunny, judge.house("b", [3_000.0])], [2e-4], 1_000.0)
    plan = find_plan(asked)

    assert 3_000.0 == pytest.approx(plan.lots["a"].curtailed_w[0], abs=0.1)
    assert (SoftLimit.TRANSFORMER,) == plan.limit_violations
    assert 2_000.0 == pytest.approx(plan.relaxed_wh[SoftLimit.TRANSFORMER], abs=0.1)


def test_who_has_no_time_left_gets_no_plan_and_the_word_for_it(judge, car):
    asked = judge.street([judge.house("a", [0.0], cars=(car(1_000.0, 1),))], [1e-4], 9_000.0)
    found = find_plan(asked, time_limit_s=0.0)

    assert isinstance(found, PlanFailure)
    assert "time" == found.why


def _fields(record):
    return {name: getattr(record, name) for name in type(record).__slots__}
