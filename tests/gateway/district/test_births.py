"""Births in portions: whole devices, in order, until all are born."""

from quartier.district.births import PORTION, Births
from quartier.district.catalog import Catalog
from quartier.district.effects import Note
from quartier.district.sparkplug import Type
from quartier.district.voice import Identity, Voice

NBIRTH = Note("test", "stands for the node's birth")


def voice_of(*counts):
    catalog = Catalog()
    for number, count in enumerate(counts):
        for at in range(count):
            catalog.add(f"load{number}", f"r{at}_w", Type.DOUBLE)
    return Voice(Identity("issy", "b012"), catalog, aliases=False)


def born(effects):
    return [effect.topic.rpartition("/")[2] for effect in effects if effect is not NBIRTH]


def test_a_small_house_is_born_at_once(world):
    births = Births()
    assert ["load0", "load1"] == born(births.begin(NBIRTH, voice_of(3, 4), world.scene))
    assert not births


def test_a_portion_ends_with_the_device_that_fills_it(world):
    births, voice = Births(), voice_of(PORTION - 1, PORTION, 1, 1)
    assert ["load0", "load1"] == born(births.begin(NBIRTH, voice, world.scene))
    assert births
    assert ["load2", "load3"] == born(births.portion(voice, world.scene))
    assert not births


def test_a_connection_that_is_gone_bears_nobody(world):
    births, voice = Births(), voice_of(PORTION, 1)
    births.begin(NBIRTH, voice, world.scene)
    births.clear()
    assert [] == births.portion(voice, world.scene)
