"""What is asked of a node before it is written: its built-in type and its range."""

import pytest
from tests.drivers.opcua.conftest import URI

from quartier_drivers.opcua.node_types import TYPE_NUMBERS, parse_node
from quartier_drivers.opcua.writer import find_targets


def place(line, name):
    found = line.place(parse_node(f"nsu={URI};s={name}"))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "kind", "span"),
    [
        ("Valve", "Int16", (0.0, 800.0)),
        ("Power", "Double", None),
        ("Running", "Boolean", None),
        ("Mode", "Int32", None),
        ("Rest", "Double", None),
        ("Loose", "UInt32", None),
    ],
)
async def test_type_and_range_come_from_the_node(line, name, kind, span):
    at = place(line, name)

    found = await find_targets(line, [at], {})

    assert (TYPE_NUMBERS[kind], span) == (found[at].type_number, found[at].eu_range)


async def test_a_type_that_the_profile_names_is_not_asked_for(line):
    at = place(line, "Power")

    found = await find_targets(line, [at], {at: TYPE_NUMBERS["Float"]})

    assert TYPE_NUMBERS["Float"] == found[at].type_number


async def test_what_is_no_variable_is_left_out(line):
    assert {} == await find_targets(line, [place(line, "Nobody"), place(line, "Plant")], {})
    assert {} == await find_targets(line, [], {})
