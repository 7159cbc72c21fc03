"""Both engines lay a tail's columns end to end alike, and refuse the same."""

import struct
from array import array
from itertools import accumulate
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native import tails as kernel
from quartier_native.reference import tails as twin

MOMENT = st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(1, 4))
FLOATS = st.floats(width=64)


@st.composite
def part(draw: st.DrawFn) -> Any:
    moments = draw(st.lists(MOMENT, min_size=1, max_size=6))
    ends = array("I", accumulate(count for _, count in moments))
    size = ends[-1]
    start = draw(st.integers(0, size - 1))
    return (
        array("I", draw(st.lists(st.integers(0, 2**32 - 1), min_size=size, max_size=size))),
        array("B", draw(st.binary(min_size=size, max_size=size))),
        array("d", draw(st.lists(FLOATS, min_size=size, max_size=size))),
        array("q", [time_ms for time_ms, _ in moments]),
        ends,
        draw(st.integers(0, 2**64 - 1 - size)),
        start,
        draw(st.integers(start + 1, size)),
    )


def bits(told: Any) -> Any:
    blocks, *columns = told
    return blocks, [(column.typecode, column.tobytes()) for column in columns]


@given(st.lists(part(), max_size=5))
def test_both_gather_alike(parts: Any) -> None:
    assert bits(twin.gather(parts)) == bits(kernel.gather(parts))


@given(st.lists(part(), min_size=1, max_size=2), st.data())
def test_both_judge_made_up_parts_alike(parts: Any, data: st.DataObject) -> None:
    *columns, first, _, _ = parts[-1]
    numbers = st.integers(-3, 8) | st.sampled_from([2**62, -(2**62)])
    columns[data.draw(st.integers(0, 4))] = data.draw(
        st.sampled_from([array("I"), array("I", [3, 1, 2]), array("q", [5]), array("d"), array("B", b"\1\2")])
    )
    made_up = (
        *columns,
        first + data.draw(st.sampled_from([0, 2**64])),
        data.draw(numbers),
        data.draw(numbers),
    )

    def judged(engine: ModuleType) -> object:
        try:
            return bits(engine.gather([*parts[:-1], made_up]))
        except ValueError as error:
            return str(error)

    assert judged(twin) == judged(kernel)


@pytest.mark.parametrize("engine", [kernel, twin])
def test_a_part_begins_and_ends_in_the_middle_of_moments(engine: ModuleType) -> None:
    chunk = (array("I", [7, 8, 9, 7, 8]), array("B", [0, 0, 3, 16, 0]), array("d", [1, 2, 3, 4, 5]))
    moments = array("q", [100, 200, 300]), array("I", [2, 4, 5])

    told = engine.gather([(*chunk, *moments, 11, 1, 4), (*chunk, *moments, 50, 4, 5)])

    assert (
        struct.pack("<QIIQII", 12, 3, 8, 54, 1, 8),
        array("q", [8, 9, 7, 8]),
        array("d", [0, 3, 16, 0]),
        array("q", [100, 200, 200, 300]),
        array("d", [2, 3, 4, 5]),
    ) == told
