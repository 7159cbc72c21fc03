"""Both engines scale raw numbers alike, and refuse the same."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native import scales as kernel
from quartier_native.reference import scales as twin

WHOLE = st.sampled_from([0, 1, -1, 0x7FFF, -0x8000, 0xFFFF, 2**63 - 1, -(2**63), 2**64 - 1]) | st.integers(
    -(2**63), 2**64 - 1
)
TEN = st.sampled_from([10**power for power in range(1, 11)])
NUMBER = st.tuples(WHOLE | st.floats(), st.none() | WHOLE, st.none() | TEN, st.none() | TEN)
TEXT = st.tuples(st.binary(max_size=8), st.none(), st.none(), st.none())


def bits(found: Any) -> Any:
    return [(type(one), struct.pack("d", one) if isinstance(one, float) else one) for one in found]


@given(st.lists(NUMBER | TEXT, max_size=40))
def test_both_scale_alike(rows: Any) -> None:
    columns = [tuple(column) for column in zip(*rows, strict=True)] or [()] * 4
    assert bits(twin.scale_numbers(*columns)) == bits(kernel.scale_numbers(*columns))


@pytest.mark.parametrize("engine", [kernel, twin])
def test_a_number_is_divided_multiplied_left_or_absent(engine: Any) -> None:
    raws, absents = (2301, 12, 7, 0x8000), (None, 0x8000, 0, 0x8000)
    assert [230.1, 1200, 7, None] == engine.scale_numbers(
        raws, absents, (10, None, None, 10), (None, 100, None, None)
    )


@pytest.mark.parametrize("engine", [kernel, twin])
@pytest.mark.parametrize("short", [1, 2, 3])
def test_columns_of_different_lengths_are_refused(engine: Any, short: int) -> None:
    columns: list[Any] = [(1, 2), (None, None), (None, None), (None, None)]
    columns[short] = (None,)
    with pytest.raises(ValueError, match="lengths"):
        engine.scale_numbers(*columns)
