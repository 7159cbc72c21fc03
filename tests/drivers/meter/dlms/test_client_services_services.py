"""Requests are the standard's to the byte; answers are read or refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import clock, u32

from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms.axdr import Item, MalformedData
from quartier_drivers.meter.dlms.client_services import (
    AnswerBlock,
    Attribute,
    FailedAttribute,
    ServiceRefused,
    make_action,
    make_get,
    make_get_next,
    parse_action_answer,
    parse_get_answer,
    parse_joined_blocks,
    select_by_entry,
    select_by_range,
)
from quartier_drivers.meter.dlms.values import CLOCK_NAME, parse_obis

TIME = Attribute(8, CLOCK_NAME)
ENERGY = Attribute(3, parse_obis("1-0:1.8.0"))


def test_requests_are_as_the_standard_writes_them() -> None:
    assert bytes.fromhex("c001c1 0008 0000010000ff 02 00") == make_get([TIME])
    assert bytes.fromhex("c003c1 02 0008 0000010000ff 02 00 0003 0100010800ff 02 00") == make_get(
        [TIME, ENERGY]
    )
    assert bytes.fromhex("c002c1 00000005") == make_get_next(5)
    assert bytes.fromhex("c301c1 000f 0000280000ff 01 01 0903010203") == make_action(
        15, parse_obis("0-0:40.0.0"), 1, Item(axdr.OCTETS, b"\1\2\3")
    )


def test_rows_are_selected_by_time_or_number() -> None:
    begin, end = clock(hour=0), clock(hour=23)
    expected = (
        "01 0204 0204 120008 09060000010000ff 0f02 120000 090c" + begin.hex() + "090c" + end.hex() + "0100"
    )

    assert bytes.fromhex(expected) == select_by_range(TIME, begin, end)
    assert bytes.fromhex("02 0204 0600000005 0600000000 120001 120000") == select_by_entry(5)
    curve = Attribute(7, parse_obis("1-0:99.1.0"), 2, select_by_entry(5, 9))
    assert bytes.fromhex(
        "c001c1 0007 0100630100ff 02 01 02 0204 0600000005 0600000009 120001 120000"
    ) == make_get([curve])


def test_answers_are_read() -> None:
    assert [Item(axdr.UINT32, 7)] == parse_get_answer(bytes.fromhex("c401c100") + u32(7))
    assert [FailedAttribute(4)] == parse_get_answer(bytes.fromhex("c401c10104"))
    assert [Item(axdr.UINT32, 7), FailedAttribute(9)] == parse_get_answer(
        bytes.fromhex("c403c10200") + u32(7) + b"\x01\x09"
    )
    assert AnswerBlock(3, b"ab", True) == parse_get_answer(bytes.fromhex("c402c101 00000003 00 026162"))
    assert [Item(axdr.UINT32, 7)] == parse_joined_blocks(u32(7), 1)
    assert [Item(axdr.UINT32, 7), FailedAttribute(3)] == parse_joined_blocks(
        b"\x02\x00" + u32(7) + b"\x01\x03", 2
    )
    assert Item(axdr.UINT32, 7) == parse_action_answer(bytes.fromhex("c701c1000100") + u32(7))
    assert parse_action_answer(bytes.fromhex("c701c10000")) is None


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
        parse_get_answer(bytes.fromhex(answer))


def test_an_action_may_be_refused_twice_over() -> None:
    for answer in ("c701c103", "c701c1000101 03".replace(" ", "")):
        with pytest.raises(ServiceRefused, match="read access denied"):
            parse_action_answer(bytes.fromhex(answer))


def test_reasons_are_words() -> None:
    assert "object is of another class" == str(FailedAttribute(9))
    assert "result 77" == str(FailedAttribute(77))


@given(st.binary(max_size=80))
def test_any_bytes_are_an_answer_or_none(data: bytes) -> None:
    for read in (parse_get_answer, parse_action_answer, lambda content: parse_joined_blocks(content, 2)):
        with suppress(MalformedData, ServiceRefused):
            read(data)
