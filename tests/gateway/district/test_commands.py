"""NCMD and DCMD: what is read of them."""

import pytest

from quartier.district.commands import (
    NEXT_SERVER,
    REBIRTH,
    SCAN_RATE,
    Commands,
    NextServer,
    Rebirth,
    Refusal,
    ScanRate,
)
from quartier.district.effects import Wanted
from quartier.district.sparkplug import Metric, Type, encode
from quartier.district.voice import Identity

ME = Identity("issy", "b012")


def message(*metrics):
    return encode(
        [Metric(name, value, kind, 1, alias=alias) for name, value, kind, alias in metrics], timestamp_ms=1
    )


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ((REBIRTH, True, Type.BOOLEAN, None), [Rebirth()]),
        ((REBIRTH, False, Type.BOOLEAN, None), []),
        ((REBIRTH, 1, Type.INT64, None), []),
        ((NEXT_SERVER, True, Type.BOOLEAN, None), [NextServer()]),
        ((SCAN_RATE, 2_000, Type.INT64, None), [ScanRate(2_000)]),
        ((SCAN_RATE, True, Type.BOOLEAN, None), [Refusal("expected 0..60000 ms", SCAN_RATE)]),
        ((SCAN_RATE, 2_000.0, Type.DOUBLE, None), [Refusal("expected 0..60000 ms", SCAN_RATE)]),
        (("gateway.lamp_on", True, Type.BOOLEAN, None), [Wanted("gateway.lamp_on", True)]),
    ],
)
def test_node_commands(catalog, metric, expected):
    commands = Commands(ME, catalog, frozenset({"gateway.lamp_on"}), other_servers=True)
    assert expected == commands.read(ME.topic("NCMD"), message(metric))


def test_each_metric_of_a_message_is_judged_alone_and_in_order(catalog):
    commands = Commands(ME, catalog, frozenset({"bat1.lamp_on"}))
    payload = message(
        ("lamp_on", True, Type.BOOLEAN, None),
        ("setpoint_w", 1.0, Type.DOUBLE, None),
        ("x" * 500, 1, Type.INT64, None),
    )
    first, second, third = commands.read(ME.topic("DCMD", "bat1"), payload)
    assert Wanted("bat1.lamp_on", True) == first
    assert ("bat1.setpoint_w", 128) == (second.point, len(third.point))


def test_an_alias_names_its_metric_where_aliases_are_born(catalog):
    alias = catalog.find("bat1", "setpoint_w").alias
    payload = message(("", 1.0, None, alias))
    for aliases, point in ((True, "bat1.setpoint_w"), (False, f"bat1.alias {alias}")):
        (refusal,) = Commands(ME, catalog, aliases=aliases).read(ME.topic("DCMD", "bat1"), payload)
        assert point == refusal.point


def test_controls_have_aliases_above_the_catalogs_where_there_are_any_and_the_rebirth_none(catalog, world):
    for aliases in (True, False):
        commands = Commands(ME, catalog, aliases=aliases, other_servers=True)
        told = {metric.name: metric.alias for metric in commands.controls(0, world.now)}
        assert [REBIRTH, SCAN_RATE, NEXT_SERVER] == list(told)
        assert told[REBIRTH] is None
        assert aliases == (told[SCAN_RATE] is not None) == (told[NEXT_SERVER] is not None)
    assert [ScanRate(5)] == Commands(ME, catalog, aliases=True).read(
        ME.topic("NCMD"), message(("", 5, None, 1 << 32))
    )
    (refusal,) = Commands(ME, catalog).read(ME.topic("NCMD"), message(("", 5, None, 1 << 32)))
    assert f"alias {1 << 32}" == refusal.point


@pytest.mark.parametrize("topic", [Identity("issy", "b013").topic("NCMD"), "spBv1.0/issy/NDATA/b012", "x"])
def test_what_is_for_others_is_not_read(catalog, topic):
    assert [] == Commands(ME, catalog).read(topic, message((REBIRTH, True, Type.BOOLEAN, None)))
