"""Births in portions: whole devices, in order, until all are born."""

import pytest
from tests.gateway.district.conftest import run_of

from quartier.district.records import Identity, Note, SessionContext
from quartier.district.sparkplug.metric_catalog import MetricCatalog
from quartier.district.sparkplug.node_messages import BIRTH_METRICS_MAX, BirthQueue, NodeMessages, make_death
from quartier.district.sparkplug.payload_codec import Datatype, decode_payload
from quartier.site.process_image import PointValue
from quartier.site.samples import Sample, StreamPosition
from quartier_drivers.readings import Quality

NBIRTH = Note("test", "stands for the node's birth")


def messages_of(*counts):
    catalog = MetricCatalog()
    for number, count in enumerate(counts):
        for at in range(count):
            catalog.add(f"load{number}", f"r{at}_w", Datatype.DOUBLE)
    return NodeMessages(Identity("issy", "b012"), catalog, aliases=False)


def born(effects):
    return [effect.topic.rpartition("/")[2] for effect in effects if effect is not NBIRTH]


def test_a_small_house_is_born_at_once(world):
    births = BirthQueue()
    assert ["load0", "load1"] == born(births.begin(NBIRTH, messages_of(3, 4), world.context))
    assert not births


def test_a_portion_ends_with_the_device_that_fills_it(world):
    births, messages = BirthQueue(), messages_of(BIRTH_METRICS_MAX - 1, BIRTH_METRICS_MAX, 1, 1)
    assert ["load0", "load1"] == born(births.begin(NBIRTH, messages, world.context))
    assert births
    assert ["load2", "load3"] == born(births.portion(messages, world.context))
    assert not births


def test_a_connection_that_is_gone_bears_nobody(world):
    births, messages = BirthQueue(), messages_of(BIRTH_METRICS_MAX, 1)
    births.begin(NBIRTH, messages, world.context)
    births.clear()
    assert [] == births.portion(messages, world.context)


ME = Identity("issy", "b012")


def test_names_on_the_wire():
    assert ("issy.b012", "quartier/v1/issy/b012") == (ME.client_id, ME.companion)
    assert "spBv1.0/issy/NBIRTH/b012" == ME.topic("NBIRTH")
    assert "spBv1.0/issy/DDATA/b012/bat1" == ME.topic("DDATA", "bat1")


def test_the_count_wraps_from_255_to_0_and_a_birth_starts_it_anew(world, catalog):
    messages = NodeMessages(ME, catalog, aliases=False)
    run = run_of([Sample("grid", 7, 1, "power_w", world.utc_ms, 1.0)])
    messages.learn(run)
    messages.make_nbirth(0, [], world.context)
    told = [messages.data(run, 0, world.now, historical=False)[0] for _ in range(300)]
    numbers = [decode_payload(message.payload).seq for message in told]
    assert [(n + 1) % 256 for n in range(300)] == numbers
    assert 0 == decode_payload(messages.make_nbirth(0, [], world.context).payload).seq
    assert 1 == decode_payload(messages.make_dbirth("grid", world.context).payload).seq


def test_births_stand_in_the_order_of_their_times(world, catalog):
    world.latest["ev1.plugged_on"] = PointValue(True, Quality.GOOD, 0.1)
    world.latest["ev1.charge_state"] = PointValue(3, Quality.GOOD, 9.0)
    world.latest["rs485.requests_count"] = PointValue(17, Quality.GOOD, 600.0)
    messages = NodeMessages(ME, catalog, aliases=False)
    device = decode_payload(messages.make_dbirth("ev1", world.context).payload).metrics
    node = decode_payload(messages.make_nbirth(5, [], world.context).payload).metrics
    assert ["charge_state", "plugged_on"] == [metric.name for metric in device]
    assert ("rs485.requests_count", "bdSeq") == (node[0].name, node[-1].name)


def test_data_says_which_samples_it_delivers(world, catalog):
    messages = NodeMessages(ME, catalog, aliases=False)
    run = run_of([Sample("node", 7, n, "rs485.requests_count", world.utc_ms, n) for n in (4, 5)])
    messages.learn(run)
    message, count = messages.data(run, 0, world.now, historical=True)
    assert 2 == count
    assert ("spBv1.0/issy/NDATA/b012", "node", StreamPosition(7, 5)) == (
        message.topic,
        message.stream,
        message.upto,
    )


@pytest.mark.parametrize(
    ("seen", "value", "quality"),
    [
        (PointValue(5.0, Quality.GOOD, 1.0), 5.0, Quality.GOOD),
        (PointValue(5.0, Quality.STALE, 1.0), 5.0, Quality.STALE),
        (PointValue("rubbish", Quality.GOOD, 1.0), None, Quality.BAD),
        (PointValue(5.0, Quality.GOOD, float("inf")), 5.0, Quality.GOOD),
        (None, None, Quality.STALE),
    ],
)
def test_a_birth_says_the_latest_value_as_it_is_trusted(world, catalog, seen, value, quality):
    latest = {} if seen is None else {"grid.power_w": seen}
    context = SessionContext(world.now, lambda: latest, world.notebook)
    metric = decode_payload(
        NodeMessages(ME, catalog, aliases=False).make_dbirth("grid", context).payload
    ).metrics[0]
    assert (value, quality) == (metric.value, metric.quality)


def test_a_death_has_the_connects_number(world):
    assert 200 == decode_payload(make_death(ME, 200, world.now).payload).metrics[0].value
