"""What an object is, its name tells as far as it can."""

import pytest
from tests.drivers.meter.dlms.conftest import clock, octets, u32, unit

from quartier_drivers.meter.dlms.axdr import Item, read
from quartier_drivers.meter.dlms.obis import CLOCK, name
from quartier_drivers.meter.dlms.objects import (
    CURVE,
    DATA,
    DEMAND,
    EXTENDED,
    REGISTER,
    TIMEPIECE,
    attributes,
    groups,
    wanted,
)
from quartier_drivers.meter.telegram import Group


@pytest.mark.parametrize(
    ("expected", "label"),
    [
        (REGISTER, "1-0:1.8.0"),
        (REGISTER, "1-0:32.7.0"),
        (EXTENDED, "1-0:1.6.0"),
        (DEMAND, "1-0:1.4.0"),
        (TIMEPIECE, "0-0:1.0.0"),
        (DATA, "0-0:96.1.0"),
        (EXTENDED, "0-1:24.2.1"),
        (CURVE, "1-0:99.1.0"),
        (CURVE, "0-0:98.1.0"),
        (DATA, "1-0:0.2.0"),
    ],
)
def test_a_name_tells_the_likeliest_class(expected: int, label: str) -> None:
    assert expected == wanted(label).kinds[0]


def test_what_is_said_of_a_class_counts() -> None:
    assert (DATA,) == wanted("1-0:1.8.0", "data").kinds
    assert wanted("1-0:1.8.0", "profile").is_curve
    with pytest.raises(ValueError, match="expected one of data"):
        wanted("1-0:1.8.0", "gizmo")
    with pytest.raises(ValueError, match="no OBIS name"):
        wanted("EAST")


def test_each_class_has_its_attributes() -> None:
    assert [(2,), (2,), (2, 5), (2, 3, 6), (2,)] == [
        attributes(kind) for kind in (DATA, REGISTER, EXTENDED, DEMAND, TIMEPIECE)
    ]


def items(**sent: bytes) -> dict[int, Item]:
    return {int(number[1:]): read(data) for number, data in sent.items()}


def test_objects_say_groups() -> None:
    energy, maximum = name("1-0:1.8.0"), name("1-0:1.6.0")
    kilo, time = read(unit(3, 30)), "2026-11-25T20:10:05+01:00"

    assert [Group("1-0:1.8.0", 7000, "Wh")] == groups(energy, REGISTER, items(a2=u32(7)), kilo)
    assert [Group("1-0:1.6.0", 7, "", time)] == groups(
        maximum, EXTENDED, items(a2=u32(7), a5=octets(clock())), None
    )
    assert [Group("1-0:1.4.0", 7, "", time), Group("1-0:1.4.0", 8, "", time, {"attribute": 3})] == groups(
        name("1-0:1.4.0"), DEMAND, items(a2=u32(7), a3=u32(8), a6=octets(clock())), None
    )
    assert [Group("0-0:1.0.0", time, "", time, {"summer": 1})] == groups(
        CLOCK, TIMEPIECE, items(a2=octets(clock(status=0x80))), None
    )
    assert [] == groups(energy, REGISTER, items(a2=b"\0"), kilo)
