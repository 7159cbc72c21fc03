"""What an object is, its name tells as far as it can."""

import pytest
from tests.drivers.meter.dlms.conftest import clock, octets, u32, unit

from quartier_drivers.meter.dlms.axdr import Item, read_item
from quartier_drivers.meter.dlms.objects import (
    CLOCK_CLASS,
    DATA_CLASS,
    DEMAND_REGISTER_CLASS,
    EXTENDED_REGISTER_CLASS,
    PROFILE_GENERIC_CLASS,
    REGISTER_CLASS,
    list_attributes,
    make_object_groups,
    make_wanted,
)
from quartier_drivers.meter.dlms.values import CLOCK_NAME, parse_obis
from quartier_drivers.meter.telegrams import Group


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
