"""An entry of a list says what the standard has it say, and what makers make of that."""

from types import SimpleNamespace

import pytest

from quartier_drivers.meter.sml.elements import (
    parse_element,
    parse_entry,
    parse_time,
    render_element,
    scale_number,
)
from quartier_drivers.meter.telegrams import Group


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
