"""Values are scaled exactly and told as a person reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import clock, enum, i8, octets, structure, text, u16, u32, unit

from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms.axdr import Item, read_item
from quartier_drivers.meter.dlms.values import parse_scaler, read_quantity, render_item, scale_number


@pytest.mark.parametrize(
    ("expected", "number", "power"),
    [(33.813, 33813, -3), (227.4, 2274, -1), (1230, 123, 1), (7, 7, 0), (15.0, 1.5, 1), (1e40, 1, 40)],
)
def test_a_number_is_scaled_to_the_decimal_that_was_meant(expected: float, number: float, power: int) -> None:
    assert expected == scale_number(number, power)


@given(st.integers(-(2**63), 2**64), st.integers(-30, -1))
def test_the_nearest_float_comes_out(number: int, power: int) -> None:
    assert float(f"{number}e{power}") == scale_number(number, power)


@pytest.mark.parametrize(
    ("expected", "sent"),
    [
        ("MA304H3E", octets(b"MA304H3E")),
        ("40799390", text("40799390\0\0\0")),
        ("", octets(b"\0")),
        ("0041ff", octets(b"\x00\x41\xff")),
        ("0-2:25.9.0", octets(bytes([0, 2, 25, 9, 0, 255]))),
        ("2026-11-25T20:10:05+01:00", octets(clock())),
        ("2026-11-25T20:10:05+01:00", b"\x19" + clock()),
        ("2026-11-25", b"\x1a" + clock()[:5]),
        ("20:10:05", b"\x1b" + clock()[5:9]),
        ("ff0a0500", b"\x1b\xff\x0a\x05\x00"),
        ("181220000009", octets(b"181220000009")),
        (1, b"\x03\x01"),
        (None, b"\x00"),
        ("nan", b"\x17\x7f\xc0\x00\x00"),
        ("[0-0:99.98.4 3]", structure(octets(bytes([0, 0, 99, 98, 4, 255])), u16(3))),
        ("a?b", text("a\x07b")),
    ],
)
def test_each_kind_is_told_as_a_person_reads_it(expected: object, sent: bytes) -> None:
    assert expected == render_item(read_item(sent))


def test_scaler_and_unit_are_told_from_other_structures() -> None:
    assert parse_scaler(read_item(unit(-1, 35))) == (-1, "V")
    assert parse_scaler(read_item(unit(0, 255))) == (0, "")
    for other in (structure(i8(1)), structure(i8(1), i8(2)), structure(enum(1), i8(1)), u32(7)):
        assert parse_scaler(read_item(other)) is None
    assert parse_scaler(None) is None


def test_a_text_is_never_scaled() -> None:
    assert read_quantity(read_item(text("AB")), read_item(unit(-1, 35))) == ("AB", "V")
    assert read_quantity(Item(axdr.NULL, None), None) == (None, "")
    assert read_quantity(read_item(u16(2274)), read_item(unit(-1, 35))) == (227.4, "V")
