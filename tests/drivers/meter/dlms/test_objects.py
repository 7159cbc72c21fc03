"""What an object is, its name tells as far as it can."""

import pytest
from tests.drivers.meter.dlms.conftest import array, clock, i8, named, octets, structure, u16, u32, unit

from quartier_drivers.meter.dlms.axdr import Item, MalformedData, read_item
from quartier_drivers.meter.dlms.objects import (
    CLOCK_CLASS,
    DATA_CLASS,
    DEMAND_REGISTER_CLASS,
    EXTENDED_REGISTER_CLASS,
    PROFILE_GENERIC_CLASS,
    REGISTER_CLASS,
    CurveColumn,
    LoadCurve,
    list_attributes,
    make_curve_telegrams,
    make_object_groups,
    make_wanted,
    parse_columns,
)
from quartier_drivers.meter.dlms.values import CLOCK_NAME, parse_obis
from quartier_drivers.meter.telegrams import Group, Telegram


@pytest.mark.parametrize(
    ("expected", "label"),
    [
        (REGISTER_CLASS, "1-0:1.8.0"),
        (REGISTER_CLASS, "1-0:32.7.0"),
        (EXTENDED_REGISTER_CLASS, "1-0:1.6.0"),
        (DEMAND_REGISTER_CLASS, "1-0:1.4.0"),
        (CLOCK_CLASS, "0-0:1.0.0"),
        (DATA_CLASS, "0-0:96.1.0"),
        (EXTENDED_REGISTER_CLASS, "0-1:24.2.1"),
        (PROFILE_GENERIC_CLASS, "1-0:99.1.0"),
        (PROFILE_GENERIC_CLASS, "0-0:98.1.0"),
        (DATA_CLASS, "1-0:0.2.0"),
    ],
)
def test_a_name_tells_the_likeliest_class(expected: int, label: str) -> None:
    assert expected == make_wanted(label).kinds[0]


def test_what_is_said_of_a_class_counts() -> None:
    assert (DATA_CLASS,) == make_wanted("1-0:1.8.0", "data").kinds
    assert make_wanted("1-0:1.8.0", "profile").is_curve
    with pytest.raises(ValueError, match="expected one of data"):
        make_wanted("1-0:1.8.0", "gizmo")
    with pytest.raises(ValueError, match="no OBIS name"):
        make_wanted("EAST")


def test_each_class_has_its_attributes() -> None:
    assert [(2,), (2,), (2, 5), (2, 3, 6), (2,)] == [
        list_attributes(kind)
        for kind in (DATA_CLASS, REGISTER_CLASS, EXTENDED_REGISTER_CLASS, DEMAND_REGISTER_CLASS, CLOCK_CLASS)
    ]


def items(**sent: bytes) -> dict[int, Item]:
    return {int(number[1:]): read_item(data) for number, data in sent.items()}


def test_objects_say_groups() -> None:
    energy, maximum = parse_obis("1-0:1.8.0"), parse_obis("1-0:1.6.0")
    kilo, time = read_item(unit(3, 30)), "2026-11-25T20:10:05+01:00"

    assert [Group("1-0:1.8.0", 7000, "Wh")] == make_object_groups(
        energy, REGISTER_CLASS, items(a2=u32(7)), kilo
    )
    assert [Group("1-0:1.6.0", 7, "", time)] == make_object_groups(
        maximum, EXTENDED_REGISTER_CLASS, items(a2=u32(7), a5=octets(clock())), None
    )
    assert [
        Group("1-0:1.4.0", 7, "", time),
        Group("1-0:1.4.0", 8, "", time, {"attribute": 3}),
    ] == make_object_groups(
        parse_obis("1-0:1.4.0"), DEMAND_REGISTER_CLASS, items(a2=u32(7), a3=u32(8), a6=octets(clock())), None
    )
    assert [Group("0-0:1.0.0", time, "", time, {"summer": 1})] == make_object_groups(
        CLOCK_NAME, CLOCK_CLASS, items(a2=octets(clock(status=0x80))), None
    )
    assert [] == make_object_groups(energy, REGISTER_CLASS, items(a2=b"\0"), kilo)


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
