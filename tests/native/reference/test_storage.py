"""What a plan promises, on the specification and on the engine in use alike; optimality: tests/hil/bench/planning_speed/test_storage_program_programs.py."""

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from quartier_bench.planning_speed.storage_horizons import Horizon, draw_horizon
from quartier_native import storages
from quartier_native.reference import storage
from quartier_native.reference.step_costs import Piece
from quartier_native.reference.storage import LEAST, MOST, NEAR_WH, Stand, stand
from quartier_native.storages import PLAN_COLUMNS, Planned

Plan = Callable[[Horizon], tuple[Planned, dict[str, list[float]]]]
NEAR = 1e-6


@pytest.fixture(params=[storage.plan_storage, storages.plan_storage], ids=["reference", "engine"])
def plan(request: pytest.FixtureRequest) -> Plan:
    def call(horizon: Horizon) -> tuple[Planned, dict[str, list[float]]]:
        steps, store, made = horizon.arrays()
        found = request.param(steps, store, made)
        count = horizon.count
        return found, {
            name: list(made[at * count : (at + 1) * count]) for at, name in enumerate(PLAN_COLUMNS)
        }

    return call


def horizon(prices: list[float], **changes: Any) -> Horizon:
    """A 4 kWh store without losses, 1 kWh a step, and a load of 1 kWh in every step; exports bring nothing."""
    count = len(prices)
    steps = {
        "net_wh": [1000.0] * count,
        "curtailable_wh": [0.0] * count,
        "import_price": prices,
        "export_price": [0.0] * count,
        "over_price": [0.0] * count,
        "contract_wh": [inf] * count,
        "import_max_wh": [inf] * count,
        "export_max_wh": [inf] * count,
        "low_wh": [-1000.0] * count,
        "high_wh": [1000.0] * count,
        "floor_wh": [0.0] * count,
        "ceiling_wh": [4000.0] * count,
    }
    store = dict.fromkeys(storage.STORE_FIELDS, 0.0) | {"charge_efficiency": 1.0, "discharge_efficiency": 1.0}
    for name, value in changes.items():
        if name in store:
            store[name] = value
        else:
            steps[name] = value if isinstance(value, list) else [value] * count
    return Horizon(steps, store)


def test_it_charges_where_it_is_cheap_and_spares_where_it_is_dear(plan: Plan) -> None:
    found, made = plan(horizon([1.0, 3.0, 2.0]))

    assert Planned(True, 4000.0, 0.0, 0.0, 0.0) == found
    assert [1000.0, -1000.0, 0.0] == made["moved_wh"]
    assert [2000.0, 0.0, 1000.0] == made["grid_wh"]
    assert [1000.0, 0.0, 0.0] == made["energy_wh"]


def test_the_value_of_a_stored_wh_is_what_it_spares_while_the_store_is_neither_full_nor_empty(
    plan: Plan,
) -> None:
    _, full = plan(horizon([1.0, 2.0, 3.0, 4.0, 9.0], ceiling_wh=500.0))
    _, between = plan(horizon([1.0, 2.0, 3.0, 4.0, 9.0]))

    assert [1.0, 2.0, 3.0, 4.0, 9.0] == full["value"]
    assert [1000.0, 1000.0, 0.0, -1000.0, -1000.0] == between["moved_wh"]
    assert [3.0] * 5 == between["value"]


def test_what_is_left_at_the_end_is_kept_where_it_is_worth_more(plan: Plan) -> None:
    _, kept = plan(horizon([2.0, 2.0], energy_wh=2000.0, worth_price=2.5))
    _, used = plan(horizon([2.0, 2.0], energy_wh=2000.0, worth_price=1.5))

    assert 4000.0 == kept["energy_wh"][-1]
    assert 0.0 == used["energy_wh"][-1]


def test_a_target_is_reached_at_any_price_and_one_out_of_reach_as_far_as_can_be(plan: Plan) -> None:
    found, made = plan(horizon([9.0, 5.0], target_wh=1500.0))
    short, most = plan(horizon([9.0, 5.0], target_wh=2600.0))

    assert ([500.0, 1000.0], 0.0) == (made["moved_wh"], found.short_wh)
    assert ([1000.0, 1000.0], 600.0) == (most["moved_wh"], short.short_wh)


def test_a_cap_counts_before_the_target(plan: Plan) -> None:
    found, made = plan(horizon([1.0, 1.0], target_wh=2000.0, import_max_wh=1200.0))

    assert [200.0, 200.0] == made["moved_wh"]
    assert (0.0, 1600.0) == (found.excess_wh, found.short_wh)


