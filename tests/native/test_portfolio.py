"""Plans of many sites are those of each alone, in twin and kernel alike; a refused site stops no other."""

import threading
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_hil.bench.horizons import Horizon, drawn, house
from quartier_native import portfolio as kernel
from quartier_native import storage
from quartier_native.reference import portfolio as twin
from quartier_native.storages import PLAN_COLUMNS, REFUSALS, STEP_COLUMNS, STORE_FIELDS, TOLD_COLUMNS

SEEDS = examples(50, deep=1_000)
ENGINES = pytest.mark.parametrize("module", [twin, kernel], ids=["reference", "engine"])
UNTOUCHED = -7.5
Buffers = tuple[Any, Any, Any, Any, Any]


def buffers(horizons: Sequence[Horizon]) -> Buffers:
    arrays = [one.arrays() for one in horizons]
    steps, stores = array("d"), array("d")
    for one, store, _ in arrays:
        steps += one
        stores += store
    counts = array("q", [one.count for one in horizons])
    plans = array("d", [UNTOUCHED]) * (sum(counts) * len(PLAN_COLUMNS))
    return counts, steps, stores, plans, array("d", [UNTOUCHED]) * (len(counts) * len(TOLD_COLUMNS))


def made(module: Any, there: Buffers) -> tuple[int, bytes, bytes]:
    counts, steps, stores, plans, told = (array(one.typecode, one) for one in there)
    return module.plan_many(counts, steps, stores, plans, told), plans.tobytes(), told.tobytes()


def column(told: Any, name: str) -> list[float]:
    sites = len(told) // len(TOLD_COLUMNS)
    at = TOLD_COLUMNS.index(name)
    return list(told[at * sites : (at + 1) * sites])


@SEEDS
@given(
    st.lists(st.tuples(st.integers(0, 2**32), st.booleans()), max_size=6),
    st.lists(
        st.tuples(
            st.integers(0, 10**6),
            st.booleans(),
            st.sampled_from([0.0, -0.0, 1e-9, -1e-3, 500.0, float("inf"), float("nan"), 1e13, -700.0]),
        ),
        max_size=4,
    ),
)
def test_both_plan_refuse_and_leave_alone_the_same_to_the_last_bit(
    seeds: list[tuple[int, bool]], changes: list[tuple[int, bool, float]]
) -> None:
    there = buffers([drawn(seed, signs=signs) for seed, signs in seeds])
    for place, in_steps, value in changes:
        numbers = there[1] if in_steps else there[2]
        if numbers:
            numbers[place % len(numbers)] = value

    assert made(twin, there) == made(kernel, there)


@ENGINES
def test_each_site_has_the_plan_that_it_has_alone(module: Any) -> None:
    horizons = [drawn(seed, signs=seed % 2 == 0) for seed in range(30)]
    counts, steps, stores, plans, told = buffers(horizons)
    module.plan_many(counts, steps, stores, plans, told)
    at = 0

    for site, one in enumerate(horizons):
        alone_steps, alone_store, alone = one.arrays()
        try:
            found = storage.plan_storage(alone_steps, alone_store, alone)
            refusal = float(not found.feasible)
        except ValueError as error:
            refusal = float(REFUSALS.index(str(error)))
        part = plans[at : at + len(alone)]
        at += len(alone)
        assert refusal == column(told, "refusal")[site]
        if not refusal:
            assert alone == part
            assert found[1:] == tuple(column(told, name)[site] for name in TOLD_COLUMNS[1:])


