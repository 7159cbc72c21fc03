"""What a release table says of a write."""

import pytest

from quartier_drivers.opcua.certificate import fingerprint
from quartier_drivers.opcua.node import node
from quartier_drivers.opcua.offer import ENCRYPT, Offer
from quartier_drivers.opcua.scalars import NUMBERS
from quartier_drivers.opcua.wanted import Wanted, dump, fits, restore

VALVE = Wanted("pump.valve_pct", node("nsu=urn:a;s=Valve"), 3, 30.0, NUMBERS["Int16"])


def test_a_release_survives_json():
    assert VALVE == restore(dict(dump(VALVE)))
    assert 0 == restore(dict(dump(Wanted("p", node("i=1"), None, 1.0)))).type_number


def test_it_says_which_endpoint_let_us_in_by_the_fingerprint_of_its_certificate():
    offer = Offer("Basic256Sha256", ENCRYPT, b"a certificate")

    assert ["Basic256Sha256", ENCRYPT, fingerprint(b"a certificate")] == dump(VALVE, offer)["offer"]
    assert "offer" not in dump(VALVE)
    assert VALVE == restore(dict(dump(VALVE, offer)))


def test_a_number_becomes_a_value_of_its_type_or_is_no_value_of_it():
    assert 30 == fits(30.0, NUMBERS["Int16"])
    with pytest.raises(ValueError, match="does not fit Byte"):
        fits(300.0, NUMBERS["Byte"])
