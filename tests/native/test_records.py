"""The data records of M-Bus telegrams."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native.reference import records
from quartier_native.reference.records import (
    BLOB,
    CONTINUED,
    CUT_IN_DATA,
    CUT_IN_DIF,
    CUT_IN_VIF,
    DIGITS,
    ENDED,
    LONG_DIF,
    LONG_VIF,
    MAKER,
    NOTHING,
    NUMBER,
    OVERFLOW,
    RESERVED_DIF,
    RESERVED_LENGTH,
    TEXT,
)

# Bytes that mean something, so that walks get far.
TELLING = st.sampled_from(
    [
        0x00,
        0x01,
        0x04,
        0x05,
        0x06,
        0x07,
        0x09,
        0x0C,
        0x0D,
        0x0E,
        0x0F,
        0x13,
        0x1F,
        0x2F,
        0x3F,
        0x6D,
        0x7C,
        0x7F,
        0x84,
        0x8D,
        0xC3,
        0xD2,
        0xE9,
        0xF0,
        0xFB,
        0xFC,
        0xFD,
        0xFF,
    ]
)
BODIES = st.lists(st.one_of(TELLING, st.integers(0, 255)), max_size=120).map(bytes)


@given(BODIES, st.booleans())
def test_any_bytes_are_split_into_records_that_lie_in_them_in_order(body, high_first):
    at = 0
    for head, *_ in records.split_records(body, high_first=high_first)[0]:
        at = body.index(head, at) + len(head)


@pytest.mark.parametrize(
    ("value", "state", "record"),
    [
        (-2, NUMBER, b"\x01\x13\xfe"),
        (-32768, NUMBER, b"\x02\x13\x00\x80"),
        (8388607, NUMBER, b"\x03\x13\xff\xff\x7f"),
        (-1, NUMBER, b"\x04\x13\xff\xff\xff\xff"),
        (0.5, NUMBER, b"\x05\x13" + struct.pack("<f", 0.5)),
        (-(2**47), NUMBER, b"\x06\x13\x00\x00\x00\x00\x00\x80"),
        (-(2**63), NUMBER, b"\x07\x13" + (2**63).to_bytes(8, "little")),
        (42, NUMBER, b"\x09\x13\x42"),
        (-234, NUMBER, b"\x0a\x13\x34\xf2"),
        (10321, OVERFLOW, b"\x0a\x13\x21\xa3"),
        (b"\x1a\x21", DIGITS, b"\x0a\x13\x21\x1a"),
        (b"\xee\xee\xee", DIGITS, b"\x0b\x13\xee\xee\xee"),
        (12345678, NUMBER, b"\x0c\x13\x78\x56\x34\x12"),
        (123456789012, NUMBER, b"\x0e\x13\x12\x90\x78\x56\x34\x12"),
        (None, NOTHING, b"\x00\x13"),
        (None, NOTHING, b"\x08\x13"),
        (b"abc", TEXT, b"\x0d\x13\x03cba"),
        (b"", TEXT, b"\x0d\x13\x00"),
        (1234, NUMBER, b"\x0d\x13\xc2\x34\x12"),
        (-1234, NUMBER, b"\x0d\x13\xd2\x34\x12"),
        (None, NOTHING, b"\x0d\x13\xc0"),
        (-1, NUMBER, b"\x0d\x13\xe3\xff\xff\xff"),
        (bytes(range(9, 0, -1)), BLOB, b"\x0d\x13\xe9" + bytes(range(1, 10))),
        (bytes(15) + b"\x07", BLOB, b"\x0d\x13\xf0\x07" + bytes(15)),
        (bytes(48), BLOB, b"\x0d\x13\xf5" + bytes(48)),
        (bytes(64), BLOB, b"\x0d\x13\xf6" + bytes(64)),
    ],
)
def test_every_data_field_is_read_as_the_standard_codes_it(value, state, record):
    ((_, read, kind),), how = records.split_records(record)

    assert (value, state, ENDED) == (read, kind, how)


def test_a_head_reaches_from_the_dif_over_text_to_the_last_vife():
    rows, _ = records.split_records(b"\x84\x80\x40\xfc\x02hc\xf4\x01\x05\0\0\0\x2f\x01\x13\x07")

    assert [(b"\x84\x80\x40\xfc\x02hc\xf4\x01", 5, NUMBER), (b"\x01\x13", 7, NUMBER)] == rows


def test_a_text_may_stand_behind_the_vife_where_it_cannot_stand_before():
    assert [(b"\x01\xfc\xf4\x74\x02hc", 5, NUMBER)] == records.split_records(b"\x01\xfc\xf4\x74\x02hc\x05")[0]


def test_mode_2_has_the_highest_byte_first():
    rows, _ = records.split_records(
        b"\x02\x13\x01\x02\x0d\x13\x02ab\x0a\x13\xf1\x23\x05\x13\x3f\x80\0\0", high_first=True
    )

    assert [258, b"ab", -123, 1.0] == [value for _, value, _ in rows]


@pytest.mark.parametrize(
    ("how", "body"),
    [
        (ENDED, b""),
        (ENDED, b"\x2f\x2f\x7f"),
        (CONTINUED, b"\x01\x13\x01\x1f"),
        (CUT_IN_DIF, b"\x81"),
        (CUT_IN_DIF, b"\x81\x80"),
        (CUT_IN_VIF, b"\x01"),
        (CUT_IN_VIF, b"\x01\x93"),
        (CUT_IN_VIF, b"\x01\x7c"),
        (CUT_IN_VIF, b"\x01\x7c\x03ab"),
        (CUT_IN_VIF, b"\x01\x7c\x85ab"),
        (CUT_IN_VIF, b"\x01\xfc\xf4\x74"),
        (CUT_IN_VIF, b"\x01\xfc\xf4\x74\x03ab"),
        (CUT_IN_DATA, b"\x04\x13\x01\x02\x03"),
        (CUT_IN_DATA, b"\x0d\x13"),
        (CUT_IN_DATA, b"\x0d\x13\x04abc"),
        (LONG_DIF, b"\x84" + 11 * b"\x80" + b"\x13\0\0\0\0"),
        (LONG_VIF, b"\x04\x93" + 11 * b"\x80" + b"\x00\0\0\0\0"),
        (RESERVED_DIF, b"\x3f"),
        (RESERVED_DIF, b"\x8f\x01\x13\x01"),
        (RESERVED_LENGTH, b"\x0d\x13\xf7"),
        (RESERVED_LENGTH, b"\x0d\x13\xca"),
    ],
)
def test_records_end_well_or_in_a_way_that_is_named(how, body):
    assert how == records.split_records(body)[1]


def test_ten_extensions_are_the_most():
    rows, how = records.split_records(
        b"\x84" + 9 * b"\x80" + b"\x00\x93" + 9 * b"\xf4" + b"\x74" + b"\x01\0\0\0"
    )

    assert (1, ENDED) == (rows[0][1], how)


def test_what_is_the_makers_is_kept_as_sent():
    assert ([(b"\x01\x13", 1, NUMBER), (b"\x1f", b"\xde\xad", MAKER)], CONTINUED) == records.split_records(
        b"\x01\x13\x01\x1f\xde\xad"
    )
    assert ([(b"\x0f", b"\x01", MAKER)], ENDED) == records.split_records(b"\x0f\x01")
    assert ([], ENDED) == records.split_records(b"\x0f")
