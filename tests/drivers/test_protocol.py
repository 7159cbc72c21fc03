"""Each protocol is described by one object; what it does not say has a default."""

import asyncio
import subprocess
import sys

import pytest

from quartier_drivers.device_profile.loading import load_profile
from quartier_drivers.device_profile.profile_check import ProfileCheck
from quartier_drivers.device_reports import ReadRequest
from quartier_drivers.errors import ConfigError
from quartier_drivers.protocol import Protocol
from quartier_drivers.registry import (
    BUS_KINDS,
    PROTOCOLS,
    load_bus_protocol,
    load_object,
    load_protocol,
    load_section,
)

PLAIN = Protocol(name="plain", title="Plain", factory="quartier_drivers.modbus.factory:FACTORY")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_a_description_names_is_there(name: str) -> None:
    one = load_protocol(name)
    paths = (one.factory, one.release, one.lint, one.vectors, one.reader, one.listing, one.scan, one.matches)

    assert name == one.name
    assert issubclass(one.load_profile_check(), ProfileCheck)
    assert all(load_object(path) for path in paths if path)
    assert callable(one.load_release())


def test_every_kind_of_bus_finds_its_protocol() -> None:
    assert all(kind.startswith(load_bus_protocol(kind).name) for kind in BUS_KINDS)


def test_examples_are_buses_of_the_protocol() -> None:
    for name in PROTOCOLS:
        for keys in load_protocol(name).examples.values():
            assert name == BUS_KINDS[keys["kind"]].protocol


def test_a_bus_says_where_it_is() -> None:
    found = {
        keys["kind"]: load_protocol(name).find_endpoint(load_section(keys["kind"])(**keys))
        for name in PROTOCOLS
        for keys in load_protocol(name).examples.values()
    }

    assert ("192.168.1.50", "4840") == found["opcua"]
    assert ("eth0", "47808") == found["bacnet-ip"]
    assert all(found.values())


def test_descriptions_import_neither_a_library_nor_a_schema() -> None:
    code = (
        "import sys; from quartier_drivers import registry;"
        "[registry.load_protocol(name) for name in registry.PROTOCOLS];"
        "sys.exit(any(name in sys.modules for name in ('pydantic', 'asyncio', 'serial', 'bacpypes3', 'asyncua')))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}

    assert 0 == subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


def test_a_protocol_that_says_nothing_has_defaults_that_do_nothing() -> None:
    profile, after = load_profile("eastron/sdm630"), bytearray(b"x")
    PLAIN.repair_checksums(b"y", after)

    assert [] == list(PLAIN.find_findings(profile))
    assert "Plain" == PLAIN.describe_bus(None)
    assert PLAIN.find_asking_time(None, []) is None
    assert PLAIN.find_capture("plain", "") is None
    assert [] == list(PLAIN.find_identifiers(b"12345678"))
    assert ("", "") == (PLAIN.find_framing(None), PLAIN.find_carried_address(b""))
    assert b"x" == bytes(after)
    with pytest.raises(ConfigError, match="speaks plain"):
        asyncio.run(PLAIN.read_profile(profile, ReadRequest("tcp://localhost")))
    assert [] == list(asyncio.run(PLAIN.find_matches(None, 1, [profile])))  # type: ignore[arg-type]  # it asks no line
