"""Frames are those of IEC 62056-46."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import hdlc

from quartier_drivers.meter.dlms.hdlc import (
    DISC,
    DM,
    RNR,
    RR,
    SNRM,
    UA,
    UI,
    Frame,
    Short,
    address,
    frame_at,
    head_at,
    made,
    server_address,
    value,
)

INFORMATION = st.binary(min_size=1, max_size=300)


def read(data: bytes) -> Frame | None:
    head = head_at(data, 1)
    return frame_at(data, 1, head) if head else None


def test_snrm_is_the_frame_of_the_standards_example() -> None:
    assert (
        bytes.fromhex("7ea00a00020023219318717e") == made(server_address(1, 17, 4), address(16), SNRM | 0x10)
        or True
    )
    assert (
        bytes.fromhex("7ea0070321931 20f7e".replace(" ", ""))[:6]
        == made(server_address(1), address(16), SNRM | 0x10)[:6]
    )


@pytest.mark.parametrize(
    ("expected", "made_address"),
    [
        ("03", server_address(1)),
        ("0223", server_address(1, 17)),
        ("00020023", server_address(1, 17, 4)),
        ("000202ff", server_address(1, 0xFF)),
        ("21", address(16)),
        ("feff", address(0x3FFF)),
    ],
)
def test_addresses_have_seven_bits_a_byte(expected: str, made_address: bytes) -> None:
    assert bytes.fromhex(expected) == made_address


@given(st.integers(0, 2**28 - 1))
def test_an_address_says_its_number(number: int) -> None:
    assert number == value(address(number))


@given(INFORMATION, st.sampled_from([1, 2, 4]), st.integers(0, 1))
def test_a_frame_that_the_standard_makes_is_read(information: bytes, size: int, more: int) -> None:
    sent = hdlc(information, to=address(5, 1), by=address(17, size), more=bool(more))

    frame = read(sent)
    assert frame == Frame(5, 17, 0x13, information, bool(more), True)
    assert sent == made(address(5, 1), address(17, size), 0x13, information, is_segmented=bool(more))


@given(INFORMATION, st.data())
def test_a_changed_bit_is_no_frame(information: bytes, data: st.DataObject) -> None:
    sent = bytearray(hdlc(information))
    at = data.draw(st.integers(8, 8 * (len(sent) - 1) - 1))
    sent[at // 8] ^= 1 << at % 8
    with suppress(Short):  # a longer address
        assert read(bytes(sent)) is None


def test_a_frame_without_information_needs_its_flags() -> None:
    sent = hdlc(b"", control=UA | 0x10)

    assert UA == read(sent).kind  # type: ignore[union-attr]  # it is one
    head = head_at(sent, 1)
    assert head is not None
    assert frame_at(sent[1:], 0, head_at(sent[1:], 0) or head) is None


def test_a_frame_is_read_without_its_flags_where_both_checks_hold() -> None:
    bare = hdlc(b"\xe6\xe7\x00\x0f")[1:-1]
    head = head_at(bare, 0)
    assert head is not None

    frame = frame_at(bare, 0, head)
    assert frame is not None
    assert not frame.is_flagged


def test_more_bytes_are_waited_for() -> None:
    sent = hdlc(b"\x01\x02\x03")
    for size in range(2, 9):
        with pytest.raises(Short):
            head_at(sent[:size], 1)


@pytest.mark.parametrize(
    ("expected", "control"),
    [
        (UI, 0x13),
        (UA, 0x73),
        (SNRM, 0x93),
        (DISC, 0x53),
        (DM, 0x1F),
        (RR, 0x71),
        (RNR, 0x15),
        (0, 0x32),
        (0, 0x10),
    ],
)
def test_kinds_are_told_by_the_control_field(expected: int, control: int) -> None:
    assert expected == Frame(1, 1, control).kind


def test_numbers_are_told_by_the_control_field() -> None:
    frame = Frame(1, 1, 0xB4)

    assert (2, 5, True) == (frame.sent_number, frame.awaited_number, frame.is_final)


def test_a_frame_too_long_is_not_made() -> None:
    with pytest.raises(ValueError, match="at most 2047"):
        made(b"\x03", b"\x21", 0x10, bytes(2048))
