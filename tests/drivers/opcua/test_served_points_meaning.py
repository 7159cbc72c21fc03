"""From nodes to points and back: scale, sign, bits, names, bounds."""

import math

import pytest

from quartier_drivers.opcua.node_types import TYPE_NUMBERS
from quartier_drivers.opcua.schema import OpcuaPoint
from quartier_drivers.opcua.served_points import (
    encode_raw,
    find_raw_deadband,
    find_write_bounds,
    is_beyond_deadband,
    make_decoder,
)


def point(**keys):
    return OpcuaPoint.model_validate({"node": "i=1", **keys})


@pytest.mark.parametrize(
    ("quantity", "keys", "raw", "expected"),
    [
        ("power_w", {}, 1500.5, (1500.5, True)),
        ("power_w", {"scale": 1000, "sign": -1}, 1.5, (-1500.0, True)),
        ("temperature_c", {"scale": 0.1, "offset": -40.0}, 655, (25.5, True)),
        ("power_w", {"low": 0, "high": 10}, 11.0, (11.0, False)),
        ("power_w", {"absent": -32768}, -32768, (None, False)),
        ("power_w", {}, math.nan, (None, False)),
        ("power_w", {}, math.inf, (None, False)),
        ("power_w", {}, None, (None, False)),
        ("power_w", {}, "12", (None, False)),
        ("pump_on", {}, True, (True, True)),
        ("pump_on", {}, 3, (True, True)),
        ("alarm_on", {"bit": 2}, 0b100, (True, True)),
        ("alarm_on", {"bit": 2}, 0b011, (False, True)),
        ("mode_state", {}, 4, (4, True)),
        ("starts_count", {}, 2**60 + 1, (2**60 + 1, True)),
        ("name_text", {}, " P1\x00 ", ("P1", True)),
        ("name_text", {}, "", (None, False)),
        ("mode_text", {"values": {"1": "heating"}}, 1, ("heating", True)),
        ("mode_text", {"values": {"1": "heating"}}, 2, (None, False)),
    ],
)
def test_what_stands_in_a_node_is_told_in_the_house_s_words(quantity, keys, raw, expected):
    found = make_decoder(quantity, point(**keys))(raw)

    assert expected == found
    assert type(expected[0]) is type(found[0])


WRITE = {"low": 0, "high": 100, "on_release": "hold"}


def test_a_value_goes_back_through_scale_and_type():
    one = point(scale=0.1, write=WRITE)

    assert 725 == encode_raw(one, 72.5, TYPE_NUMBERS["Int16"], (0, 100))
    assert 725.0 == encode_raw(one, 72.5, TYPE_NUMBERS["Double"], (0, 100))


@pytest.mark.parametrize("value", [math.nan, math.inf, 100.1, -0.1])
def test_what_is_outside_is_never_written(value):
    with pytest.raises(ValueError, match="is no number|is outside"):
        encode_raw(point(write=WRITE), value, TYPE_NUMBERS["Double"], (0, 100))


def test_what_cannot_be_written_says_so():
    with pytest.raises(ValueError, match="cannot be written"):
        encode_raw(point(), 1, TYPE_NUMBERS["Double"], (0, 1))
    with pytest.raises(ValueError, match="cannot be written"):
        find_write_bounds(point(), None)


def test_the_range_of_the_node_narrows_and_never_widens():
    one = point(scale=0.1, write=WRITE)

    assert (0, 100) == find_write_bounds(one, None)
    assert (0, 80.0) == find_write_bounds(one, (0, 800))
    assert (0, 100) == find_write_bounds(one, (-5000, 5000))
    assert (0, 100) == find_write_bounds(one, (0, 0)), "a range that nobody filled in"


def test_a_range_follows_the_sign():
    assert (-50.0, 0) == find_write_bounds(point(sign=-1, write=WRITE | {"low": -100, "high": 0}), (0, 50))


def test_the_deadband_is_told_as_the_server_counts():
    assert 5.0 == find_raw_deadband(point(scale=0.1, deadband=0.5))


def test_two_values_differ_beyond_twice_the_deadband():
    one = point(deadband=1.0)

    assert not is_beyond_deadband(one, 10.0, 12.0)
    assert is_beyond_deadband(one, 10.0, 12.1)
    assert is_beyond_deadband(one, None, 1.0)
    assert is_beyond_deadband(point(), "a", "b")
