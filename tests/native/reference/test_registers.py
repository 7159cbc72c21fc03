"""The reading of registers by its own rules, on the twin."""

import math
import struct
from array import array

import pytest

from quartier_native.reference.registers import (
    BAD,
    BOOL,
    COIL,
    ELSEWHERE,
    GOOD,
    INT,
    LEFT,
    REAL,
    SIGNED,
    TRUTH,
    Field,
    Registers,
    crc16,
)


def read(field: Field, data: bytes, last: float = 7.0) -> tuple[float, int]:
    values, qualities = Registers([field]).read(data, array("d", [last]))
    return values[0], qualities[0]


def test_whole_numbers_are_scaled_in_whole_numbers_and_rounded_once() -> None:
    assert (123.4, GOOD) == read(Field(0, bottom=10), struct.pack(">H", 1234))
    assert (0.3, GOOD) == read(Field(0, bottom=10), struct.pack(">H", 3))
    assert (-1234.5, GOOD) == read(Field(0, SIGNED, 2, top=-1, bottom=10), struct.pack(">i", 12345))
    assert (-253.15, GOOD) == read(Field(0, shift=-27315, bottom=100, top=100), struct.pack(">H", 20))


def test_registers_and_their_bytes_come_in_either_order() -> None:
    assert (0x0A0B0C0D, GOOD) == read(Field(0, words=2), bytes.fromhex("0A0B0C0D"))
    assert (0x0A0B0C0D, GOOD) == read(Field(0, words=2, low_first=True), bytes.fromhex("0C0D0A0B"))
    assert (0x0A0B0C0D, GOOD) == read(Field(0, words=2, swapped=True), bytes.fromhex("0B0A0D0C"))


def test_what_is_absent_or_implausible_keeps_the_last_value() -> None:
    field = Field(1, absent=(0x8000,), low=0, high=100)

    assert (100, GOOD) == read(field, struct.pack(">HH", 9, 100))
    assert (7.0, BAD) == read(field, struct.pack(">HH", 9, 101))
    assert (7.0, BAD) == read(field, struct.pack(">HH", 9, 0x8000))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e38])
def test_no_infinite_number_comes_out(value: float) -> None:
    assert (7.0, BAD) == read(Field(0, REAL, 4, top=10**15), struct.pack(">d", value * 1e270))


def test_floats_are_scaled_with_one_rounding_or_not_at_all() -> None:
    assert (1500.0, GOOD) == read(Field(0, REAL, 2, top=1000), struct.pack(">f", 1.5))
    for field in (Field(0, REAL, 4, top=3, bottom=10), Field(0, REAL, 2, shift=1), Field(0, REAL, 1)):
        with pytest.raises(ValueError, match="round twice"):
            Registers([field])


def test_bits_coils_and_truths() -> None:
    assert (0xA, GOOD) == read(Field(0, lowest=4, bits=4), struct.pack(">H", 0x12A4))
    assert (1.0, GOOD) == read(Field(9, COIL, kind=BOOL), b"\0\2")
    assert (1.0, GOOD) == read(Field(0, TRUTH, kind=BOOL), struct.pack(">H", 0x300))


def test_whole_quantities_are_rounded_half_to_even_and_never_minus_zero() -> None:
    assert (2.0, GOOD) == read(Field(0, bottom=2, kind=INT), struct.pack(">H", 5))
    value, _ = read(Field(0, SIGNED, bottom=10, kind=INT), struct.pack(">h", -3))
    assert 1.0 == math.copysign(1.0, value)


def test_what_no_double_holds_is_left_to_the_caller() -> None:
    assert (2.0**53 - 1, GOOD) == read(Field(0, words=4), struct.pack(">Q", 2**53 - 1))
    assert (7.0, LEFT) == read(Field(0, words=4), struct.pack(">Q", 2**53))
    assert (7.0, LEFT) == read(Field(0, words=4, top=1000), struct.pack(">Q", 2**45))
    assert (7.0, LEFT) == read(Field(0, ELSEWHERE), b"")
    assert 0 == Registers([Field(500, ELSEWHERE)]).size


def test_the_parts_of_a_sum_are_added_before_they_are_scaled() -> None:
    assert (0.6, GOOD) == read(Field(0, parts=3, bottom=10), struct.pack(">HHH", 1, 2, 3))
    assert (7.0, BAD) == read(Field(0, parts=3, absent=(0x8000,)), struct.pack(">HHH", 1, 0x8000, 3))


def test_the_checksum_of_a_sound_frame_with_its_own_is_zero() -> None:
    frame = bytes.fromhex("010300000002")

    assert "c40b" == crc16(frame).to_bytes(2, "little").hex()
    assert 0 == crc16(frame + bytes.fromhex("c40b"))
