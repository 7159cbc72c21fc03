"""Writes with their results looked at."""

import pytest
from tests.drivers.opcua.conftest import URI

from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.opcua.node_types import parse_node
from quartier_drivers.opcua.writer import NodeWriter, PlannedWrite, check_status, make_writes


def at(name):
    return parse_node(f"nsu={URI};s={name}")


async def test_a_write_lands_in_the_type_of_the_node(line, plant):
    writer = NodeWriter(line)

    await writer.release(PlannedWrite("pump.valve_pct", at("Valve"), None, 321.0))

    assert 321 == plant.get("Valve")
    assert type(plant.get("Valve")) is int


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (PlannedWrite("p", parse_node("nsu=urn:nobody;s=x"), None, 1.0), "no namespace urn:nobody"),
        (PlannedWrite("p", at("Nobody"), None, 1.0), "no variable that takes a number"),
        (PlannedWrite("p", at("Locked"), None, 1.0), "p: Bad"),
        (PlannedWrite("p", at("Valve"), None, 1e6), "does not fit Int16"),
    ],
)
async def test_a_refusal_names_the_point_and_why(line, one, says):
    with pytest.raises(Refused, match=says):
        await NodeWriter(line).release(one)


async def test_a_release_goes_on_after_a_failure(line, plant):
    failures = await make_writes(
        line, [PlannedWrite("a", at("Locked"), None, 1.0), PlannedWrite("b", at("Valve"), None, 55.0)]
    )

    assert 1 == len(failures)
    assert failures[0].startswith("a: Bad")
    assert 55 == plant.get("Valve")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0x803C0000, Refused),
        (0x803B0000, Refused),
        (0x800A0000, NoReply),
        (0x80310000, NoReply),
        (0x80250000, LinkLost),
    ],
)
def test_a_code_says_what_to_do_next(code, kind):
    with pytest.raises(kind):
        check_status("p", code)


@pytest.mark.parametrize("code", [0, 0x00960000, 0x002D0000])
def test_a_good_code_is_good_whatever_it_adds(code):
    check_status("p", code)
