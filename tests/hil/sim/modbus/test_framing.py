import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_sim.modbus import framing


def test_check_is_the_one_of_the_relay_boards_manual():
    # Waveshare wiki: 01 05 00 00 FF 00 8C 3A pulls relay 1 in.
    assert bytes.fromhex("8C3A") == framing.compute_crc16(bytes.fromhex("01050000FF00"))


def test_serial_frame_is_unit_pdu_and_check():
    assert bytes.fromhex("0101000000083DCC") == framing.build_rtu_frame(1, bytes.fromhex("0100000008"))


def test_serial_frame_with_a_flipped_bit_is_no_request():
    assert (1, bytes.fromhex("0100000008")) == framing.parse_rtu_request(bytes.fromhex("0101000000083DCC"))
    assert None is framing.parse_rtu_request(bytes.fromhex("0101000000093DCC"))


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("01", None),
        ("0103", 8),
        ("0105", 8),
        ("011000250002", None),
        ("01100025000204", 13),
        ("010F0000000801", 10),
        ("012C", None),
    ],
)
def test_length_of_a_request_is_known_as_soon_as_it_can_be(heard, expected):
    assert expected == framing.find_rtu_request_size(bytes.fromhex(heard))


def test_tcp_frame_carries_the_transaction_and_counts_the_unit():
    assert bytes.fromhex("1234000000 06 FF 0303E80002") == framing.build_tcp_frame(
        0x1234, 255, bytes.fromhex("0303E80002")
    )


@pytest.mark.parametrize("header", ["00010001000601", "00010000000101", "0001000000FF01"])
def test_other_headers_are_no_modbus(header):
    assert None is framing.parse_tcp_header(bytes.fromhex(header))


@given(st.floats(-(2.0**31), 2.0**31 - 1))
def test_whole_numbers_come_back_nearest(value):
    high, low = framing.encode_integer(value, 32)

    assert round(value) == framing.decode_int32(high, low)
    assert [low, high] == framing.encode_integer(value, 32, low_first=True)


@pytest.mark.parametrize(
    ("value", "signed", "expected"),
    [(40_000, True, 0x7FFF), (-40_000, True, 0x8000), (-1, False, 0), (70_000, False, 0xFFFF)],
)
def test_numbers_out_of_range_stop_at_the_end(value, signed, expected):
    assert [expected] == framing.encode_integer(value, 16, signed=signed)


@given(st.floats(width=32, allow_nan=False))
def test_reals_are_ieee_singles_high_word_first(value):
    assert value == struct.unpack(">f", struct.pack(">HH", *framing.encode_float(value)))[0]


def test_text_is_cut_and_padded():
    assert [0x4142, 0x4300] == framing.encode_text("ABC", 2)
    assert [0x4142] == framing.encode_text("ABC", 1)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [("01 16", 10), ("01 2B", 7), ("01 17 0000 0001 0000 0001", None), ("01 17 0000 0001 0000 0001 02", 15)],
)
def test_longer_requests_are_measured_too(heard, expected):
    assert expected == framing.find_rtu_request_size(bytes.fromhex(heard))
