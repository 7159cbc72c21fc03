"""What a plan for the mean over samples promises, on the specification and on the engine in use alike; optimality:
tests/hil/bench/planning_speed/test_storage_program_programs.py.
"""

from array import array
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from quartier_bench.planning_speed.storage_horizons import (
    Horizon,
    SampledHorizon,
    draw_horizon,
    draw_sampled_horizon,
)
from quartier_native import storages
from quartier_native.reference import sampled as twin
from quartier_native.storages import MEAN_COLUMNS, PLAN_COLUMNS, Planned

Plan = Callable[[SampledHorizon], tuple[Planned, dict[str, list[float]]]]
NEAR = 1e-6


@pytest.fixture(params=[twin.plan_sampled, storages.plan_sampled], ids=["reference", "engine"])
def plan(request: pytest.FixtureRequest) -> Plan:
    def call(samples: SampledHorizon) -> tuple[Planned, dict[str, list[float]]]:
        arrays = samples.arrays()
        found = request.param(*arrays)
        count = samples.horizon.count
        return found, {
            name: list(arrays[4][at * count : (at + 1) * count]) for at, name in enumerate(MEAN_COLUMNS)
        }

    return call


def horizon(prices: list[float], nets: list[list[float]], **changes: Any) -> SampledHorizon:
    """A 4 kWh store without losses, 1 kWh a step; exports bring nothing, each net load counts the same."""
    count = len(prices)
    steps = {name: [0.0] * count for name in ("net_wh", "curtailable_wh", "export_price", "over_price")}
    steps |= {name: [inf] * count for name in ("contract_wh", "import_max_wh", "export_max_wh")}
    steps |= {"import_price": prices, "floor_wh": [0.0] * count, "ceiling_wh": [4000.0] * count}
    steps |= {"low_wh": [-1000.0] * count, "high_wh": [1000.0] * count}
    store = dict.fromkeys(storages.STORE_FIELDS, 0.0) | {
        "charge_efficiency": 1.0,
        "discharge_efficiency": 1.0,
    }
    for name, value in changes.items():
        if name in store:
            store[name] = value
        else:
            steps[name] = [value] * count
    rows = [[(net_wh, 0.0, 1.0) for net_wh in there] for there in nets]
    return SampledHorizon(Horizon(steps, store), rows, [])


def test_it_spares_no_more_than_what_is_wanted_often_enough(plan: Plan) -> None:
    # A Wh costs 1 now; later one spared brings 3, but every second one is spared for nothing above 400 Wh.
    _, dear = plan(horizon([1.0, 3.0], [[0.0], [400.0, 900.0]]))
    _, cheap = plan(horizon([1.0, 1.5], [[0.0], [400.0, 900.0]]))

    assert ([900.0, -900.0], [400.0, -400.0]) == (dear["moved_wh"], cheap["moved_wh"])
    assert ([-500.0, 0.0], [0.0, 500.0]) == (
        [dear["grid_low_wh"][1], dear["grid_high_wh"][1]],
        [cheap["grid_low_wh"][1], cheap["grid_high_wh"][1]],
    )
    assert (-250.0, 250.0, 375.0) == (dear["grid_wh"][1], cheap["grid_wh"][1], cheap["cost"][1])


def test_a_mean_would_have_planned_for_what_never_happens(plan: Plan) -> None:
    found, made = plan(horizon([1.0, 1.5], [[0.0], [0.0, 1000.0]]))
    mean, planned = plan(horizon([1.0, 1.5], [[0.0], [500.0]]))

    assert ([0.0, 0.0], 750.0) == (made["moved_wh"], found.cost)
    assert ([500.0, -500.0], 500.0) == (planned["moved_wh"], mean.cost)


def test_a_cap_counts_in_every_sample(plan: Plan) -> None:
    found, made = plan(horizon([1.0, 9.0], [[100.0, 700.0], [1000.0]], import_max_wh=1000.0))

    assert (0.0, [300.0, -300.0]) == (found.excess_wh, made["moved_wh"])


def test_what_is_beyond_a_cap_is_told_as_its_mean(plan: Plan) -> None:
    found, made = plan(horizon([1.0], [[500.0, 1400.0]], import_max_wh=1000.0))

    assert (200.0, [200.0]) == (found.excess_wh, made["excess_wh"])
    assert ([0.5], [0.0]) == (made["cap_breach"], made["cap_value"])


def test_what_a_tier_costs_and_what_a_wh_later_would_save(plan: Plan) -> None:
    there = horizon([1.0], [[500.0, 1400.0]], contract_wh=600.0, over_price=0.5, high_wh=0.0, low_wh=0.0)
    found, made = plan(there)

    assert (950.0 + 0.25 * 800.0, [0.25]) == (found.cost, made["tier_value"])


@pytest.mark.parametrize("signs", [False, True])
def test_with_one_sample_a_step_it_is_the_plan_of_one_net_load_to_the_last_bit(
    plan: Plan, *, signs: bool
) -> None:
    for seed in range(150):
        one = draw_horizon(seed, signs=signs)
        rows = [
            [(net_wh, sun_wh, 1.0)]
            for net_wh, sun_wh in zip(one.steps["net_wh"], one.steps["curtailable_wh"], strict=True)
        ]
        steps, store, room = one.arrays()
        known = storages.plan_storage(steps, store, room)
        found, made = plan(SampledHorizon(one, rows, []))

        assert known == found, seed
        for at, name in enumerate(PLAN_COLUMNS):
            if not name.startswith("cap"):
                assert list(room[at * one.count : (at + 1) * one.count]) == made[name], (seed, name)


def test_samples_that_are_alike_count_as_one(plan: Plan) -> None:
    for seed in range(60):
        there = draw_sampled_horizon(seed)
        twice = SampledHorizon(there.horizon, [step + step for step in there.samples], there.tiers)
        (one, made), (two, doubled) = plan(there), plan(twice)

        assert one.feasible == two.feasible, seed
        assert one.excess_wh == pytest.approx(two.excess_wh, abs=NEAR), seed
        worth = there.horizon.store["worth_price"]
        assert one.cost - worth * made["energy_wh"][-1] == pytest.approx(
            two.cost - worth * doubled["energy_wh"][-1], abs=1e-9 * there.scale
        ), seed


def test_no_plan_is_told_where_the_floor_is_out_of_reach(plan: Plan) -> None:
    found, made = plan(horizon([1.0], [[100.0, 200.0]], floor_wh=1500.0))

    assert Planned(False, 0.0, 0.0, 0.0, 0.0) == found
    assert [0.0] == made["moved_wh"]


def test_prices_that_pay_for_both_are_refused_where_any_sample_may_be_curtailed() -> None:
    there = horizon([-1.0], [[0.0, 0.0]], export_price=1.0)
    there.samples[0][1] = (0.0, 100.0, 1.0)

    with pytest.raises(ValueError, match="import and export both pay"):
        storages.plan_sampled(*there.arrays())
    steps, tiers, samples, store, room = there.arrays()
    samples[3] = 0.0
    assert storages.plan_sampled(steps, tiers, samples, array("d", store), room).feasible
