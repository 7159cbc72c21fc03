"""What a release table says of a write."""

import pytest

from quartier_drivers.opcua.connection.credentials import find_fingerprint
from quartier_drivers.opcua.endpoint_choice import ENCRYPT_MODE, EndpointOffer
from quartier_drivers.opcua.node_types import TYPE_NUMBERS, parse_node
from quartier_drivers.opcua.writer import PlannedWrite, dump_write, fit_raw, restore_write

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
