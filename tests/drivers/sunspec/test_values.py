"""What the registers of each type mean, against pysunspec2's reading of them."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sunspec2 import mb

from quartier_drivers.sunspec.models import NUMBER_TYPES, PointDefinition
from quartier_drivers.sunspec.values import decode_value, render_names

SIZES = {name: kind.len for name, kind in mb.point_type_info.items() if kind.len}


def entry(type_name, size=None, scale=None, symbols=()):
    return PointDefinition("X", type_name, size or SIZES[type_name], scale, symbols=dict(symbols))


def theirs(type_name, data):
    """The value by pysunspec2; None where it calls it not implemented."""
    info = mb.point_type_info[type_name]
    found = info.data_to(data)
    return found if info.is_impl(found) else None


@given(
    st.sampled_from(sorted(set(SIZES) & set(NUMBER_TYPES))), st.binary(min_size=8, max_size=8), st.booleans()
)
def test_numbers_are_those_that_pysunspec2_reads(type_name, data, edge):
    size = 2 * SIZES[type_name]
    data = (data[:1] + bytes([data[1] % 2 * 255]) * 7 if edge else data)[:size]
    words = struct.unpack(f">{size // 2}H", data)
    judged = theirs(type_name, data)
    if isinstance(judged, float) and not math.isfinite(judged):
        judged = None  # infinity is a number to it, and none to us

    assert judged == decode_value(entry(type_name), words)


@pytest.mark.parametrize("type_name", sorted(set(SIZES) - {"pad", "eui48", "ipv6addr"}))
def test_what_pysunspec2_writes_for_not_implemented_is_none(type_name):
    data = mb.create_unimpl_value(type_name)

    assert decode_value(entry(type_name), struct.unpack(f">{len(data) // 2}H", data)) is None


@pytest.mark.parametrize(
    ("expected", "type_name", "words"),
    [
        ("Solar Co", "string", [0x536F, 0x6C61, 0x7220, 0x436F, 0, 0x4142]),
        (None, "string", [0, 0, 0]),
        ("192.168.1.20", "ipaddr", [0xC0A8, 0x0114]),
        ("fe80::1", "ipv6addr", [0xFE80, 0, 0, 0, 0, 0, 0, 1]),
        (None, "ipv6addr", [0] * 8),
        ("00:11:22:33:44:55", "eui48", [0, 0x0011, 0x2233, 0x4455]),
        (None, "eui48", [0, 0xFFFF, 0xFFFF, 0xFFFF]),
        (None, "eui48", [0, 0, 0, 0]),
        (2**63, "uint64", [0x8000, 0, 0, 0]),
        (7, "bitfield64", [0, 0, 0, 7]),
        ("00ff", "some_new_type", [0x00FF]),
    ],
)
def test_texts_addresses_and_long_numbers(expected, type_name, words):
    assert expected == decode_value(entry(type_name, len(words)), words)


@pytest.mark.parametrize(
    ("expected", "raw", "power"), [(123.4, 1234, -1), (1234, 1234, 0), (123400, 1234, 2), (None, 1234, None)]
)
def test_a_scale_factor_is_exact_and_whole_numbers_stay_whole(expected, raw, power):
    found = decode_value(entry("int16", scale="X_SF"), [raw], power)

    assert expected == found
    assert type(expected) is type(found)


def test_enumerations_and_bits_are_named():
    states, bits = {1: "OFF", 4: "MPPT"}, {0: "GROUND_FAULT", 7: "OVER_TEMP"}

    assert "MPPT" == render_names(entry("enum16", symbols=states), 4)
    assert "unknown" == render_names(entry("enum16", symbols=states), 9)
    assert "GROUND_FAULT OVER_TEMP bit 20" == render_names(
        entry("bitfield32", symbols=bits), 1 | 1 << 7 | 1 << 20
    )
    assert "" == render_names(entry("bitfield32", symbols=bits), 0)
    assert "" == render_names(entry("enum16", symbols=states), None)
    assert "" == render_names(entry("uint16"), 4)
