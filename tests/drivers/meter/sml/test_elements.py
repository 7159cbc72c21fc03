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
    parse_entry,
    parse_list_head,
    parse_number,
    parse_time,
    render_device_id,
    render_element,
    render_obis,
    render_octets,
    scale_number,
)
from quartier_drivers.meter.telegrams import Group


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


def said(coded: bytes) -> Group:
    found, end = parse_element(coded, 0)
    entry = parse_entry(found)
    assert entry is not None
    assert len(coded) == end
    return entry[0]


@pytest.mark.parametrize("size", range(1, 9))
def test_numbers_of_every_width_are_scaled(wire: SimpleNamespace, size):
    low = -(1 << 8 * size - 1)

    assert Group("1-0:16.7.0", low / 10, "W") == said(
        wire.entry("1-0:16.7.0", wire.signed(low, size), 27, -1)
    )
    high = (1 << 8 * size) - 1
    assert Group("1-0:1.8.0", high * 1000, "Wh") == said(
        wire.entry("1-0:1.8.0", wire.unsigned(high, size), 30, 3)
    )
    assert Group("1-0:1.8.0", high, "Wh") == said(wire.entry("1-0:1.8.0", wire.unsigned(high, size), 30, 0))


def test_a_scaled_number_is_rounded_once():
    assert 123456789012345.6 == scale_number(1234567890123456, -1)
    assert 0.1 == scale_number(1, -1)
    assert 18446744073709551615 / 10 == scale_number((1 << 64) - 1, -1)
    assert 7_000 == scale_number(7, 3)
    assert scale_number(1, -128) == 1e-128
    assert 1e127 == pytest.approx(scale_number(1, 127))


def test_what_a_meter_adds_to_a_value_is_kept(wire: SimpleNamespace):
    coded = wire.entry(
        "1-0:1.8.0", wire.unsigned(5, 4), 30, -1, status=wire.unsigned(0x1A2, 2), time=wire.sec_index(4711)
    )
    group = said(coded)

    assert {"status": 0x1A2, "sec_index": 4711} == dict(group.more)
    assert "" == group.time


def test_times_are_told_as_the_meter_knows_them(wire: SimpleNamespace):
    value = wire.unsigned(5, 4)

    assert (
        "2026-11-25T19:30:00+00:00"
        == said(wire.entry("1-0:1.8.0", value, time=wire.timestamp(1795635000))).time
    )
    local = wire.local_time(1795635000, 60, 0)
    assert "2026-11-25T20:30:00+01:00" == said(wire.entry("1-0:1.8.0", value, time=local)).time
    summer = wire.local_time(1783000000, 60, 60)
    assert "+02:00" == said(wire.entry("1-0:1.8.0", value, time=summer)).time[-6:]


def test_seconds_without_their_tag_are_seconds(wire: SimpleNamespace):
    group = said(wire.entry("1-0:1.8.0", wire.unsigned(5, 4), 30, -1, time=wire.unsigned(0x011C1EB7, 4)))

    assert {"sec_index": 0x011C1EB7} == dict(group.more)


@pytest.mark.parametrize("seconds", [0, (1 << 32) - 1])
def test_times_at_the_edge_of_sense_are_no_fault(wire: SimpleNamespace, seconds):
    assert isinstance(said(wire.entry("1-0:1.8.0", b"\x01", time=wire.timestamp(seconds))).time, str)
    assert "" == said(wire.entry("1-0:1.8.0", b"\x01", time=wire.local_time(seconds, 32767, 0))).time


def test_values_that_are_no_numbers_are_text(wire: SimpleNamespace):
    assert "EMH" == said(wire.entry("129-129:199.130.3", wire.octets(b"EMH"))).value
    assert (
        "0a01454d48000054"
        == said(wire.entry("1-0:96.1.0", wire.octets(bytes.fromhex("0a01454d48000054")))).value
    )
    assert 48 * 2 == len(
        str(said(wire.entry("129-129:199.130.5", wire.octets(bytes(range(200, 248))))).value)
    )
    assert "" == said(wire.entry("1-0:0.0.0", b"\x01")).value
    assert 1 == said(wire.entry("1-0:0.0.1", wire.boolean(value=True))).value
    nested = wire.items(wire.unsigned(1, 1), wire.items(wire.octets(b"ab"), b"\x01"))
    assert "[1 [ab ]]" == said(wire.entry("1-0:0.0.2", nested)).value


def test_what_is_no_entry_is_passed_over(wire: SimpleNamespace):
    for coded in (b"\x01", wire.items(b"\x01"), wire.items(*[b"\x01"] * 7), wire.items(*[wire.items()] * 7)):
        assert parse_entry(parse_element(coded, 0)[0]) is None


def test_an_sml_time_that_is_none_says_nothing():
    for moment in (
        None,
        b"x",
        True,
        [],
        [b"a", b"b"],
        [parse_element(b"\x62\x09", 0)[0], parse_element(b"\x62\x01", 0)[0]],
    ):
        assert ("", None) == parse_time(moment)


def test_any_element_can_be_written():
    assert "[[] 1  a]" == render_element([[], True, None, b"a"])


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("0100010800ff", "1-0:1.8.0"),
        ("010060320101", "1-0:96.50.1*1"),
        ("010000020000", "1-0:0.2.0*0"),
        ("8181c78203ff", "129-129:199.130.3"),
        ("0101010800ff", "1-1:1.8.0"),
        ("010001", "010001"),
        ("", ""),
    ],
)
def test_obis_numbers_are_written_with_f_only_where_it_says_something(name, written):
    assert written == render_obis(bytes.fromhex(name))


def test_a_number_of_a_device_is_written_as_on_its_plate():
    assert "1EMH0005004711" == render_device_id(bytes.fromhex("0a01454d48 00 004c5da7".replace(" ", "")))
    assert "1DZG0060004711" == render_device_id(b"\x0a\x01DZG\x00" + (60004711).to_bytes(4, "big"))
    assert "06455359010700471100" == render_device_id(bytes.fromhex("06455359010700471100"))
    assert "4711" == render_device_id(b"4711")
    assert "" == render_device_id(b"")


def test_octets_are_text_where_they_can_be_read():
    assert "EMH" == render_octets(b"EMH")
    assert "0a0145" == render_octets(b"\x0a\x01E")
    assert "c3a4" == render_octets("ä".encode())
