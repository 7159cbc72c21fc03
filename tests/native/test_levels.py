"""The compiled plan of a load with levels and its twin agree to the last bit, and no other way is cheaper."""

from array import array
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_bench.planning_speed.storage_horizons import draw_horizon
from quartier_native import levels as kernel
from quartier_native.reference import levels as twin
from quartier_native.reference.step_costs import Step, Wiring, flow

SEEDS = examples(100, deep=2_000)
AMOUNTS = array("d", [0.0, 1380.0, 1610.0, 1840.0])
UNITS = array("i", [0, 6, 7, 8])


def arrays(seed: int, need: float, most: float, *, signs: bool = False) -> list[Any]:
    steps = draw_horizon(seed, signs=signs).arrays()[0]
    count = len(steps) // 12
    return [steps, AMOUNTS[:], UNITS[:], array("d", [need, most, 3e-1, 2e-2]), array("i", bytes(4 * count))]


def planned(module: Any, inputs: list[Any]) -> tuple[Any, bytes]:
    copies = [array(each.typecode, each) for each in inputs]
    try:
        return module.plan_levels(*copies), copies[4].tobytes()
    except ValueError as error:
        return str(error), b""


@SEEDS
@given(seed=st.integers(0, 2**32), need=st.integers(0, 60), more=st.integers(0, 20), signs=st.booleans())
def test_both_plan_the_same_to_the_last_bit(*, seed: int, need: int, more: int, signs: bool) -> None:
    inputs = arrays(seed, need, need + more, signs=signs)

    assert planned(twin, inputs) == planned(kernel, inputs)


@SEEDS
@given(seed=st.integers(0, 10_000), signs=st.booleans())
def test_both_tell_the_same_flows_to_the_last_bit(*, seed: int, signs: bool) -> None:
    steps = draw_horizon(seed, signs=signs).arrays()[0]
    count = len(steps) // 12
    moved = array("d", [100.0 * (number - 3) for number in range(count)])
    told = [array("d", bytes(32 * count)) for _ in range(2)]
    twin.tell_flows(steps, moved, told[0])
    kernel.tell_flows(steps, moved, told[1])

    assert told[0].tobytes() == told[1].tobytes()


@SEEDS
@given(
    st.integers(0, 1000),
    st.integers(0, 3),
    st.integers(0, 100),
    st.sampled_from([float("nan"), float("inf"), -1.0, 0.0, 1e13, 5000.0, 7.5]),
)
def test_both_take_and_refuse_the_same_numbers(seed: int, which: int, at: int, value: float) -> None:
    inputs = arrays(seed, 20, 25)
    changed = inputs[which]
    if changed.typecode == "d":
        changed[at % len(changed)] = value
    elif abs(value) < 1e6:
        changed[at % len(changed)] = int(value)

    assert planned(twin, inputs) == planned(kernel, inputs)


@pytest.mark.parametrize("module", [kernel, twin], ids=["kernel", "twin"])
@pytest.mark.parametrize("seed", [seed for seed in range(60) if len(draw_horizon(seed).steps["net_wh"]) <= 6])
def test_no_other_way_is_cheaper(module: Any, seed: int) -> None:
    inputs = arrays(seed, 15, 21)
    steps, need = inputs[0], inputs[3]
    count = len(steps) // 12
    rows = [Step(*steps[number::count]) for number in range(count)]

    def cost(way: tuple[int, ...]) -> float:
        taken = sum(UNITS[level] for level in way)
        if taken > need[1]:
            return float("inf")
        there = [
            flow(row, Wiring(1.0, 1.0, 0.0), AMOUNTS[level]) for row, level in zip(rows, way, strict=True)
        ]
        money = sum(one.cost + need[3] * one.excess_wh for one in there)
        return money + need[2] * max(0.0, need[0] - taken)

    told = module.plan_levels(*inputs)

    assert min(map(cost, product(range(4), repeat=count))) == pytest.approx(told.cost, abs=1e-9)
    assert told.cost == pytest.approx(cost(tuple(inputs[4])), abs=1e-9)
    assert told.units == sum(UNITS[level] for level in inputs[4])


@pytest.mark.parametrize("module", [kernel, twin], ids=["kernel", "twin"])
def test_what_does_not_fit_is_refused(module: Any) -> None:
    good = arrays(5, 10, 12)
    for at, instead in ((0, array("i", [0])), (2, array("d", [0.0])), (4, [0])):
        with pytest.raises(TypeError):
            module.plan_levels(*good[:at], instead, *good[at + 1 :])
    for at, instead in (
        (0, array("d", [1.0])),
        (1, array("d", [1.0])),
        (2, array("i", [1, 6, 7, 8])),
        (3, array("d", [5.0, 4.0, 1.0, 1.0])),
        (4, array("i")),
    ):
        with pytest.raises(ValueError, match="fit|level|range|steps"):
            module.plan_levels(*good[:at], instead, *good[at + 1 :])
    with pytest.raises(TypeError):
        module.tell_flows(good[0], [1.0], array("d"))
    with pytest.raises(ValueError, match="fit"):
        module.tell_flows(good[0], array("d", [1.0] * 99), array("d"))
