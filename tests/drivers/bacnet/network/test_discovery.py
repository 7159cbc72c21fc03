"""Broadcasts, routers, BBMDs and occupied ports, on hosts of their own (network namespaces; root)."""

import json

import pytest
from tests.drivers.bacnet.network.conftest import ended

pytestmark = pytest.mark.peer
BBMD = "tests/peers/bacpypes3_device.py"


@pytest.fixture(scope="module")
def lost(village):
    """A scan through a BBMD that is not there: it takes seconds, and the other tests need not wait for it."""
    village.host("lost", "10.77.3.9/24", "10.77.2.0/24")  # no broadcast of the others comes here
    return village.begin("lost", "scan", "bacnet", "eth0?bbmd=10.77.2.9&timeout_s=0.2", "--wait", "0.2")


@pytest.fixture(scope="module")
def building(village, lost):
    """Two subnets on one Ethernet: devices and a router on one, a device and a BBMD on the other."""
    del lost
    for name, address, other in (
        ("gw", "10.77.1.1/24", "10.77.2.0/24"),
        ("one", "10.77.1.2/24", "10.77.2.0/24"),
        ("rt", "10.77.1.3/24", "10.77.2.0/24"),
        ("bb", "10.77.2.1/24", "10.77.1.0/24"),
        ("two", "10.77.2.2/24", "10.77.1.0/24"),
    ):
        village.host(name, address, other)
    air = [{"instance": 201, "kind": "ventilation"}]
    behind = [{"instance": 300 + mac, "network": 2001, "mac": mac} for mac in range(1, 7)]
    more_air = [{"instance": 202, "kind": "ventilation"}]
    village.serve("one", host="10.77.1.2", broadcast="10.77.1.255", port=47808, stations=air)
    village.serve("rt", host="10.77.1.3", broadcast="10.77.1.255", port=47808, stations=behind)
    village.serve("two", host="10.77.2.2", broadcast="10.77.2.255", port=47808, stations=more_air)
    village.start("bb", BBMD, "--address", "10.77.2.1/24", "--instance", "900", "--bbmd", "10.77.2.1")
    return village


def found(done):
    assert 0 == done.returncode, done.stderr
    return {one["instance"]: one for one in json.loads(done.stdout)["found"]}


def test_a_broadcast_finds_every_device_of_the_subnet_and_those_behind_a_router(building):
    met = found(building.quartier("gw", "scan", "bacnet", "eth0", "--wait", "1", "--json"))
    assert [201, 301, 302, 303, 304, 305, 306] == list(met)
    assert "10.77.1.2" == met[201]["address"]
    assert "2001:6@10.77.1.3" == met[306]["address"]
    assert "quartier ventilation" == met[201]["identity"]["model-name"]

    some = found(
        building.quartier(
            "gw", "scan", "bacnet", "eth0", "--instances", "302-303,400", "--wait", "1", "--json"
        )
    )
    assert [302, 303] == list(some)
    told = json.loads(building.quartier("gw", "read", "bacnet", "eth0?unit=304", "--json").stdout)
    assert "2001:4@10.77.1.3" == told["address"]
    assert "Temperature 1" in [one["name"] for one in told["objects"]]


def test_a_foreign_device_reaches_another_subnet_through_its_bbmd(building):
    done = building.quartier("gw", "scan", "bacnet", "eth0?bbmd=10.77.2.1", "--wait", "1", "--json")
    met = found(done)
    assert ["the BBMD 10.77.2.1 forwards broadcasts to 10.77.2.1"] == json.loads(done.stdout)["notes"]
    assert [202, 900] == list(met)
    assert "10.77.2.2" == met[202]["address"]


def test_an_occupied_port_is_named_with_what_to_do(building):
    done = building.quartier("one", "scan", "bacnet", "eth0", "--wait", "0.2")
    assert 1 == done.returncode
    assert "UDP port 47808 of 10.77.1.2 is in use by another BACnet program" in done.stderr


def test_a_bbmd_that_is_not_there_is_named(lost):
    done = ended(lost)
    assert 1 == done.returncode
    assert "10.77.2.9" in done.stderr
