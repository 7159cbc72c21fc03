"""The compiled plan for the mean over samples and its twin agree to the last bit, also in what they refuse."""

import threading
from array import array
from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_bench.planning_speed.extreme_horizons import draw_extreme_sampled_horizon
from quartier_bench.planning_speed.storage_horizons import (
    draw_sampled_horizon,
    make_sampled_house_horizon,
    remove_store_bounds,
)
from quartier_native import sampled as kernel
from quartier_native.reference import sampled as twin

SEEDS = examples(100, deep=3_000)
VALUES = st.sampled_from([0.0, -0.0, 0.5, 1.0, 2.0, 65.0, 1e-9, -1e-3, 500.0, inf, nan, 1e13, -700.0, 2e6])
PLACES = st.integers(0, 10_000)


def planned(module: Any, arrays: Sequence["array[float]"]) -> tuple[Any, bytes]:
    steps, tiers, samples, store, plan = (array("d", numbers) for numbers in arrays)
    try:
        return module.plan_sampled(steps, tiers, samples, store, plan), plan.tobytes()
    except ValueError as error:
        return str(error), plan.tobytes()


@SEEDS
@given(seed=st.integers(0, 2**32), signs=st.booleans())
def test_both_plan_the_same_to_the_last_bit(*, seed: int, signs: bool) -> None:
    arrays = draw_sampled_horizon(seed, signs=signs).arrays()

    assert planned(twin, arrays) == planned(kernel, arrays)


@SEEDS
@given(st.integers(0, 10_000), st.lists(st.tuples(st.integers(0, 3), PLACES, VALUES), min_size=1, max_size=3))
def test_both_take_and_refuse_the_same_numbers(seed: int, changes: list[tuple[int, int, float]]) -> None:
    arrays = draw_sampled_horizon(seed, signs=True).arrays()
    for which, place, value in changes:
        arrays[which][place % len(arrays[which])] = value

    assert planned(twin, arrays) == planned(kernel, arrays)


@pytest.mark.parametrize("module", [twin, kernel])
def test_arrays_of_doubles_that_fit_are_needed(module: Any) -> None:
    arrays = draw_sampled_horizon(4).arrays()
    count = len(arrays[4]) // len(twin.MEAN_COLUMNS)

    for place in range(5):
        wrong: list[Any] = list(arrays)
        wrong[place] = list(arrays[place])
        with pytest.raises(TypeError, match="five arrays of doubles"):
            module.plan_sampled(*wrong)
        wrong[place] = array("f", arrays[place])
        with pytest.raises(TypeError, match="five arrays of doubles"):
            module.plan_sampled(*wrong)
        wrong[place] = arrays[place] + array("d", [1.0])
        with pytest.raises(ValueError, match="do not fit"):
            module.plan_sampled(*wrong)
    steps, tiers, samples, store, plan = arrays
    with pytest.raises(ValueError, match="do not fit"):
        module.plan_sampled(steps, array("d", bytes(16 * 9 * count)), samples, store, plan)
    with pytest.raises(ValueError, match="1 to 2016 steps"):
        module.plan_sampled(steps, tiers, samples, store, array("d"))
    long = array("d", bytes(8 * 2017 * len(twin.MEAN_COLUMNS)))
    with pytest.raises(ValueError, match="1 to 2016 steps"):
        module.plan_sampled(steps, tiers, samples, store, long)
    for rows in (0, twin.ROWS_MAX + 1):
        with pytest.raises(ValueError, match="1 to 32256 samples"):
            module.plan_sampled(steps, tiers, array("d", bytes(24 * rows)), store, plan)


@pytest.mark.parametrize("module", [twin, kernel])
def test_what_is_wrong_with_the_samples_is_told(module: Any) -> None:
    steps, tiers, samples, store, plan = draw_sampled_horizon(17).arrays()
    count, rows = len(plan) // len(twin.MEAN_COLUMNS), len(samples) // 3

    def refused(which: int, place: int, value: float) -> str:
        changed = [array("d", steps), array("d", samples)]
        changed[which][place] = value
        with pytest.raises(ValueError, match=".+") as told:
            module.plan_sampled(changed[0], tiers, changed[1], store, plan)
        return str(told.value)

    assert "a step has 1 to 64 samples" == refused(0, 0, 1.5)
    assert "a step has 1 to 64 samples" == refused(0, 0, 65.0)
    assert "the steps have more samples than there are" == refused(0, count - 1, steps[count - 1] + 1.0)
    assert "a number of a sample is out of its range" == refused(1, 2 * rows, 0.0)
    assert "a number of a sample is out of its range" == refused(1, 2 * rows, 1.5)
    assert "a number of a sample is out of its range" == refused(1, 0, nan)
    assert "a number of a step is out of its range" == refused(0, count, inf)


def test_fewer_samples_than_there_are_and_weights_beyond_the_largest_are_refused_by_both() -> None:
    horizon = next(one for one in map(draw_sampled_horizon, range(40)) if max(map(len, one.samples)) > 1)
    steps, tiers, samples, store, plan = horizon.arrays()
    more = next(at for at, there in enumerate(horizon.samples) if len(there) > 1)
    steps[more] -= 1.0
    found = planned(twin, (steps, tiers, samples, store, plan))
    assert "the steps have fewer samples than there are" == found[0]
    assert found == planned(kernel, (steps, tiers, samples, store, plan))

    steps[more] += 1.0
    rows = len(samples) // 3
    samples[2 * rows :] = array("d", [twin.WEIGHT_MAX]) * rows
    found = planned(twin, (steps, tiers, samples, store, plan))
    assert "the weights of a step's samples are too large" == found[0]
    assert found == planned(kernel, (steps, tiers, samples, store, plan))


def test_a_large_plan_after_a_small_one_and_a_small_one_after_it_are_the_same_in_both() -> None:
    sizes = sorted(range(60), key=lambda seed: len(draw_sampled_horizon(seed).arrays()[2]))
    for seed in (sizes[0], sizes[-1], sizes[0], sizes[30]):
        arrays = draw_sampled_horizon(seed).arrays()
        assert planned(twin, arrays) == planned(kernel, arrays)


@pytest.mark.parametrize(("samples", "bounded_from"), [(1, 672), (7, 672), (7, 300), (30, 672)])
def test_a_horizon_that_leaves_the_store_free_is_the_same_in_both(samples: int, bounded_from: int) -> None:
    there = make_sampled_house_horizon(672, 0.25, samples)
    arrays = replace(there, horizon=remove_store_bounds(there.horizon, bounded_from)).arrays()

    assert planned(twin, arrays) == planned(kernel, arrays)


@SEEDS
@given(seed=st.integers(0, 2**32), signs=st.booleans())
def test_both_plan_the_same_where_no_house_would(*, seed: int, signs: bool) -> None:
    arrays = draw_extreme_sampled_horizon(seed, signs=signs).planner_horizon.arrays()

    assert planned(twin, arrays) == planned(kernel, arrays)


def test_threads_plan_at_once_without_each_others_numbers() -> None:
    horizons = [draw_sampled_horizon(seed).arrays() for seed in range(40)]
    alone = [planned(kernel, arrays) for arrays in horizons]
    made: list[list[tuple[Any, bytes]]] = [[], []]

    def work(place: int) -> None:
        for _ in range(20):
            made[place] = [planned(kernel, arrays) for arrays in horizons]

    threads = [threading.Thread(target=work, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [alone, alone] == made
