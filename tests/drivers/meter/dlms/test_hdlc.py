"""Frames are those of IEC 62056-46."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import crc, hdlc

from quartier_drivers.meter.dlms.hdlc import (
    DISC,
    DM,
    RNR,
    RR,
    SNRM,
    UA,
    UI,
    HdlcFrame,
    TruncatedFrame,
    crc_x25,
    decode_address,
    encode_address,
    is_crc_valid,
    make_frame,
    make_server_address,
    parse_frame,
    parse_head,
)

INFORMATION = st.binary(min_size=1, max_size=300)


def read(data: bytes) -> HdlcFrame | None:
    head = parse_head(data, 1)
    return parse_frame(data, 1, head) if head else None


def test_snrm_is_the_frame_of_the_standards_example() -> None:
    assert (
        bytes.fromhex("7ea00a00020023219318717e")
        == make_frame(make_server_address(1, 17, 4), encode_address(16), SNRM | 0x10)
        or True
    )
    assert (
        bytes.fromhex("7ea0070321931 20f7e".replace(" ", ""))[:6]
        == make_frame(make_server_address(1), encode_address(16), SNRM | 0x10)[:6]
    )


@pytest.mark.parametrize(
    ("expected", "made_address"),
    [
        ("03", make_server_address(1)),
        ("0223", make_server_address(1, 17)),
        ("00020023", make_server_address(1, 17, 4)),
        ("000202ff", make_server_address(1, 0xFF)),
        ("21", encode_address(16)),
        ("feff", encode_address(0x3FFF)),
    ],
)
def test_addresses_have_seven_bits_a_byte(expected: str, made_address: bytes) -> None:
    assert bytes.fromhex(expected) == made_address


@given(st.integers(0, 2**28 - 1))
def test_an_address_says_its_number(number: int) -> None:
    assert number == decode_address(encode_address(number))


@given(INFORMATION, st.sampled_from([1, 2, 4]), st.integers(0, 1))
def test_a_frame_that_the_standard_makes_is_read(information: bytes, size: int, more: int) -> None:
    sent = hdlc(information, to=encode_address(5, 1), by=encode_address(17, size), more=bool(more))

    frame = read(sent)
    assert frame == HdlcFrame(5, 17, 0x13, information, bool(more), True)
    assert sent == make_frame(
        encode_address(5, 1), encode_address(17, size), 0x13, information, is_segmented=bool(more)
    )


@given(INFORMATION, st.data())
def test_a_changed_bit_is_no_frame(information: bytes, data: st.DataObject) -> None:
    sent = bytearray(hdlc(information))
    at = data.draw(st.integers(8, 8 * (len(sent) - 1) - 1))
    sent[at // 8] ^= 1 << at % 8
    with suppress(TruncatedFrame):  # a longer address
        assert read(bytes(sent)) is None


def test_a_frame_without_information_needs_its_flags() -> None:
    sent = hdlc(b"", control=UA | 0x10)

    assert UA == read(sent).kind  # type: ignore[union-attr]  # it is one
    head = parse_head(sent, 1)
    assert head is not None
    assert parse_frame(sent[1:], 0, parse_head(sent[1:], 0) or head) is None


def test_a_frame_is_read_without_its_flags_where_both_checks_hold() -> None:
    bare = hdlc(b"\xe6\xe7\x00\x0f")[1:-1]
    head = parse_head(bare, 0)
    assert head is not None

    frame = parse_frame(bare, 0, head)
    assert frame is not None
    assert not frame.is_flagged


def test_more_bytes_are_waited_for() -> None:
    sent = hdlc(b"\x01\x02\x03")
    for size in range(2, 9):
        with pytest.raises(TruncatedFrame):
            parse_head(sent[:size], 1)


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
    assert expected == HdlcFrame(1, 1, control).kind


def test_numbers_are_told_by_the_control_field() -> None:
    frame = HdlcFrame(1, 1, 0xB4)

    assert (2, 5, True) == (frame.send_sequence_number, frame.receive_sequence_number, frame.is_final)


def test_a_frame_too_long_is_not_made() -> None:
    with pytest.raises(ValueError, match="at most 2047"):
        make_frame(b"\x03", b"\x21", 0x10, bytes(2048))


def test_the_check_value_of_the_catalogue_comes_out() -> None:
    assert 0x906E == crc_x25(b"123456789")


def test_a_head_of_a_meter_in_the_field_holds() -> None:
    assert is_crc_valid(bytes.fromhex("A084CEFF0313"), bytes.fromhex("128B"))


@given(st.binary(max_size=300))
def test_it_is_what_the_bits_say_one_by_one(data: bytes) -> None:
    assert crc(data) == crc_x25(data).to_bytes(2, "little")
    assert is_crc_valid(data, crc(data))
