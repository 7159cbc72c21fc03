"""The address space of a real server as a tree."""

import pytest
from tests.drivers.opcua.conftest import URI

from quartier_drivers.errors import NoReply
from quartier_drivers.opcua import reader
from quartier_drivers.opcua.node_types import parse_node
from quartier_drivers.opcua.reader import browse_tree


async def test_variables_have_type_value_and_what_may_be_written(line, plant):
    plant.set("Power", 1500.0)

    found = dict((await browse_tree(line)).flat())

    power, locked = found["Objects/Plant/Power"], found["Objects/Plant/Locked"]
    assert (f"nsu={URI};s=Power", "1500", "Double", True) == (
        power.node,
        power.value,
        power.type_name,
        power.writable,
    )
    assert not locked.writable
    assert "Objects/Plant/Valve/EURange" in found
    assert "Structure" == found["Objects/Plant/Valve/EURange"].type_name


async def test_the_server_s_own_object_is_shown_only_when_it_is_wanted(line):
    some = {one.name for one in (await browse_tree(line, depth=1)).below}
    every = {one.name for one in (await browse_tree(line, depth=1, everything=True)).below}

    assert {"Server"} == every - some


async def test_it_begins_where_one_wants_and_ends_so_far_down(line):
    start = line.place(parse_node(f"nsu={URI};s=Plant"))

    found = await browse_tree(line, start, depth=1)

    assert f"nsu={URI};s=Plant" == found.node
    assert all(not one.below for one in found.below)
    assert {"Power", "Valve"} <= {one.name for one in found.below}


async def test_a_server_without_end_is_not_listed_for_ever(line, monkeypatch):
    monkeypatch.setattr(reader, "_NODES_MAX", 5)

    with pytest.raises(NoReply, match="begin further down"):
        await browse_tree(line)
