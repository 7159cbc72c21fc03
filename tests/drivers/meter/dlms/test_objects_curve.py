"""Rows of a load curve become telegrams with their own time."""

import pytest
from tests.drivers.meter.dlms.conftest import array, clock, i8, named, octets, structure, u16, u32, unit

from quartier_drivers.meter.dlms.axdr import MalformedData, read_item
from quartier_drivers.meter.dlms.objects import CurveColumn, LoadCurve, make_curve_telegrams, parse_columns
from quartier_drivers.meter.dlms.values import CLOCK_NAME, parse_obis
from quartier_drivers.meter.telegrams import Group, Telegram

CAPTURED = array(
    structure(u16(8), named("0-0:1.0.0"), i8(2), u16(0)),
    structure(u16(1), named("0-0:96.10.1"), i8(2), u16(0)),
    structure(u16(3), named("1-0:1.8.0"), i8(2), u16(0)),
)
CURVE = LoadCurve(parse_obis("1-0:99.1.0"), parse_columns(read_item(CAPTURED)), 900)
SCALERS = {parse_obis("1-0:1.8.0"): read_item(unit(1, 30))}


def rows(*minutes: int) -> bytes:
    return array(
        *(
            structure(octets(clock(minute=minute, second=0)), b"\x11\x00", u32(100 + minute))
            for minute in minutes
        )
    )


def telegram(minute: int, value: int) -> Telegram:
    time = f"2026-11-25T20:{minute:02}:00+01:00"
    return Telegram(
        "77", (Group("1-0:99.1.0/0-0:96.10.1", 0, "", time), Group("1-0:99.1.0/1-0:1.8.0", value, "Wh", time))
    )


def test_columns_are_what_is_captured() -> None:
    assert CurveColumn(3, parse_obis("1-0:1.8.0"), 2) == CURVE.columns[2]
    assert CURVE.columns[0] == CURVE.clock
    assert CURVE.columns[0].name == CLOCK_NAME
    assert [None, None, 3] == [column.scaler and column.scaler.number for column in CURVE.columns]
    assert LoadCurve(b"", (CurveColumn(3, CLOCK_NAME, 2),), 0).clock is None


@pytest.mark.parametrize(
    "captured",
    [
        array(),
        array(u32(1)),
        array(structure(u16(3), octets(b"x"), i8(2), u16(0))),
        array(*[structure(u16(3), named("1-0:1.8.0"), i8(2), u16(0))] * 65),
    ],
)
def test_other_capture_objects_are_malformed(captured: bytes) -> None:
    with pytest.raises(MalformedData):
        parse_columns(read_item(captured))


def test_each_row_is_a_telegram() -> None:
    assert [telegram(0, 1000), telegram(15, 1150)] == make_curve_telegrams(
        CURVE, read_item(rows(0, 15)), SCALERS, "77"
    )


def test_rows_already_told_are_left_out() -> None:
    assert [telegram(15, 1150)] == make_curve_telegrams(
        CURVE, read_item(rows(0, 15)), SCALERS, "77", "2026-11-25T20:00:00+01:00"
    )


def test_the_newest_may_come_first() -> None:
    curve = LoadCurve(CURVE.name, CURVE.columns, 900, is_newest_first=True)

    assert [telegram(0, 1000), telegram(15, 1150)] == make_curve_telegrams(
        curve, read_item(rows(15, 0)), SCALERS, "77"
    )


def test_null_data_says_as_before_and_the_clock_one_period_later() -> None:
    buffer = array(
        structure(octets(clock(minute=0, second=0)), b"\x11\x00", u32(100)),
        structure(b"\0", b"\0", u32(115)),
        structure(b"\0", b"\0", b"\0"),
    )

    assert [telegram(0, 1000), telegram(15, 1150), telegram(30, 1150)] == make_curve_telegrams(
        CURVE, read_item(buffer), SCALERS, "77"
    )


def test_rows_of_another_length_are_left_out() -> None:
    assert [] == make_curve_telegrams(
        CURVE, read_item(array(structure(u32(1)), u32(2), structure())), SCALERS, "77"
    )
