"""Broadcasts, routers, BBMDs and occupied ports, on hosts of their own (network namespaces; root)."""

import json

import pytest

pytestmark = pytest.mark.peer
BUILDING = {"broadcast": "10.77.1.255", "port": 47808}
BBMD = "tests/peers/bacpypes3_device.py"


def found(done):
    assert 0 == done.returncode, done.stderr
    return {one["instance"]: one for one in json.loads(done.stdout)["found"]}


def test_a_broadcast_finds_every_device_of_the_subnet_and_those_behind_a_router(village):
    village.host("gw", "10.77.1.1/24")
    village.host("one", "10.77.1.2/24")
    village.host("rt", "10.77.1.3/24")
    village.serve("one", host="10.77.1.2", stations=[{"instance": 201, "kind": "ventilation"}], **BUILDING)
    behind = [{"instance": 300 + mac, "network": 2001, "mac": mac} for mac in range(1, 7)]
    village.serve("rt", host="10.77.1.3", stations=behind, **BUILDING)

    met = found(village.quartier("gw", "scan", "bacnet", "eth0", "--wait", "1", "--json"))
    assert [201, 301, 302, 303, 304, 305, 306] == list(met)
    assert "10.77.1.2" == met[201]["address"]
    assert "2001:6@10.77.1.3" == met[306]["address"]
    assert "quartier ventilation" == met[201]["identity"]["model-name"]

    some = found(
        village.quartier(
            "gw", "scan", "bacnet", "eth0", "--instances", "302-303,400", "--wait", "1", "--json"
        )
    )
    assert [302, 303] == list(some)
    told = json.loads(village.quartier("gw", "read", "bacnet", "eth0?unit=304", "--json").stdout)
    assert "2001:4@10.77.1.3" == told["address"]
    assert "Temperature 1" in [one["name"] for one in told["objects"]]


def test_a_foreign_device_reaches_another_subnet_through_its_bbmd(village):
    village.host("gw", "10.77.1.1/24", "10.77.2.0/24")
    village.host("bb", "10.77.2.1/24", "10.77.1.0/24")
    village.host("one", "10.77.2.2/24", "10.77.1.0/24")
    village.start("bb", BBMD, "--address", "10.77.2.1/24", "--instance", "900", "--bbmd", "10.77.2.1")
    village.serve(
        "one",
        host="10.77.2.2",
        port=47808,
        broadcast="10.77.2.255",
        stations=[{"instance": 201, "kind": "ventilation"}],
    )

    assert 1 == village.quartier("gw", "scan", "bacnet", "eth0", "--wait", "0.5", "--json").returncode
    done = village.quartier("gw", "scan", "bacnet", "eth0?bbmd=10.77.2.1", "--wait", "1", "--json")
    met = found(done)
    assert ["the BBMD 10.77.2.1 forwards broadcasts to 10.77.2.1"] == json.loads(done.stdout)["notes"]
    assert [201, 900] == list(met)
    assert "10.77.2.2" == met[201]["address"]


def test_an_occupied_port_is_named_with_what_to_do(village):
    village.host("gw", "10.77.1.1/24")
    village.serve("gw", host="10.77.1.1", stations=[{"instance": 201}], **BUILDING)

    done = village.quartier("gw", "scan", "bacnet", "eth0", "--wait", "0.2")
    assert 1 == done.returncode
    assert "UDP port 47808 of 10.77.1.1 is in use by another BACnet program" in done.stderr


def test_a_bbmd_that_is_not_there_is_named(village):
    village.host("gw", "10.77.1.1/24", "10.77.2.0/24")

    done = village.quartier("gw", "scan", "bacnet", "eth0?bbmd=10.77.2.9&timeout_s=0.2", "--wait", "0.2")
    assert 1 == done.returncode
    assert "10.77.2.9" in done.stderr
