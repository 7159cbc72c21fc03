"""The compiled reader of registers and its twin read the same bits and refuse the same."""

import math
import struct
from array import array
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.modbus.conftest import crc

from quartier_native import registers as kernel
from quartier_native.reference import registers as twin
from quartier_native.reference.registers import Field

WORDS_MAX = 24
CODES = st.sampled_from([0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FC0, 0x7F80, 0xFF80, 0x0020, 0x4340])
NUMBERS = st.sampled_from([1, 2, 3, 10, 1000, 2**29 - 1, 2**29, 2**52, 2**53 - 1, 2**53])
BOUNDS = st.sampled_from([-math.inf, -1e9, -1.0, 0.0, 1.0, 1e9, math.inf])


@st.composite
def fields(draw: st.DrawFn) -> Field:
    words = draw(st.sampled_from([1, 2, 4]))
    scaled = draw(st.booleans())
    cut = draw(st.booleans())
    return Field(
        draw(st.integers(0, WORDS_MAX)),
        draw(st.integers(twin.ELSEWHERE, twin.REAL)),
        words,
        draw(st.sampled_from([1, 1, 1, 2, 3])),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.integers(0, 16 * words)) if cut else 0,
        draw(st.integers(1, 16 * words)) if cut else 0,
        draw(NUMBERS) * draw(st.sampled_from([1, -1])) if scaled else 1,
        draw(st.integers(-(2**53), 2**53)) if scaled and draw(st.booleans()) else 0,
        draw(NUMBERS) if scaled else 1,
        tuple(draw(st.lists(st.sampled_from([0, 0x8000, 0x7FFFFFFF, 0xFFFF]), max_size=2))),
        draw(BOUNDS),
        draw(BOUNDS),
        draw(st.integers(twin.FLOAT, twin.BOOL)),
    )


DATA = st.lists(st.one_of(CODES, st.integers(0, 0xFFFF)), max_size=WORDS_MAX + 12).map(
    lambda words: struct.pack(f">{len(words)}H", *words)
)


def read(engine: ModuleType, rows: list[Field], data: bytes, last: "array[float]") -> object:
    """Bits of the columns, or what was said of the question; any other error is a failure."""
    try:
        registers = engine.Registers(rows)
        values, qualities = registers.read(data, last)
    except (ValueError, TypeError) as error:
        return str(error)
    return len(registers), registers.size, values.typecode, values.tobytes(), qualities


@given(st.lists(fields(), max_size=6), DATA, st.floats())
def test_both_read_the_same_bits_and_refuse_the_same(rows: list[Field], data: bytes, last: float) -> None:
    held = array("d", [last] * len(rows))

    assert read(twin, rows, data, held) == read(kernel, rows, data, held)


@given(fields(), st.binary(min_size=64, max_size=64))
def test_both_read_the_same_of_any_bytes(row: Field, data: bytes) -> None:
    held = array("d", [7.0])

    assert read(twin, [row], data, held) == read(kernel, [row], data, held)


@given(st.binary(max_size=300))
def test_both_make_the_checksum_that_appendix_b_makes_bit_by_bit(data: bytes) -> None:
    assert crc(data) == twin.crc16(data).to_bytes(2, "little")
    assert twin.crc16(data) == kernel.crc16(data) == kernel.crc16(bytearray(data))
    assert 0 == kernel.crc16(data + crc(data)) == twin.crc16(data + crc(data))


@pytest.mark.parametrize("engine", [twin, kernel], ids=["twin", "kernel"])
@pytest.mark.parametrize(
    ("data", "last", "error"),
    [
        (b"\0", array("d", [0.0]), ValueError),
        (b"\0\0", array("d"), ValueError),
        (b"\0\0", array("f", [0.0]), TypeError),
        (b"\0\0", [0.0], TypeError),
    ],
    ids=["short", "no last", "singles", "a list"],
)
def test_what_does_not_fit_is_refused(
    engine: ModuleType, data: bytes, last: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        engine.Registers([Field(0)]).read(data, last)


@pytest.mark.parametrize("engine", [twin, kernel], ids=["twin", "kernel"])
def test_more_fields_than_coils_in_an_answer_are_refused(engine: ModuleType) -> None:
    assert 2000 == len(engine.Registers([Field(0)] * 2000))
    with pytest.raises(ValueError, match="more than 2000"):
        engine.Registers([Field(0)] * 2001)
    with pytest.raises(ValueError, match="form 9"):
        engine.Registers([Field(0, 9)])
