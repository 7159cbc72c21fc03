"""Orders as writes: setpoints, what keeps a watchdog quiet, and what is given back."""

import pytest

from quartier_drivers.opcua import served_points
from quartier_drivers.opcua.node_types import TYPE_NUMBERS, parse_node
from quartier_drivers.opcua.schema import OpcuaPoint
from quartier_drivers.opcua.served_points import ServedPoint
from quartier_drivers.opcua.writer import PlannedWrite, WriteTarget


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
