"""Requests are the standard's to the byte; answers are read or refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import clock, u32

from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms.axdr import Item, Malformed
from quartier_drivers.meter.dlms.obis import CLOCK, name
from quartier_drivers.meter.dlms.services import (
    Attribute,
    Block,
    Failed,
    ServiceRefused,
    acted,
    action,
    by_entry,
    by_range,
    get,
    get_next,
    got,
    joined,
)

TIME = Attribute(8, CLOCK)
ENERGY = Attribute(3, name("1-0:1.8.0"))


def test_requests_are_as_the_standard_writes_them() -> None:
    assert bytes.fromhex("c001c1 0008 0000010000ff 02 00") == get([TIME])
    assert bytes.fromhex("c003c1 02 0008 0000010000ff 02 00 0003 0100010800ff 02 00") == get([TIME, ENERGY])
    assert bytes.fromhex("c002c1 00000005") == get_next(5)
    assert bytes.fromhex("c301c1 000f 0000280000ff 01 01 0903010203") == action(
        15, name("0-0:40.0.0"), 1, Item(axdr.OCTETS, b"\1\2\3")
    )


def test_rows_are_selected_by_time_or_number() -> None:
    begin, end = clock(hour=0), clock(hour=23)
    expected = (
        "01 0204 0204 120008 09060000010000ff 0f02 120000 090c" + begin.hex() + "090c" + end.hex() + "0100"
    )

    assert bytes.fromhex(expected) == by_range(TIME, begin, end)
    assert bytes.fromhex("02 0204 0600000005 0600000000 120001 120000") == by_entry(5)
    curve = Attribute(7, name("1-0:99.1.0"), 2, by_entry(5, 9))
    assert bytes.fromhex("c001c1 0007 0100630100ff 02 01 02 0204 0600000005 0600000009 120001 120000") == get(
        [curve]
    )


def test_answers_are_read() -> None:
    assert [Item(axdr.UINT32, 7)] == got(bytes.fromhex("c401c100") + u32(7))
    assert [Failed(4)] == got(bytes.fromhex("c401c10104"))
    assert [Item(axdr.UINT32, 7), Failed(9)] == got(bytes.fromhex("c403c10200") + u32(7) + b"\x01\x09")
    assert Block(3, b"ab", True) == got(bytes.fromhex("c402c101 00000003 00 026162"))
    assert [Item(axdr.UINT32, 7)] == joined(u32(7), 1)
    assert [Item(axdr.UINT32, 7), Failed(3)] == joined(b"\x02\x00" + u32(7) + b"\x01\x03", 2)
    assert Item(axdr.UINT32, 7) == acted(bytes.fromhex("c701c1000100") + u32(7))
    assert acted(bytes.fromhex("c701c10000")) is None


@pytest.mark.parametrize(
    ("why", "answer"),
    [
        ("service not supported", "d80102"),
        ("service error 01 06 01", "0e010601"),
        ("long answer aborted", "c402c1000000000 1010f".replace(" ", "")),
    ],
)
def test_a_refusal_says_why(why: str, answer: str) -> None:
    with pytest.raises(ServiceRefused, match=why):
        got(bytes.fromhex(answer))


def test_an_action_may_be_refused_twice_over() -> None:
    for answer in ("c701c103", "c701c1000101 03".replace(" ", "")):
        with pytest.raises(ServiceRefused, match="read access denied"):
            acted(bytes.fromhex(answer))


def test_reasons_are_words() -> None:
    assert "object is of another class" == str(Failed(9))
    assert "result 77" == str(Failed(77))


@given(st.binary(max_size=80))
def test_any_bytes_are_an_answer_or_none(data: bytes) -> None:
    for read in (got, acted, lambda content: joined(content, 2)):
        with suppress(Malformed, ServiceRefused):
            read(data)