def test_what_the_load_exceeds_a_cap_by_is_least_and_told(plan: Plan) -> None:
    found, made = plan(horizon([1.0, 1.0, 1.0], import_max_wh=[2000.0, 300.0, 300.0], energy_wh=0.0))

    assert 1000.0 == made["moved_wh"][0]
    assert 400.0 == found.excess_wh


def test_the_store_never_goes_below_its_floor_for_a_cap(plan: Plan) -> None:
    found, made = plan(horizon([1.0], import_max_wh=500.0, energy_wh=800.0, floor_wh=800.0))

    assert [0.0] == made["moved_wh"]
    assert 500.0 == found.excess_wh


def test_one_more_wh_under_the_cap_has_the_value_of_the_loads_it_moves(plan: Plan) -> None:
    _, made = plan(horizon([1.0, 3.0], import_max_wh=[1600.0, inf]))

    assert ([600.0, -600.0], [2.0, 0.0]) == (made["moved_wh"], made["cap_value"])


def test_a_floor_out_of_reach_is_no_plan(plan: Plan) -> None:
    found, made = plan(horizon([1.0], floor_wh=1500.0))

    assert Planned(False, 0.0, 0.0, 0.0, 0.0) == found
    assert [0.0] == made["moved_wh"]


def test_paid_imports_are_not_burnt_in_a_battery_that_does_both_at_once_but_told_as_a_gap(plan: Plan) -> None:
    # Room for 200 Wh, half of what goes in is lost: to take and to charge at once would take 1800 Wh.
    found, made = plan(
        horizon([-1.0], export_price=-1.0, charge_efficiency=0.5, energy_wh=1000.0, ceiling_wh=1200.0)
    )

    assert (True, [200.0], [1400.0]) == (found.feasible, made["moved_wh"], made["grid_wh"])
    assert (400.0, [0.0]) == (found.gap, made["kink_wh"])


@pytest.mark.parametrize("signs", [False, True])
def test_the_plan_is_one_that_a_battery_can_follow(plan: Plan, *, signs: bool) -> None:
    for seed in range(120):
        there = draw_horizon(seed, signs=signs)
        found, made = plan(there)
        step, store = there.steps, there.store
        energy_wh, excess_wh = store["energy_wh"], 0.0

        assert found.feasible, seed
        for at in range(there.count):
            moved_wh = made["moved_wh"][at]
            energy_wh += moved_wh
            bus_wh = (
                moved_wh / store["charge_efficiency"]
                if moved_wh > 0
                else moved_wh * store["discharge_efficiency"]
            )
            grid_wh = made["grid_wh"][at]
            assert step["low_wh"][at] - NEAR <= moved_wh <= step["high_wh"][at] + NEAR, seed
            assert step["floor_wh"][at] - NEAR <= energy_wh <= step["ceiling_wh"][at] + NEAR, seed
            assert 0.0 <= made["curtailed_wh"][at] <= step["curtailable_wh"][at], seed
            met_wh = step["net_wh"][at] + bus_wh + made["curtailed_wh"][at]
            assert met_wh == pytest.approx(grid_wh, abs=NEAR), seed
            excess_wh += max(0.0, grid_wh - step["import_max_wh"][at], -grid_wh - step["export_max_wh"][at])
        assert found.excess_wh == pytest.approx(excess_wh, abs=NEAR), seed
        assert found.short_wh == pytest.approx(max(0.0, store["target_wh"] - energy_wh), abs=NEAR), seed


def test_nobody_stands_on_a_piece_that_is_shorter_than_what_counts_as_near() -> None:
    chain = [Piece(0.0, 1.0, 500.0, 0.0), Piece(0.0, 2.0, NEAR_WH / 2, 0.0), Piece(0.0, 3.0, 500.0, 0.0)]

    for tiny_wh in (0.0, NEAR_WH / 2):
        assert stand(0.0, chain, [500.0, tiny_wh, 0.0]) == Stand((0.0, 1.0), (0.0, 3.0), None)
    assert stand(-20.0, chain, [500.0, NEAR_WH / 2, 100.0]) == Stand(
        (0.0, 3.0), (0.0, 3.0), (480.0 + NEAR_WH / 2, chain[2], 100.0)
    )
    assert stand(0.0, chain, [0.0, 0.0, 0.0]) == Stand(LEAST, (0.0, 1.0), None)
    assert stand(0.0, chain, [500.0, NEAR_WH / 2, 500.0]) == Stand((0.0, 3.0), MOST, None)
