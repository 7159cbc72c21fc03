"""Births in portions: whole devices, in order, until all are born."""

from quartier.district.records import Identity, Note
from quartier.district.sparkplug.metric_catalog import MetricCatalog
from quartier.district.sparkplug.node_messages import BIRTH_METRICS_MAX, BirthQueue, NodeMessages
from quartier.district.sparkplug.payload_codec import Datatype

NBIRTH = Note("test", "stands for the node's birth")


def voice_of(*counts):
    catalog = MetricCatalog()
    for number, count in enumerate(counts):
        for at in range(count):
            catalog.add(f"load{number}", f"r{at}_w", Datatype.DOUBLE)
    return NodeMessages(Identity("issy", "b012"), catalog, aliases=False)


def born(effects):
    return [effect.topic.rpartition("/")[2] for effect in effects if effect is not NBIRTH]


def test_a_small_house_is_born_at_once(world):
    births = BirthQueue()
    assert ["load0", "load1"] == born(births.begin(NBIRTH, voice_of(3, 4), world.scene))
    assert not births


def test_a_portion_ends_with_the_device_that_fills_it(world):
    births, voice = BirthQueue(), voice_of(BIRTH_METRICS_MAX - 1, BIRTH_METRICS_MAX, 1, 1)
    assert ["load0", "load1"] == born(births.begin(NBIRTH, voice, world.scene))
    assert births
    assert ["load2", "load3"] == born(births.portion(voice, world.scene))
    assert not births


def test_a_connection_that_is_gone_bears_nobody(world):
    births, voice = BirthQueue(), voice_of(BIRTH_METRICS_MAX, 1)
    births.begin(NBIRTH, voice, world.scene)
    births.clear()
    assert [] == births.portion(voice, world.scene)
