"""The compiled interior-point method and its twin agree to the last bit, also in what they refuse, and both
find the optimum that HiGHS finds.
"""

import math
import random
import threading
from array import array
from typing import Any

import highspy
import numpy as np
import pytest
from highspy._core import _Highs as Highs
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.native.programs import Drawn, drawn

from quartier_native import interior as kernel
from quartier_native.reference import interior as twin

SEEDS = examples(60, deep=1_000)


def solved(module: Any, arrays: Any) -> tuple[Any, bytes, bytes]:
    copies = [array(each.typecode, each) for each in arrays]
    try:
        return repr(module.solve_interior(*copies)), copies[5].tobytes(), copies[6].tobytes()
    except (ValueError, TypeError) as error:
        return str(error), b"", b""


def optimum(program: Drawn) -> float:
    columns = len(program.starts) - 1
    made = highspy.HighsLp()
    made.num_col_, made.num_row_ = columns, len(program.right)
    made.col_cost_ = np.array(program.bounds[:columns])
    made.col_lower_, made.col_upper_ = np.zeros(columns), np.array(program.bounds[columns:])
    made.row_lower_ = made.row_upper_ = np.array(program.right)
    made.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    made.a_matrix_.start_ = np.array(program.starts, dtype=np.int32)
    made.a_matrix_.index_ = np.array(program.rows, dtype=np.int32)
    made.a_matrix_.value_ = np.array(program.numbers)
    highs = Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)  # as all here: in one process all solvers share theirs
    highs.passModel(made)
    highs.run()
    assert highspy.HighsModelStatus.kOptimal == highs.getModelStatus()
    return float(highs.getObjectiveValue())


@SEEDS
@given(seed=st.integers(0, 2**32))
def test_both_find_the_same_to_the_last_bit(*, seed: int) -> None:
    arrays = drawn(seed).arrays()

    assert solved(twin, arrays) == solved(kernel, arrays)


@pytest.mark.parametrize("module", [kernel, twin], ids=["kernel", "twin"])
@pytest.mark.parametrize("seed", range(40))
def test_it_finds_the_optimum_of_highs(module: Any, seed: int) -> None:
    program = drawn(seed)
    arrays = program.arrays()
    told = module.solve_interior(*arrays)
    cost = sum(a * b for a, b in zip(program.bounds, arrays[5], strict=False))

    assert (True, True) == (told.rounds < twin.ROUNDS_MAX, told.gap < 1e-7)
    assert optimum(program) == pytest.approx(cost, rel=1e-6, abs=1e-6)


def test_large_programs_are_solved_to_the_optimum_of_highs() -> None:
    for seed in range(20):
        program = drawn(seed, height=300)
        arrays = program.arrays()
        kernel.solve_interior(*arrays)
        cost = sum(a * b for a, b in zip(program.bounds, arrays[5], strict=False))

        assert optimum(program) == pytest.approx(cost, rel=1e-6, abs=1e-6)


@SEEDS
@given(
    st.integers(0, 1000),
    st.integers(0, 4),
    st.integers(0, 100),
    st.sampled_from([float("nan"), float("inf"), -1.0, 0.0, 1e13, 3.0]),
)
def test_both_take_and_refuse_the_same_numbers(seed: int, which: int, at: int, value: float) -> None:
    arrays = drawn(seed).arrays()
    changed = arrays[which]
    if changed.typecode == "d":
        changed[at % len(changed)] = value
    elif abs(value) < 1e6:
        changed[at % len(changed)] = int(value)

    assert solved(twin, arrays) == solved(kernel, arrays)


@pytest.mark.parametrize("module", [kernel, twin], ids=["kernel", "twin"])
def test_what_does_not_fit_is_refused(module: Any) -> None:
    good = drawn(3).arrays()
    for at, instead in ((0, array("d", [0.0])), (2, array("i", [0])), (2, [1.0])):
        with pytest.raises(TypeError):
            module.solve_interior(*good[:at], instead, *good[at + 1 :])
    for at in range(7):
        longer = array(good[at].typecode, [*good[at], 1])
        with pytest.raises(ValueError, match="fit|range|rise"):
            module.solve_interior(*good[:at], longer, *good[at + 1 :])
    wide = [array("i", [0, 2]), array("i", [0, 400]), array("d", [1.0, 1.0])]
    rest = [array("d", bytes(8 * 401)), array("d", [1.0, 1.0]), array("d", [0.0]), array("d", bytes(8 * 401))]
    with pytest.raises(ValueError, match="farther than 300"):
        module.solve_interior(*wide, *rest)


@examples(20)
@given(seed=st.integers(0, 2**32))
def test_numbers_of_very_different_sizes_leave_finite_numbers_that_are_the_same(*, seed: int) -> None:
    source = random.Random(seed)
    arrays = drawn(seed, 3).arrays()
    for at in (2, 3, 4):
        for place in range(len(arrays[at])):
            if source.random() < 0.5:
                size = source.choice((1e-300, 1e-12, 1e6, 1e12))
                arrays[at][place] = size if at == 4 or source.random() < 0.5 else -size
    left = solved(kernel, [array(each.typecode, each) for each in arrays])

    assert solved(twin, [array(each.typecode, each) for each in arrays]) == left
    kernel.solve_interior(*arrays)
    assert all(map(math.isfinite, [*arrays[5], *arrays[6]]))


@pytest.mark.parametrize("module", [kernel, twin], ids=["kernel", "twin"])
@pytest.mark.parametrize(
    ("starts", "rows", "numbers", "right", "bounds"),
    [
        (
            [0, 1, 2, 4],
            [0, 0, 0, 1],
            [1e-300, 1e6, 1e-12, 1e12],
            [1e6, -1e12],
            [0.0, 1e-300, 1.0, 1e-300, 1e-7, math.inf],
        ),
        ([0, 1, 3], [2, 0, 1], [1e-300, 1e12, 1e6], [1e-300, 0.0, 1e6], [1e12, 1e-300, 1.0, 1e-300]),
        ([0, 2, 4], [0, 1, 0, 1], [-1.0, 0.0, 1e12, 1e-12], [1e-12, 1e6, -1e12], [0.0, 1e-300, 1e12, 1e-300]),
    ],
)
def test_a_program_that_leads_out_of_all_range_ends_with_what_it_has(
    module: Any,
    starts: list[int],
    rows: list[int],
    numbers: list[float],
    right: list[float],
    bounds: list[float],
) -> None:
    found, prices = array("d", bytes(8 * (len(starts) - 1))), array("d", bytes(8 * len(right)))
    ints, doubles = (array("i", starts), array("i", rows)), map(array, "ddd", (numbers, right, bounds))
    told = module.solve_interior(*ints, *doubles, found, prices)

    assert all(map(math.isfinite, [*found, *prices, told.gap]))
    assert told.rounds < twin.ROUNDS_MAX
    assert told.gap > 1e-3


def test_threads_solve_side_by_side_what_each_solves_alone() -> None:
    wanted = [solved(kernel, drawn(seed, 200).arrays()) for seed in range(4)]
    found: dict[int, Any] = {}
    threads = [
        threading.Thread(
            target=lambda seed=seed: found.update({seed: solved(kernel, drawn(seed, 200).arrays())})
        )
        for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wanted == [found[seed] for seed in range(4)]
