"""Writes with their results looked at."""

import pytest
from tests.drivers.opcua.conftest import URI

from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.opcua.connection.credentials import find_fingerprint
from quartier_drivers.opcua.endpoint_choice import ENCRYPT_MODE, EndpointOffer
from quartier_drivers.opcua.node_types import TYPE_NUMBERS, parse_node
from quartier_drivers.opcua.writer import (
    NodeWriter,
    PlannedWrite,
    check_status,
    dump_write,
    find_targets,
    fit_raw,
    make_writes,
    restore_write,
)


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


VALVE = PlannedWrite("pump.valve_pct", parse_node("nsu=urn:a;s=Valve"), 3, 30.0, TYPE_NUMBERS["Int16"])


def test_a_release_survives_json():
    assert VALVE == restore_write(dict(dump_write(VALVE)))
    assert 0 == restore_write(dict(dump_write(PlannedWrite("p", parse_node("i=1"), None, 1.0)))).type_number


def test_it_says_which_endpoint_let_us_in_by_the_fingerprint_of_its_certificate():
    offer = EndpointOffer("Basic256Sha256", ENCRYPT_MODE, b"a certificate")

    assert ["Basic256Sha256", ENCRYPT_MODE, find_fingerprint(b"a certificate")] == dump_write(VALVE, offer)[
        "offer"
    ]
    assert "offer" not in dump_write(VALVE)
    assert VALVE == restore_write(dict(dump_write(VALVE, offer)))


def test_a_number_becomes_a_value_of_its_type_or_is_no_value_of_it():
    assert 30 == fit_raw(30.0, TYPE_NUMBERS["Int16"])
    with pytest.raises(ValueError, match="does not fit Byte"):
        fit_raw(300.0, TYPE_NUMBERS["Byte"])
