"""Values are scaled exactly and told as a person reads them."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import (
    NO_DEVIATION,
    clock,
    enum,
    i8,
    octets,
    structure,
    text,
    u16,
    u32,
    unit,
)

from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms.axdr import Item, read_item
from quartier_drivers.meter.dlms.values import (
    encode_time,
    is_obis_name,
    parse_obis,
    parse_scaler,
    read_clock_status,
    read_quantity,
    render_iso_time,
    render_item,
    scale_number,
)
from quartier_drivers.meter.units import COSEM_UNITS, render_obis


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


@pytest.mark.parametrize(
    ("expected", "sent"),
    [
        ("2020-01-25T13:09:30", "07e40119060d091eff800000"),
        ("2022-11-12T16:54:00+01:00", "07e60b0c06103600 00ffc400"),
        ("2021-09-27T09:47:15+02:00", "07e5091b01092f0f00ff8880"),
        ("2026-11-25T20:10:05.07+00:00", "07ea0b19ff140a0507000000"),
        ("2026-11-25T20:10:05-03:30", "07ea0b19ff140a0500 00d200"),
        ("2026-11-25", "07ea0b1903"),
        ("20:10:05", "140a05ff"),
        ("2026-11-25T20:10:00", "07ea0b1903140affff800000"),
    ],
)
def test_what_a_meter_says_is_told(expected: str, sent: str) -> None:
    assert expected == render_iso_time(bytes.fromhex(sent))


@pytest.mark.parametrize(
    "sent",
    [
        "ffff0b1903140a05008000 00",
        "07eaff1903140a0500800000",
        "07ea0bfe03140a0500800000",
        "07ea0b1903ff0a0500800000",
        "07ea0b19031860050080 0000",
        "07ea0b1903140a0500040000",
        "313831323230303030303039",
        "07ea",
        "",
    ],
)
def test_what_is_not_said_is_not_made_up(sent: str) -> None:
    assert "" == render_iso_time(bytes.fromhex(sent))


def test_the_clocks_status_is_noted() -> None:
    assert {"summer": 1} == read_clock_status(clock(status=0x80))
    assert {"doubtful": 1} == read_clock_status(clock(status=0x02))
    assert {} == read_clock_status(clock(status=0))
    assert {} == read_clock_status(clock(status=0xFF))


def test_a_moment_is_sent_as_it_is_read() -> None:
    here = datetime(2026, 11, 25, 20, 10, 5, tzinfo=timezone(timedelta(hours=1)))

    assert "2026-11-25T20:10:05+01:00" == render_iso_time(encode_time(here))
    assert "2026-11-25T20:10:05" == render_iso_time(encode_time(here.replace(tzinfo=None)))
    assert clock(deviation=NO_DEVIATION) == encode_time(here.replace(tzinfo=None))


def test_f_is_told_only_where_it_says_something() -> None:
    assert "1-0:1.8.0" == render_obis(bytes([1, 0, 1, 8, 0, 255]))
    assert "1-0:1.8.0*12" == render_obis(bytes([1, 0, 1, 8, 0, 12]))


@given(st.binary(min_size=6, max_size=6))
def test_a_label_names_the_same_object_again(octets: bytes) -> None:
    assert octets == parse_obis(render_obis(octets))


@pytest.mark.parametrize("text", ["", "1.8.0", "1-0:1.8.256", "1-0:1.8.0*", "x-0:1.8.0"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no OBIS name"):
        parse_obis(text)


def test_texts_are_no_names() -> None:
    assert is_obis_name(bytes([1, 0, 1, 8, 0, 255]))
    assert not is_obis_name(b"160456")
    assert not is_obis_name(b"KFM_001")


def test_energy_power_volts_and_amperes_have_the_codes_of_the_blue_book() -> None:
    assert ["W", "VA", "var", "Wh", "varh", "A", "V", "Hz"] == [
        COSEM_UNITS[code] for code in (27, 28, 29, 30, 32, 33, 35, 44)
    ]
