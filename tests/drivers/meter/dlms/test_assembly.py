"""APDUs are put together from parts that belong together, or not at all."""

import pytest
from tests.drivers.meter.dlms.conftest import (
    LLC,
    aidon,
    array,
    blocks,
    described,
    hdlc,
    kaifa,
    kamstrup,
    mbus,
    octets,
    segmented,
    structure,
    u16,
    u32,
    wrapped,
)

from quartier_drivers.meter.dlms.assembly import APDU_MAX, ApduAssembly, find_missing_part, make_skeleton
from quartier_drivers.meter.dlms.axdr import read_item
from quartier_drivers.meter.dlms.scanner import FrameScanner

APDU = b"\x0f" + bytes(range(200))


def apdus(stream: bytes) -> tuple[list[bytes], ApduAssembly]:
    scanner, assembly = FrameScanner(), ApduAssembly(is_capture=True)
    found = [*scanner.feed(stream), *scanner.end()]
    return [apdu for each in found if (apdu := assembly.add(each))], assembly


@pytest.mark.parametrize(
    "stream", [segmented(APDU, 50), segmented(APDU, 500), mbus(APDU, 60), mbus(APDU), wrapped(APDU)]
)
def test_an_apdu_in_parts_is_whole(stream: bytes) -> None:
    assert [APDU, APDU] == apdus(stream + stream)[0]


def test_general_block_transfer_is_put_together() -> None:
    first, *others = blocks(APDU, 70)
    stream = hdlc(LLC + first) + b"".join(map(hdlc, others))

    assert [APDU, APDU] == apdus(stream * 2)[0]


def test_a_block_that_comes_twice_counts_once() -> None:
    first, second, third = blocks(APDU, 70)
    stream = hdlc(LLC + first) + hdlc(second) * 2 + hdlc(third)

    assert [APDU] == apdus(stream)[0]


def test_a_lost_block_gives_nothing() -> None:
    first, _, third = blocks(APDU, 70)
    made, assembly = apdus(hdlc(LLC + first) + hdlc(third) + segmented(APDU, 90))

    assert [APDU] == made
    assert assembly.bad_count >= 1


def test_a_lost_segment_is_noticed_by_what_is_left_of_it() -> None:
    frames = [hdlc(LLC + APDU[:47], more=True), hdlc(APDU[47:100], more=True), hdlc(APDU[100:])]
    damaged = bytearray(frames[1])
    damaged[20] ^= 4

    assert [] == apdus(frames[0] + bytes(damaged) + frames[2])[0]


def test_segments_of_mbus_are_taken_in_their_order() -> None:
    parts = [mbus(APDU, 60)[:71], mbus(APDU, 60)[71:142], mbus(APDU, 60)[142:]]

    assert [] == apdus(parts[0] + parts[2])[0]
    assert [] == apdus(parts[1] + parts[2])[0]
    assert [APDU] == apdus(parts[1] + parts[0] + parts[1] + parts[2])[0]


def test_a_stray_byte_between_segments_costs_nothing() -> None:
    frames = [hdlc(LLC + APDU[:47], more=True), hdlc(APDU[47:])]

    assert [APDU] == apdus(frames[0] + b"\x00" + frames[1])[0]


def test_segments_of_two_meters_do_not_mix() -> None:
    one = [hdlc(LLC + APDU[:47], more=True), hdlc(APDU[47:])]
    other = [hdlc(LLC + APDU[:50], more=True, by=b"\x05"), hdlc(APDU[50:], by=b"\x05")]

    assert [APDU, APDU] == apdus(one[0] + other[0] + one[1] + other[1])[0]


def test_numbered_segments_are_taken_in_their_order() -> None:
    frames = [
        hdlc(LLC + APDU[:47], more=True, control=0x10),
        hdlc(APDU[47:100], more=True, control=0x12),
        hdlc(APDU[100:], control=0x14),
    ]

    assert [APDU] == apdus(b"".join(frames))[0]
    assert APDU not in apdus(frames[0] + frames[2])[0]


def test_an_apdu_that_never_ends_is_given_up() -> None:
    _, assembly = apdus(hdlc(LLC + bytes(1900), more=True) + hdlc(bytes(1900), more=True) * 20)

    assert assembly.bad_count >= 1
    assert all(len(partly.data) <= APDU_MAX for partly in assembly._frames.values())


def test_telegrams_of_mbus_meters_are_none_of_ours() -> None:
    body = bytes([0x08, 0x01, 0x72, *range(12)])

    assert [] == apdus(bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) % 256, 0x16]))[0]


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
