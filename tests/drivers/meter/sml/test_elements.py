"""Each element is read for what it is; what is none is told apart, at any depth."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.sml.elements import (
    DEPTH_MAX,
    MalformedElement,
    WholeNumber,
    parse_element,
    parse_list_head,
    parse_number,
)


@pytest.mark.parametrize("size", range(1, 9))
def test_whole_numbers_of_every_width_have_their_sign(wire: SimpleNamespace, size):
    highest = (1 << 8 * size - 1) - 1
    for number in (0, 1, highest, -1, -highest - 1):
        assert (WholeNumber(number, size, True), size + 1) == parse_element(wire.signed(number, size), 0)
    for number in (0, 1, 2 * highest + 1):
        assert (WholeNumber(number, size, False), size + 1) == parse_element(wire.unsigned(number, size), 0)


@pytest.mark.parametrize("tl_bytes", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, 13])
def test_lengths_may_take_more_bytes_than_they_need(wire: SimpleNamespace, size, tl_bytes):
    coded = wire.octets(b"x" * size, tl_bytes)

    assert (b"x" * size, size + tl_bytes) == parse_element(coded, 0)


def test_long_octet_strings_have_long_lengths(wire: SimpleNamespace):
    key = bytes(range(256)) * 3

    assert (key, len(wire.octets(key))) == parse_element(wire.octets(key), 0)


def test_optional_elements_may_be_left_out():
    assert (None, 1) == parse_element(b"\x01", 0)
    assert (None, 1) == parse_element(b"\x00", 0)


def test_booleans_are_true_unless_zero(wire: SimpleNamespace):
    assert (True, 2) == parse_element(wire.boolean(value=True), 0)
    assert (False, 2) == parse_element(wire.boolean(value=False), 0)
    assert (True, 2) == parse_element(b"\x42\x01", 0)


def test_lists_hold_lists(wire: SimpleNamespace):
    coded = wire.items(wire.octets(b"a"), wire.items(wire.unsigned(5, 1), wire.items()))

    assert ([b"a", [WholeNumber(5, 1, False), []]], len(coded)) == parse_element(coded, 0)


def test_long_lists_have_long_lengths(wire: SimpleNamespace):
    found, _ = parse_element(wire.items(*[wire.unsigned(1, 1)] * 300), 0)

    assert isinstance(found, list)
    assert 300 == len(found)


def test_lists_deeper_than_any_meter_needs_are_refused():
    assert ([[]], 2) == parse_element(b"\x71\x70", 0)
    with pytest.raises(MalformedElement, match="deep"):
        parse_element(b"\x71" * (DEPTH_MAX + 1) + b"\x01", 0)
    with pytest.raises(MalformedElement, match="deep"):
        parse_element(b"\x71" * 100_000, 0)


@pytest.mark.parametrize(
    "coded",
    [
        b"",
        b"\x05abc",  # cut
        b"\x72\x01",  # a list cut
        b"\x7f",
        b"\x81",  # a TL field cut
        b"\x80\x81\x05",  # a type in a second TL byte
        b"\x8f\x8f\x8f\x8f\x8f\x0f",
        b"\x80\x01",  # shorter than its own TL field
        b"\x12\x00",  # a type that there is not
        b"\x82\x02" + bytes(31),
        b"\xe1\x03" + bytes(17),  # a number of 17 bytes
    ],
)
def test_what_is_no_element_is_refused(coded):
    with pytest.raises(MalformedElement):
        parse_element(coded, 0)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_element_or_refused(data):
    try:
        _, end = parse_element(data, 0)
    except MalformedElement:
        return
    assert 0 < end <= len(data)


def test_a_list_or_a_number_is_asked_for_by_name(wire: SimpleNamespace):
    assert (2, 1) == parse_list_head(wire.items(b"\x01", b"\x01"), 0)
    assert (7, 2) == parse_number(wire.unsigned(7, 1), 0)
    with pytest.raises(MalformedElement, match="no list"):
        parse_list_head(b"\x01", 0)
    with pytest.raises(MalformedElement, match="no number"):
        parse_number(b"\x02a", 0)
