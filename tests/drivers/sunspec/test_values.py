"""What the registers of each type mean, against pysunspec2's reading of them."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sunspec2 import mb

from quartier_drivers import register_codec
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.sunspec.models import NUMBER_TYPES, PointDefinition, find_model, unfold_model
from quartier_drivers.sunspec.schema import SunspecPoint
from quartier_drivers.sunspec.values import decode_value, make_register_point, render_names

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


def made(quantity, number, path, **said):
    leaf = unfold_model(find_model(number), find_model(number).length, {}.get).of(path)
    return make_register_point(
        quantity, SunspecPoint.model_validate({"source": f"{number}.{path}", **said}), 40070, leaf
    )


def test_a_number_takes_type_place_scale_register_and_codes():
    found = made("power_w", 103, "W", sign=-1)

    assert ("int16", Address("holding", 40084), Address("holding", 40085), (0x8000,), -1) == (
        found.type_name,
        found.address,
        found.scale_address,
        found.absent,
        found.sign,
    )
    assert -123.4 == register_codec.decode_number(found, [1234], -1)


def test_a_fixed_power_goes_into_the_scale():
    assert 21.5 == register_codec.decode_number(made("ambient_c", 307, "TmpAmb"), [215])


def test_an_enumeration_is_a_text_in_the_standards_words():
    found = made("inverter_text", 103, "St")

    assert ("mppt", "shutting down") == (
        register_codec.decode_point("inverter_text", found, [4])[0],
        found.values[6],
    )


def test_a_profile_may_have_words_of_its_own():
    assert {4: "feeding"} == made("inverter_text", 103, "St", values={"4": "feeding"}).values


def test_a_text_keeps_its_length():
    assert ("string", 16) == (made("maker_text", 1, "Mn").type_name, made("maker_text", 1, "Mn").length)


@pytest.mark.parametrize(
    ("type_name", "number", "path"),
    [("float32", 113, "W"), ("uint64", 701, "TotWhInj"), ("uint32", 103, "WH")],
)
def test_every_kind_of_number_has_a_type(type_name, number, path):
    assert type_name == made("power_w", number, path).type_name
