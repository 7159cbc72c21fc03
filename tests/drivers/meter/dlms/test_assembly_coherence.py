"""What no meter puts side by side is seen, and what meters push is left alone."""

import pytest
from tests.drivers.meter.dlms.conftest import (
    aidon,
    array,
    described,
    kaifa,
    kamstrup,
    octets,
    structure,
    u16,
    u32,
)

from quartier_drivers.meter.dlms.assembly import find_missing_part, make_skeleton
from quartier_drivers.meter.dlms.axdr import read_item

NULL = b"\0"


@pytest.mark.parametrize(
    "body",
    [
        aidon(),
        aidon(with_clock=True),
        *(kaifa(items) for items in (1, 9, 13, 14, 18)),
        kamstrup(),
        described((3, "1-0:1.7.0", 2, u32(5)), (1, "0-0:96.1.0", 2, octets(b"123"))),
        array(),
        structure(b"\x0a\x06AB \x00\x00\x00"),
    ],
)
def test_what_meters_push_holds_together(body: bytes) -> None:
    assert "" == find_missing_part(read_item(body))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (structure(u32(1), NULL), "null-data"),
        (array(structure(u16(1)), u32(1)), "not alike"),
        (array(structure(u16(1)), structure(octets(b"x"))), "not alike"),
        (structure(array(structure(u16(1)), structure())), "not alike"),
        (structure(array(u16(1)), array(NULL)), "null-data"),
        (structure(u16(1), b"\x0a\x04AB\x06\x00"), "no text does"),
        (structure(u16(1), b"\x0a\x04AB\xff\x01"), "no text does"),
    ],
)
def test_what_is_out_of_step_is_seen(body: bytes, why: str) -> None:
    assert why in find_missing_part(read_item(body))


def test_a_skeleton_has_kinds_and_no_values() -> None:
    one, other = read_item(structure(u32(1), array(u16(2)))), read_item(structure(u32(3), array(u16(4))))

    assert make_skeleton(one) == make_skeleton(other)
    assert make_skeleton(one) != make_skeleton(read_item(structure(u32(1), array(u16(2), u16(3)))))
