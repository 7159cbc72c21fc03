"""From nodes to points and back: scale, sign, bits, names, bounds."""

import math

import pytest

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.opcua import served_points
from quartier_drivers.opcua.node_types import TYPE_NUMBERS, parse_node
from quartier_drivers.opcua.schema import OpcuaPoint
from quartier_drivers.opcua.served_points import (
    ServedPoint,
    encode_raw,
    find_raw_deadband,
    find_write_bounds,
    group_reads,
    is_beyond_deadband,
    list_served,
    make_decoder,
    make_info,
)
from quartier_drivers.opcua.writer import PlannedWrite, WriteTarget


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


def served(quantity="valve_pct", scale=1.0, **write):
    keys = {"low": 0, "high": 100, "on_release": "hold"} | write
    return ServedPoint(
        f"pump.{quantity}",
        quantity,
        "float",
        OpcuaPoint.model_validate({"node": "i=1", "scale": scale, "write": keys}),
    )


def target(kind="Double", eu_range=None):
    return WriteTarget((2, "x"), TYPE_NUMBERS[kind], eu_range)


def test_a_setpoint_is_coerced_to_the_node_and_kept_inside_its_range():
    assert 725 == served_points.make_setpoint(served(scale=0.1), 72.5, target("Int16"))

    with pytest.raises(ValueError, match=r"90 is outside 0\.\.80"):
        served_points.make_setpoint(served(), 90, target(eu_range=(0, 80)))


@pytest.mark.parametrize(
    ("beat", "kind", "expected"),
    [
        ("count", "UInt16", [1, 2, 0]),
        ("count", "Boolean", [True, False, False]),
        ("seconds", "UInt16", [60, 60, 60]),
        (7, "Double", [7.0, 7.0, 7.0]),
    ],
)
def test_a_watchdog_is_kept_quiet_as_it_wants_it(beat, kind, expected):
    one = served(fallback={"value": 40, "after_s": 60, "node": "i=2", "beat": beat})

    assert expected == [
        served_points.make_watchdog_value(one, count, target(kind)) for count in (1, 2, 65536)
    ]


def test_what_has_no_watchdog_has_no_beat():
    with pytest.raises(ValueError, match="no watchdog"):
        served_points.make_watchdog_value(served(), 1, target())


@pytest.mark.parametrize(
    ("write", "cap", "expected"),
    [
        ({"on_release": "hold"}, None, None),
        ({"on_release": 30}, None, PlannedWrite("pump.valve_pct", parse_node("i=1"), None, 30.0)),
        (
            {"on_release": 30, "type": "Int16"},
            None,
            PlannedWrite("pump.valve_pct", parse_node("i=1"), None, 30.0, TYPE_NUMBERS["Int16"]),
        ),
        (
            {"on_release": 30, "node": "i=9"},
            None,
            PlannedWrite("pump.valve_pct", parse_node("i=9"), None, 30.0),
        ),
        (
            {"on_release": "own", "own": {"node": "i=3", "value": 1}},
            None,
            PlannedWrite("pump.valve_pct", parse_node("i=3"), None, 1.0),
        ),
        ({"on_release": "cap"}, 55.0, PlannedWrite("pump.valve_pct", parse_node("i=1"), None, 55.0)),
        ({"on_release": "cap"}, 155.0, PlannedWrite("pump.valve_pct", parse_node("i=1"), None, 100.0)),
        ({"on_release": "cap"}, None, None),
    ],
)
def test_what_is_given_back_is_what_on_release_says(write, cap, expected):
    assert expected == served_points.make_release(served(**write), cap)


def test_every_node_of_an_order_is_known_beforehand():
    one = served(
        node="i=9",
        on_release="own",
        own={"node": "i=3", "value": 1},
        fallback={"value": 0, "after_s": 9, "node": "i=4"},
    )

    assert [parse_node("i=9"), parse_node("i=3"), parse_node("i=4")] == served_points.list_nodes(one)
    assert {parse_node("i=9"): TYPE_NUMBERS["Int32"]} == served_points.list_types(
        served(node="i=9", type="Int32")
    )
    assert [] == served_points.list_nodes(
        ServedPoint("a.power_w", "power_w", "float", OpcuaPoint.model_validate({"node": "i=1"}))
    )


def test_points_carry_their_owner_s_name_and_only_those_that_are_asked_for(sheet):
    assert ["pump.power_w", "pump.valve_pct", "pump.running_on", "pump.state_text"] == list(
        list_served(DeviceSpec("plant", 1, {"": "pump"}), sheet)
    )
    some = DeviceSpec("plant", 1, {"": "pump"}, {"": frozenset({"power_w"})})
    assert ["pump.power_w"] == list(list_served(some, sheet))
    assert {} == list_served(DeviceSpec("plant", 1, {}), sheet)


def test_a_writable_point_says_its_limits_and_why_it_has_no_fallback(sheet):
    one = list_served(DeviceSpec("plant", 1, {"": "pump"}), sheet)["pump.valve_pct"]
    found = make_info(one, sheet)

    assert (True, 0.0, 100.0, 30.0) == (found.writable, found.write_low, found.write_high, found.on_release)
    assert "made for these tests" == found.no_fallback
    assert "nsu=http://rig.example/plant;s=Valve" == found.address


def test_an_element_of_an_array_shows_where_it_stands(sheet):
    one = list_served(DeviceSpec("plant", 1, {"": "pump"}), sheet)["pump.power_w"]
    element = type(one)(one.name, one.quantity, one.kind, one.point.model_copy(update={"index": 3}))

    assert "nsu=http://rig.example/plant;s=Power[3]" == make_info(element, sheet).address


def test_requests_are_as_few_as_the_limit_allows_and_of_one_size():
    points = [(f"p{number}", 1.0, True) for number in range(300)] + [
        ("slow", 60.0, True),
        ("odd", 1.0, False),
    ]

    found = group_reads(points, 200)

    assert [(1.0, True, 150), (1.0, True, 150), (60.0, True, 1), (1.0, False, 1)] == [
        (period_s, subscribed, len(names)) for period_s, subscribed, names in found
    ]
    assert [name for name, *_ in points[:300]] == [name for group in found[:2] for name in group[2]]
