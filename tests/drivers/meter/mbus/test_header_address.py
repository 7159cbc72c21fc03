"""Secondary addresses and masks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.mbus.conftest import identity

from quartier_drivers.meter.mbus.header import ANY_ADDRESS, AddressMask, parse_long_header, parse_mask

OWN = parse_long_header(identity("11490378", "ACW", 14, 22) + bytes(4)).identity


@pytest.mark.parametrize(
    ("fits", "text"),
    [
        (True, "1149037877040E16"),
        (True, "11490378"),
        (True, "FFFFFFFF"),
        (True, "114FFFF8FFFFFF16"),
        (True, "FFFFFFFF7704FFFF"),
        (False, "11490379"),
        (False, "FFFFFFFFFFFFFF07"),
        (False, "FFFFFFFF7705FFFF"),
    ],
)
def test_a_mask_fits_all_but_what_it_names(fits, text):
    assert fits is parse_mask(text).fits(OWN)


def test_it_is_sent_with_the_lowest_byte_of_the_number_first():
    assert identity("11490378", "ACW", 14, 22) == parse_mask("1149037877040e16").wire
    assert b"\xff" * 8 == ANY_ADDRESS.wire


def test_it_is_shown_without_the_wild_end():
    assert ["1149FFFF", "1149037877040E16"] == [
        str(parse_mask("1149FFFF")),
        str(parse_mask("1149037877040E16")),
    ]


@pytest.mark.parametrize("text", ["", "1149", "114903787704", "1149037G", "1149037877040E161"])
def test_what_is_none_is_refused_saying_what_was_expected(text):
    with pytest.raises(ValueError, match="expected 8 or 16 hex digits"):
        parse_mask(text)


def test_it_is_narrowed_digit_by_digit_and_byte_by_byte():
    assert AddressMask("1F" + "F" * 14) == ANY_ADDRESS.narrowed(0, "1")
    assert AddressMask("F" * 14 + "07") == ANY_ADDRESS.with_byte(7, 7)


def test_only_a_whole_one_is_exact():
    assert parse_mask("1149037877040E16").is_exact
    assert not parse_mask("11490378").is_exact
    assert not parse_mask("114903787704FF16").is_exact


@given(st.from_regex(r"[0-9]{8}", fullmatch=True))
def test_every_number_has_its_own(serial):
    own = parse_long_header(identity(serial) + bytes(4))

    assert parse_mask(own.secondary).fits(own.identity)
    assert identity(serial) == parse_mask(own.secondary).wire
