"""Tags of BACnet's encoding, by the examples of the standard (ASHRAE 135-2020, clause 20.2)."""

import math

import pytest

from quartier_native.reference import bacnet_tags
from quartier_native.reference.bacnet_tags import (
    CUT,
    ILL_NESTED,
    TOO_DEEP,
    UNEXPECTED,
    FaultError,
    Tag,
    tag_at,
)


def value(octets):
    octets = bytes.fromhex(octets)
    kind, number = bacnet_tags.value_of(octets, tag_at(octets, 0))
    return kind, repr(number)


@pytest.mark.parametrize(
    ("octets", "kind", "number"),
    [
        ("00", bacnet_tags.NULL, math.nan),
        ("10", bacnet_tags.BOOLEAN, 0.0),
        ("11", bacnet_tags.BOOLEAN, 1.0),
        ("2148", bacnet_tags.UNSIGNED, 72.0),
        ("25080100000000000000", bacnet_tags.UNSIGNED, 2.0**56),
        ("3148", bacnet_tags.SIGNED, 72.0),
        ("31ff", bacnet_tags.SIGNED, -1.0),
        ("44 42900000", bacnet_tags.REAL, 72.0),
        ("44 7f800000", bacnet_tags.REAL, math.inf),
        ("44 7fc00000", bacnet_tags.REAL, math.nan),
        ("44 7f800001", bacnet_tags.REAL, math.nan),
        ("55 08 4052000000000000", bacnet_tags.DOUBLE, 72.0),
        ("63 1234ff", bacnet_tags.OCTETS, math.nan),
        ("7506 00 46c3b67263", bacnet_tags.CHARACTERS, math.nan),
        ("82 03a8", bacnet_tags.BITS, 21.0),
        ("82 0440", bacnet_tags.BITS, 2.0),
        ("91 00", bacnet_tags.ENUMERATED, 0.0),
        ("a4 5b011805", bacnet_tags.DATE, math.nan),
        ("b4 11232d11", bacnet_tags.TIME, math.nan),
        ("c4 00c0000f", bacnet_tags.OBJECT, float(3 << 22 | 15)),
    ],
)
def test_values_of_each_type_are_numbers_where_they_can_be(octets, kind, number):
    assert (kind, repr(number)) == value(octets)


@pytest.mark.parametrize(
    "octets",
    [
        "0100",  # a Null with contents
        "20",  # no octets
        "2509" + 9 * "01",
        "43429000",
        "550442900000",
        "70",
        "80",
        "8103",  # bits that are unused of none
        "820900",
        "a3000000",
        "b3000000",
        "c3000000",
        "d100",  # reserved
        "f13300",
    ],
)
def test_what_is_no_value_of_its_type_is_odd(octets):
    assert (bacnet_tags.ODD, "nan") == value(octets)


def test_a_bit_string_too_long_for_a_number_is_still_one():
    assert (bacnet_tags.BITS, repr(2.0**52)) == value("8508" + "03" + 6 * "00" + "08")
    assert (bacnet_tags.BITS, "nan") == value("8508" + "02" + 7 * "00")


@pytest.mark.parametrize(
    ("octets", "tag"),
    [
        ("09aa", Tag(0, True, 1, 1, 2)),
        ("f90faa", Tag(15, True, 1, 2, 3)),
        ("3e", Tag(3, True, 6, 1, 1)),
        ("ff21", Tag(33, True, 7, 2, 2)),
        ("1d00", Tag(1, True, 5, 2, 2)),
        ("6d05" + 5 * "00", Tag(6, True, 5, 2, 7)),
        ("65fe0100" + 256 * "00", Tag(6, False, 5, 4, 260)),
        ("65ff00000001aa", Tag(6, False, 5, 6, 7)),
    ],
)
def test_extended_tags_and_lengths_are_taken_apart(octets, tag):
    assert tag == tag_at(bytes.fromhex(octets), 0)


@pytest.mark.parametrize(
    ("octets", "how"),
    [
        ("", CUT),
        ("f9", CUT),
        ("21", CUT),
        ("65", CUT),
        ("65fe01", CUT),
        ("65ff000000", CUT),
        ("65ffffffffff00", CUT),
        ("16", UNEXPECTED),
        ("f6ff", UNEXPECTED),
        ("f9ffaa", UNEXPECTED),
        ("12", UNEXPECTED),
        ("1500", UNEXPECTED),
    ],
)
def test_no_length_is_believed(octets, how):
    with pytest.raises(FaultError) as caught:
        tag_at(bytes.fromhex(octets), 0)

    assert how == caught.value.how


def test_lists_are_passed_over_whole_whatever_stands_in_them():
    kind, _, end, after = bacnet_tags.contents(bytes.fromhex("0e 1e 2100 1f 0f 2105 3f 55"), 0, 3)

    assert (bacnet_tags.LIST, 8, 9) == (kind, end, after)


@pytest.mark.parametrize(
    ("octets", "how"),
    [("0e1f3f", ILL_NESTED), ("0f", ILL_NESTED), (31 * "0e" + "00", CUT), (32 * "0e", TOO_DEEP)],
)
def test_nesting_has_an_end(octets, how):
    with pytest.raises(FaultError) as caught:
        bacnet_tags.contents(bytes.fromhex(octets), 0, 3)

    assert how == caught.value.how
