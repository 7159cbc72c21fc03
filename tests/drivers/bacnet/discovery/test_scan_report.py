"""``quartier scan bacnet`` against the rig's devices on loopback, where no broadcast passes: each is asked alone."""

import asyncio
import contextlib
import json
import threading
import tomllib

import pytest

from quartier.cli import main
from quartier_sim.bacnet.building_controllers import RoomController, VentilationUnit
from quartier_sim.bacnet.udp_endpoint import NetworkAddress, serve_udp

OURS = "127.0.0.2"


@contextlib.contextmanager
def serving(stations):
    """The network as a URL and the address of a server that runs in a thread of its own."""
    up, told = threading.Event(), []

    async def serve():
        stop = asyncio.Event()
        async with await serve_udp(stations) as endpoint:
            told.extend([endpoint, asyncio.get_running_loop(), stop])
            up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(60)
    endpoint, loop, stop = told
    try:
        yield f"{OURS}?port={endpoint.port}", endpoint.address
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)


def scan(network, address, *words):
    return main(["scan", "bacnet", network, "--at", address, "--wait", "0.2", *words])


def test_a_device_is_found_with_who_it_is_and_its_profile(capsys):
    with serving(VentilationUnit(201)) as (network, address):
        assert 0 == scan(network, address)

    text = capsys.readouterr().out
    row = next(line.split() for line in text.splitlines() if line.split()[:1] == ["201"])
    assert address == row[1]
    assert "quartier/ventilation_bacnet" in row
    site = tomllib.loads(text.partition("For the site file:")[2])
    assert {"kind": "bacnet-ip", "interface": OURS} == {
        key: site["buses"]["bacnet"][key] for key in ("kind", "interface")
    }
    assert {"bus": "bacnet", "profile": "quartier/ventilation_bacnet", "unit": 201} == site["devices"]["b201"]


def test_devices_behind_a_router_are_found_by_network_and_mac(capsys):
    rooms = {NetworkAddress(2001, bytes([mac])): RoomController(300 + mac) for mac in (1, 2)}
    with serving(rooms) as (network, address):
        assert 0 == scan(network, f"2001:1@{address},2001:2@{address}", "--json")

    found = json.loads(capsys.readouterr().out)["found"]
    assert [(301, f"2001:1@{address}"), (302, f"2001:2@{address}")] == [
        (one["instance"], one["address"]) for one in found
    ]
    assert ["none", "none"] == [one["segmentation"] for one in found]


def test_two_devices_with_one_instance_are_named_and_told_apart_by_address(capsys):
    rooms = {NetworkAddress(2001, bytes([mac])): RoomController(301) for mac in (1, 2)}
    with serving(rooms) as (network, address):
        assert 0 == scan(network, f"2001:1@{address},2001:2@{address}")

    text = capsys.readouterr().out
    assert "note: instance 301 is there 2 times" in text
    site = tomllib.loads(text.partition("For the site file:")[2])
    assert {f"2001:{mac}@{address}" for mac in (1, 2)} == {one["address"] for one in site["devices"].values()}


def test_only_the_instances_that_were_asked_for_count(capsys):
    with serving(VentilationUnit(201)) as (network, address):
        assert 1 == scan(network, address, "--instances", "1-200")

    assert "no device answers" in capsys.readouterr().err


def test_an_occupied_port_is_named(capsys):
    with serving(VentilationUnit(201)) as (network, address):
        assert 1 == main(["scan", "bacnet", network.replace(OURS, "127.0.0.1"), "--at", address])

    assert "is in use by another BACnet program" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "what"),
    [(("--at", "nowhere"), "at: 'nowhere' is no address"), (("--instances", "9-1"), "rising numbers")],
)
def test_what_cannot_be_asked_is_said(words, what, capsys):
    with contextlib.suppress(SystemExit):
        assert 78 == main(["scan", "bacnet", "eth0", *words])

    assert what in capsys.readouterr().err
