"""The compiled plan of a storage and its twin agree to the last bit, also in what they refuse."""

import threading
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_bench.planning_speed.extreme_horizons import draw_extreme_horizon
from quartier_bench.planning_speed.storage_horizons import (
    draw_horizon,
    make_house_horizon,
    remove_store_bounds,
)
from quartier_native import storage as kernel
from quartier_native.reference import storage as twin

SEEDS = examples(100, deep=3_000)


def planned(module: Any, arrays: Any) -> tuple[Any, bytes]:
    steps, store, plan = (array("d", numbers) for numbers in arrays)
    try:
        return module.plan_storage(steps, store, plan), plan.tobytes()
    except ValueError as error:
        return str(error), plan.tobytes()


@SEEDS
@given(seed=st.integers(0, 2**32), signs=st.booleans())
def test_both_plan_the_same_to_the_last_bit(*, seed: int, signs: bool) -> None:
    arrays = draw_horizon(seed, signs=signs).arrays()

    assert planned(twin, arrays) == planned(kernel, arrays)


@SEEDS
@given(
    st.integers(0, 10_000),
    st.lists(
        st.tuples(
            st.integers(0, 11),
            st.sampled_from([0.0, -0.0, 1e-9, -1e-3, 500.0, float("inf"), float("nan"), 1e13, -700.0]),
        ),
        max_size=3,
    ),
)
def test_both_take_and_refuse_the_same_numbers(seed: int, changes: list[tuple[int, float]]) -> None:
    steps, store, plan = draw_horizon(seed, signs=True).arrays()
    count = len(plan) // len(twin.PLAN_COLUMNS)
    for column, value in changes:
        steps[column * count + seed % count] = value

    assert planned(twin, (steps, store, plan)) == planned(kernel, (steps, store, plan))


@given(
    st.integers(0, 1000),
    st.integers(0, 5),
    st.sampled_from([-1.0, 0.0, -0.0, 9e-4, 1e-3, 0.5, 1.0, 1.1, float("nan"), 1e13]),
)
def test_both_refuse_the_same_stores(seed: int, place: int, value: float) -> None:
    steps, store, plan = draw_horizon(seed).arrays()
    store[place] = value

    assert planned(twin, (steps, store, plan)) == planned(kernel, (steps, store, plan))


@pytest.mark.parametrize("module", [twin, kernel])
def test_arrays_of_doubles_that_fit_are_needed(module: Any) -> None:
    steps, store, plan = make_house_horizon(4, 1.0).arrays()

    for wrong in ((list(steps), store, plan), (steps, array("f", store), plan), (steps, store, None)):
        with pytest.raises(TypeError, match="three arrays of doubles"):
            module.plan_storage(*wrong)
    for short in ((steps[:-1], store, plan), (steps, store[:-1], plan), (steps, store, plan + plan[:1])):
        with pytest.raises(ValueError, match="do not fit"):
            module.plan_storage(*short)
    with pytest.raises(ValueError, match="1 to 2016 steps"):
        module.plan_storage(steps, store, array("d"))
    long = 2017
    with pytest.raises(ValueError, match="1 to 2016 steps"):
        module.plan_storage(array("d", bytes(96 * long)), store, array("d", bytes(88 * long)))


def test_a_long_horizon_with_many_slopes_is_the_same_in_both() -> None:
    arrays = make_house_horizon(2016, 1 / 12).arrays()

    assert planned(twin, arrays) == planned(kernel, arrays)


@pytest.mark.parametrize(
    ("steps_count", "bounded_from"), [(672, 672), (2016, 2016), (2016, 1500), (672, 300)]
)
def test_a_horizon_that_leaves_the_store_free_is_the_same_in_both(
    steps_count: int, bounded_from: int
) -> None:
    free = remove_store_bounds(make_house_horizon(steps_count, 1 / 12), bounded_from)
    arrays = free.arrays()

    assert planned(twin, arrays) == planned(kernel, arrays)


@SEEDS
@given(seed=st.integers(0, 2**32), signs=st.booleans())
def test_both_plan_the_same_where_no_house_would(*, seed: int, signs: bool) -> None:
    arrays = draw_extreme_horizon(seed, signs=signs).planner_horizon.arrays()

    assert planned(twin, arrays) == planned(kernel, arrays)


@pytest.mark.parametrize("cap_w", [1000.0, 2500.0, 4000.0])
@pytest.mark.parametrize(("free", "count"), [(60, 120), (120, 288), (300, 672)])
def test_lists_that_grow_and_shrink_beyond_caps_are_the_same_in_both(
    cap_w: float, free: int, count: int
) -> None:
    horizon = remove_store_bounds(make_house_horizon(count, 0.25, 3), free)
    late = free - free // 3
    horizon.steps["import_max_wh"][late:free:3] = [cap_w / 4] * len(range(late, free, 3))
    horizon.steps["export_max_wh"][late:free:5] = [cap_w / 8] * len(range(late, free, 5))
    # What lies beyond an export's cap stands at the left and stays, while most of the list is cut from the right.
    horizon.steps["curtailable_wh"][:] = [0.0] * count
    horizon.steps["export_price"][free:] = [5e-5] * (count - free)
    horizon.steps["floor_wh"][:] = [-1e8] * count
    horizon.steps["ceiling_wh"][free:] = [5000.0 - 1200.0 * free] * (count - free)
    horizon.store.update(worth_price=2e-5, target_wh=-1e8)

    assert planned(twin, horizon.arrays()) == planned(kernel, horizon.arrays())


@pytest.mark.parametrize("seed", range(40))
def test_energies_whose_rounding_is_more_than_what_counts_as_near_are_the_same_in_both(seed: int) -> None:
    steps, store, plan = draw_horizon(seed, signs=seed % 2 == 1).arrays()
    count = len(plan) // len(twin.PLAN_COLUMNS)
    for column, name in enumerate(twin.STEP_COLUMNS):
        if name.endswith("_wh"):
            for place in range(column * count, (column + 1) * count):
                steps[place] *= 7e6
    for place, name in enumerate(twin.STORE_FIELDS):
        if name.endswith("_wh"):
            store[place] *= 7e6

    assert planned(twin, (steps, store, plan)) == planned(kernel, (steps, store, plan))


def test_threads_plan_at_once_without_each_others_numbers() -> None:
    horizons = [draw_horizon(seed).arrays() for seed in range(40)]
    alone = [planned(kernel, arrays) for arrays in horizons]
    made: list[list[tuple[Any, bytes]]] = [[], []]

    def work(place: int) -> None:
        for _ in range(50):
            made[place] = [planned(kernel, arrays) for arrays in horizons]

    threads = [threading.Thread(target=work, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [alone, alone] == made
