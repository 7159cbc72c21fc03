"""The tables of a profile: fallbacks as the contract says them, and what a key may hold."""

import pytest
from pydantic import ValidationError

from quartier_drivers.contract import Fallback
from quartier_drivers.opcua.node_types import TYPE_NUMBERS
from quartier_drivers.opcua.schema import NodeWrite, OpcuaIdentity, OpcuaPoint


def point(**write):
    keys = {"low": 0, "high": 100, "on_release": "hold"} | write
    return OpcuaPoint.model_validate({"node": "i=1", "write": keys})


def test_a_variable_without_a_watchdog_has_no_fallback():
    assert point().fallback is None
    assert OpcuaPoint.model_validate({"node": "i=1"}).fallback is None


def test_a_watchdog_is_a_fallback_that_writing_keeps_from_acting():
    found = point(fallback={"value": 40, "after_s": 60, "node": "nsu=urn:a;s=Beat"}).fallback

    assert Fallback(40.0, 60.0, "nsu=urn:a;s=Beat", 20.0) == found


def test_own_control_after_its_time_has_no_value():
    assert (
        Fallback(None, 60.0, "", 10.0)
        == point(fallback={"value": "own", "after_s": 60, "refresh_s": 10}).fallback
    )


def test_a_type_is_named_as_the_standard_does():
    assert TYPE_NUMBERS["UInt16"] == point(type="UInt16").write.type_number

    with pytest.raises(ValidationError, match="expected one of Boolean"):
        point(type="uint16")


def test_a_range_and_a_release_are_never_left_out():
    with pytest.raises(ValidationError):
        NodeWrite.model_validate({"low": 0, "on_release": "hold"})
    with pytest.raises(ValidationError, match='expected "own", "cap", "hold" or a number'):
        NodeWrite.model_validate({"low": 0, "high": 1, "on_release": "off"})


def test_only_what_is_named_says_who_it_is():
    assert {} == OpcuaIdentity().nodes
    assert ["serial"] == list(OpcuaIdentity.model_validate({"serial": "i=7"}).nodes)