@ENGINES
def test_every_reason_to_refuse_a_site_is_told_and_stops_no_other(module: Any) -> None:
    well = house(4, 1.0)
    unreachable = Horizon(well.steps | {"floor_wh": [13_000.0] * 4}, well.store)
    far = Horizon(well.steps, well.store | {"energy_wh": 1e13})
    lossless = Horizon(well.steps, well.store | {"charge_efficiency": 1.1})
    crossed = Horizon(well.steps | {"low_wh": [9e9] * 4}, well.store)
    pays = Horizon(
        well.steps | {"import_price": [-1.0] * 4, "export_price": [1.0] * 4, "curtailable_wh": [9.0] * 4},
        well.store,
    )
    nothing = Horizon({name: [] for name in STEP_COLUMNS}, well.store)
    there = buffers([well, unreachable, far, lossless, crossed, pays, nothing, well])
    plans, told = there[3:]

    assert 2 == module.plan_many(*there)
    assert [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0] == column(told, "refusal")
    assert column(told, "cost")[0] == column(told, "cost")[-1] != 0.0
    assert [0.0] * 6 == column(told, "cost")[1:-1]
    block = 4 * len(PLAN_COLUMNS)
    assert plans[:block] == plans[-block:]
    assert {UNTOUCHED} == set(plans[block:-block])


@ENGINES
def test_a_site_longer_than_a_plan_may_be_is_refused_alone(module: Any) -> None:
    there = buffers([house(2017, 1 / 12), house(4, 1.0)])

    assert 1 == module.plan_many(*there)
    assert [6.0, 0.0] == column(there[4], "refusal")


@ENGINES
def test_blocks_of_numpy_are_taken_as_they_are(module: Any) -> None:
    horizons = [house(24, 1.0, seed) for seed in range(5)]
    counts, steps, stores, plans, told = buffers(horizons)
    plan = np.zeros((5, len(PLAN_COLUMNS), 24))
    says = np.zeros((len(TOLD_COLUMNS), 5))
    module.plan_many(counts, steps, stores, plans, told)

    made = module.plan_many(
        np.full(5, 24, dtype=np.int64),
        np.array(steps).reshape(5, len(STEP_COLUMNS), 24),
        np.array(stores).reshape(5, len(STORE_FIELDS)),
        plan,
        says,
    )

    assert 5 == made
    assert plans.tobytes() == plan.tobytes()
    assert told.tobytes() == says.tobytes()


@ENGINES
def test_no_site_is_no_plan(module: Any) -> None:
    assert 0 == module.plan_many(array("q"), array("d"), array("d"), array("d"), array("d"))


@ENGINES
def test_buffers_that_fit_each_other_are_needed(module: Any) -> None:
    counts, steps, stores, plans, told = buffers([house(4, 1.0)])

    for wrong in (
        (array("i", counts), steps, stores, plans, told),
        (counts, array("f", steps), stores, plans, told),
        (counts, steps, stores, bytes(plans), told),
        (counts, steps, stores, memoryview(plans).toreadonly(), told),
        (counts, steps, stores, np.zeros(2 * len(plans))[::2], told),
        (counts, list(steps), stores, plans, told),
    ):
        with pytest.raises(TypeError):
            module.plan_many(*wrong)
    for short in (
        (counts, steps[:-1], stores, plans, told),
        (counts, steps, stores[:-1], plans, told),
        (counts, steps, stores, plans + plans[:1], told),
        (counts, steps, stores, plans, told[:-1]),
        (array("q", [5]), steps, stores, plans, told),
        (array("q", [2**62]), steps, stores, plans, told),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            module.plan_many(*short)
    with pytest.raises(ValueError, match="below 0"):
        module.plan_many(array("q", [-1]), steps, stores, plans, told)
    with pytest.raises(ValueError, match="more than 100000 sites"):
        module.plan_many(array("q", [0]) * 100_001, steps, stores, plans, told)
    assert {UNTOUCHED} == set(plans) | set(told)


def test_threads_plan_at_once_without_each_others_numbers() -> None:
    there = buffers([drawn(seed) for seed in range(60)])
    alone = made(kernel, there)
    found: list[list[tuple[int, bytes, bytes]]] = [[], []]

    def work(place: int) -> None:
        found[place] = [made(kernel, there) for _ in range(30)]

    threads = [threading.Thread(target=work, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [[alone] * 30, [alone] * 30] == found
