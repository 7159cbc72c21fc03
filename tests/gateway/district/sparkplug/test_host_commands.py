"""NCMD and DCMD: what is read of them."""

import pytest

from quartier.district.records import Identity, PointWriteRequest
from quartier.district.sparkplug.host_commands import (
    NEXT_SERVER_METRIC,
    REBIRTH_METRIC,
    SCAN_RATE_METRIC,
    HostCommands,
    NextServerRequest,
    RebirthRequest,
    RefusedRequest,
    ScanRateRequest,
)
from quartier.district.sparkplug.payload_codec import Datatype, Metric, encode_payload

ME = Identity("issy", "b012")


def message(*metrics):
    return encode_payload(
        [Metric(name, value, kind, 1, alias=alias) for name, value, kind, alias in metrics], timestamp_ms=1
    )


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ((REBIRTH_METRIC, True, Datatype.BOOLEAN, None), [RebirthRequest()]),
        ((REBIRTH_METRIC, False, Datatype.BOOLEAN, None), []),
        ((REBIRTH_METRIC, 1, Datatype.INT64, None), []),
        ((NEXT_SERVER_METRIC, True, Datatype.BOOLEAN, None), [NextServerRequest()]),
        ((SCAN_RATE_METRIC, 2_000, Datatype.INT64, None), [ScanRateRequest(2_000)]),
        (
            (SCAN_RATE_METRIC, True, Datatype.BOOLEAN, None),
            [RefusedRequest("expected 0..60000 ms", SCAN_RATE_METRIC)],
        ),
        (
            (SCAN_RATE_METRIC, 2_000.0, Datatype.DOUBLE, None),
            [RefusedRequest("expected 0..60000 ms", SCAN_RATE_METRIC)],
        ),
        (("gateway.lamp_on", True, Datatype.BOOLEAN, None), [PointWriteRequest("gateway.lamp_on", True)]),
    ],
)
def test_node_commands(catalog, metric, expected):
    commands = HostCommands(ME, catalog, frozenset({"gateway.lamp_on"}), other_servers=True)
    assert expected == commands.read(ME.topic("NCMD"), message(metric))


def test_each_metric_of_a_message_is_judged_alone_and_in_order(catalog):
    commands = HostCommands(ME, catalog, frozenset({"bat1.lamp_on"}))
    payload = message(
        ("lamp_on", True, Datatype.BOOLEAN, None),
        ("setpoint_w", 1.0, Datatype.DOUBLE, None),
        ("x" * 500, 1, Datatype.INT64, None),
    )
    first, second, third = commands.read(ME.topic("DCMD", "bat1"), payload)
    assert PointWriteRequest("bat1.lamp_on", True) == first
    assert ("bat1.setpoint_w", 128) == (second.point, len(third.point))


def test_an_alias_names_its_metric_where_aliases_are_born(catalog):
    alias = catalog.find("bat1", "setpoint_w").alias
    payload = message(("", 1.0, None, alias))
    for aliases, point in ((True, "bat1.setpoint_w"), (False, f"bat1.alias {alias}")):
        (refusal,) = HostCommands(ME, catalog, aliases=aliases).read(ME.topic("DCMD", "bat1"), payload)
        assert point == refusal.point


def test_controls_have_aliases_above_the_catalogs_where_there_are_any_and_the_rebirth_none(catalog, world):
    for aliases in (True, False):
        commands = HostCommands(ME, catalog, aliases=aliases, other_servers=True)
        told = {metric.name: metric.alias for metric in commands.make_controls(0, world.now)}
        assert [REBIRTH_METRIC, SCAN_RATE_METRIC, NEXT_SERVER_METRIC] == list(told)
        assert told[REBIRTH_METRIC] is None
        assert aliases == (told[SCAN_RATE_METRIC] is not None) == (told[NEXT_SERVER_METRIC] is not None)
    assert [ScanRateRequest(5)] == HostCommands(ME, catalog, aliases=True).read(
        ME.topic("NCMD"), message(("", 5, None, 1 << 32))
    )
    (refusal,) = HostCommands(ME, catalog).read(ME.topic("NCMD"), message(("", 5, None, 1 << 32)))
    assert f"alias {1 << 32}" == refusal.point


@pytest.mark.parametrize("topic", [Identity("issy", "b013").topic("NCMD"), "spBv1.0/issy/NDATA/b012", "x"])
def test_what_is_for_others_is_not_read(catalog, topic):
    assert [] == HostCommands(ME, catalog).read(
        topic, message((REBIRTH_METRIC, True, Datatype.BOOLEAN, None))
    )
