"""Stacks of others read the rig's BACnet devices: node-bacnet, @bacnet-js/client, bacpypes3, and tshark by the byte."""

import asyncio
import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from bacpypes3.app import Application
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import ObjectIdentifier
from bacpypes3.settings import settings

from quartier_sim.bacnet import encoding, udp_endpoint
from quartier_sim.bacnet.building_controllers import RoomController, VentilationUnit
from quartier_sim.bacnet.services import Capabilities
from quartier_sim.bacnet.udp_endpoint import NetworkAddress, Packet, serve_udp

pytestmark = pytest.mark.peer
PEERS = Path(__file__).parents[3] / "peers"
ANALOG_INPUT, ANALOG_VALUE, BINARY_OUTPUT, MULTI_STATE, LOAD_CONTROL = 0, 2, 4, 19, 28
ALL, NAME, ARRAY, PV, STATES, FLAGS, UNITS = 8, 77, 87, 85, 110, 111, 117
REAL, ENUMERATED, NULL = 4, 9, 0
NO_SEGMENTATION = 3
LIBRARIES = ["node-bacnet", "@bacnet-js/client"]


@pytest.fixture
def unit():
    unit = VentilationUnit(201)
    unit.publish({"supply_c": 19.5, "filter_on": 1.0})
    return unit


async def asked(library, endpoint, *commands):
    if shutil.which("node") is None or not (PEERS / "node_modules" / library).is_dir():
        pytest.skip(f"{library} is not installed (tests/peers/install.sh)")
    words_ = ["node", str(PEERS / "bacnet_client.js"), library, endpoint.host, str(endpoint.port)]
    process = await asyncio.create_subprocess_exec(
        *words_, *map(json.dumps, commands), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("library", LIBRARIES)
async def test_clients_of_node_read_and_command_the_unit(unit, library):
    async with await serve_udp(unit) as endpoint:
        said = await asked(
            library,
            endpoint,
            ["read", ANALOG_INPUT, 1, PV],
            ["read", MULTI_STATE, 1, STATES],
            ["multiple", [[ANALOG_INPUT, 1, [NAME, PV, UNITS, FLAGS]], [ANALOG_VALUE, 2, [PV, ARRAY]]]],
            ["write", ANALOG_VALUE, 2, PV, REAL, 40, 10],
            ["read", ANALOG_VALUE, 2, ARRAY],
            ["write", ANALOG_VALUE, 2, PV, NULL, None, 10],
            ["write", BINARY_OUTPUT, 1, PV, ENUMERATED, 1, 10],
            ["read", LOAD_CONTROL, 1, PV],
            ["read", ANALOG_INPUT, 99, PV],
        )

    values = [one.get("values") for one in said]
    air, limit = values[2]
    assert [[19.5], ["off", "reduced", "normal", "boost"]] == values[:2]
    assert [["Supply air temperature"], [19.5], [62]] == air[:3]
    assert [[100], [None] * 16] == limit
    assert [None] * 9 + [40] + [None] * 6 == values[4]
    assert [[], []] == values[5:7]
    assert [0] == values[7]
    assert "31" in said[8]["error"]
    assert (100.0, 1.0) == (unit.limit.value, unit.heater.value)


async def talked(library, endpoint, *commands):
    """The lines of the client as they come; what was asked of it last ends it."""
    if shutil.which("node") is None or not (PEERS / "node_modules" / library).is_dir():
        pytest.skip(f"{library} is not installed (tests/peers/install.sh)")
    words_ = ["node", str(PEERS / "bacnet_client.js"), library, endpoint.host, str(endpoint.port)]
    process = await asyncio.create_subprocess_exec(
        *words_, *map(json.dumps, commands), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        async for line in process.stdout:
            yield json.loads(line)
        await process.wait()


@pytest.mark.parametrize("library", LIBRARIES)
async def test_clients_of_node_find_the_unit_by_who_is(unit, library):
    async with await serve_udp(unit) as endpoint:
        (said,) = await asked(library, endpoint, ["who", 201, 201])

    assert [201, 1476, NO_SEGMENTATION] == said["values"][:3]


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize("library", LIBRARIES)
async def test_clients_of_node_are_told_of_a_change_and_of_none_too_small(unit, library, confirmed):
    told = []
    async with await serve_udp(unit) as endpoint:
        follow = ["follow", ANALOG_INPUT, 1, confirmed, 2]
        async for said in talked(library, endpoint, follow, ["cancel", ANALOG_INPUT, 1]):
            told.append(said)
            if len(told) == 1:
                unit.publish({"supply_c": 19.6})  # less than the increment of 0.2 K
                unit.publish({"supply_c": 21.25})
        acks_count = endpoint.acks_count

    assert [19.5, 21.25] == [dict(said["told"])[PV][0] for said in told[:2]]
    assert all(said["process"] == 7 and 0 < said["left_s"] <= 60 for said in told[:2])
    assert [[], []] == [said["values"] for said in told[2:]]
    assert (2 if confirmed else 0) == acks_count
    assert 0 == len(unit.service.subscriptions)


@pytest.mark.parametrize("library", LIBRARIES)
async def test_every_object_of_the_unit_reads_in_a_client_of_node_as_the_plant_told_it(unit, library):
    told = {
        "supply_c": 19.25,
        "extract_c": 22.5,
        "outdoor_c": -7.75,
        "co2_ppm": 812.0,
        "fan_supply_pct": 64.0,
        "fan_extract_pct": 61.0,
        "power_w": 1_234.0,
    }
    unit.publish({**told, "energy_import_wh": 98_765_500.0})
    keys = [key for key in unit.things if key[0] != encoding.OBJECT_TYPES["device"]]
    asked_for = [*([kind, number, [NAME, PV]] for kind, number in keys)]
    async with await serve_udp(unit) as endpoint:
        (said,) = await asked(library, endpoint, ["multiple", asked_for])
    read = {tuple(key): (name[0], value[0]) for key, (name, value) in zip(keys, said["values"], strict=True)}

    assert {thing.key: thing.name for thing in unit.things.values() if thing.key in read} == {
        key: name for key, (name, _) in read.items()
    }
    assert [*told.values(), 98_765.5] == [read[ANALOG_INPUT, number][1] for number in range(1, 9)]
    assert len(read) == len(unit.things) - 1


@pytest.mark.parametrize("library", LIBRARIES)
async def test_of_several_priorities_the_highest_acts_and_the_next_one_once_it_is_given_back(unit, library):
    at = ["write", ANALOG_VALUE, 2, PV]
    read = ["read", ANALOG_VALUE, 2, PV]
    async with await serve_udp(unit) as endpoint:
        said = await asked(
            library,
            endpoint,
            *([*at, REAL, 70, 12], [*at, REAL, 40, 8], read, ["read", ANALOG_VALUE, 2, ARRAY]),
            *([*at, NULL, None, 8], read, [*at, NULL, None, 12], read),
            *([*at, REAL, 250, 8],),
        )
        values = [one.get("values") for one in said]

    assert ([40], [70], [100]) == (values[2], values[5], values[7])
    assert [None] * 7 + [40] + [None] * 3 + [70] + [None] * 4 == values[3]
    assert "37" in said[8]["error"]  # value-out-of-range


@pytest.mark.parametrize("library", LIBRARIES)
async def test_what_would_need_segments_is_aborted_by_name_and_fits_where_less_is_asked(library):
    room = RoomController(301, sensors_count=40, habits=Capabilities(apdu_max=206))
    room.publish({"room_c": 21.0})
    all_of_three = [[ANALOG_INPUT, number, [ALL]] for number in range(2, 5)]
    some = [[ANALOG_INPUT, number, [NAME, PV]] for number in range(2, 5)]
    async with await serve_udp(room) as endpoint:
        much, little = await asked(library, endpoint, ["multiple", all_of_three], ["multiple", some])

    assert "BacnetAbort - Reason:4" == much["error"]  # segmentation-not-supported
    assert [21.0, 21.1, 21.2] == pytest.approx([value[0] for _, value in little["values"]], abs=1e-4)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def application(port):
    return Application.from_object_list(
        [
            DeviceObject(objectIdentifier=("device", 999), objectName="judge", vendorIdentifier=999),
            NetworkPortObject(f"127.0.0.1:{port}", objectIdentifier=("network-port", 1), objectName="port"),
        ]
    )


@pytest.fixture
async def judge(unit):
    """(bacpypes3's application, endpoint of the unit and of rooms behind a router there)."""
    places = {
        NetworkAddress(2001, bytes([mac])): RoomController(300 + mac, habits=Capabilities(apdu_max=206))
        for mac in (1, 2)
    }
    async with await serve_udp({None: unit, **places}) as endpoint:
        app = application(free_port())
        await asyncio.gather(*app.link_layers[next(iter(app.link_layers))].server._transport_tasks)
        yield app, endpoint, places
        app.close()


async def test_bacpypes3_finds_the_unit_and_reads_its_objects(judge):
    app, endpoint, _ = judge
    (i_am,) = await app.who_is(201, 201, Address(endpoint.address))
    assert (("device", 201), 1476) == (
        (str(i_am.iAmDeviceIdentifier[0]), i_am.iAmDeviceIdentifier[1]),
        i_am.maxAPDULengthAccepted,
    )
    address = Address(endpoint.address)
    assert 19.5 == await app.read_property(address, "analog-input,1", "present-value")
    assert 17 == len(await app.read_property(address, "device,201", "object-list"))
    await app.write_property(address, "analog-value,2", "present-value", 55.0, priority=10)
    places = await app.read_property(address, "analog-value,2", "priority-array")
    assert 55.0 == places[9].real
    level = await app.read_property(address, "load-control,1", "requested-shed-level")
    assert 100 == level.percent


async def test_bacpypes3_reaches_rooms_behind_the_router(judge, monkeypatch):
    monkeypatch.setitem(settings, "route_aware", True)
    app, endpoint, places = judge
    places[NetworkAddress(2001, b"\2")].publish({"power_w": 750.0})
    room = Address(f"2001:2@{endpoint.address}")

    assert 750.0 == await app.read_property(room, "analog-input,1", "present-value")


async def test_bacpypes3_hears_of_changes(judge, unit):
    app, endpoint, _ = judge
    air = ObjectIdentifier("analog-input,1")
    subscription = app.change_of_value(
        Address(endpoint.address), air, issue_confirmed_notifications=True, lifetime=60
    )
    async with subscription as changes, asyncio.timeout(60):
        first = dict([str_key(await changes.get_value()) for _ in range(2)])
        unit.publish({"supply_c": 21.0})
        second = dict([str_key(await changes.get_value()) for _ in range(2)])

    assert (19.5, 21.0) == (first["present-value"], second["present-value"])
    assert 2 == endpoint.acks_count


def str_key(pair):
    name, value = pair
    return str(name), value


def dissected(packets, folder):
    """What tshark makes of each datagram, one line of fields each."""
    if shutil.which("tshark") is None or shutil.which("text2pcap") is None:
        pytest.skip("tshark is not installed (apt-get install tshark)")
    text = "".join(f"000000 {octets.hex(' ')}\n" for octets in packets)
    file = str(folder / "one.pcap")
    subprocess.run(
        ["text2pcap", "-q", "-u", "47808,47808", "-", file],
        input=text.encode(),
        check=True,
        capture_output=True,
    )
    return subprocess.run(["tshark", "-r", file, "-V"], check=True, capture_output=True, text=True).stdout


def test_tshark_names_every_answer_and_finds_nothing_malformed(unit, tmp_path):
    head = bytes([0, 5, 1])
    wanted = encoding.encode_wrapped(
        1, encoding.encode_tagged(0, bytes([encoding.PROPERTIES["all"]]), context=True)
    )
    everything = [
        encoding.encode_tagged(0, encoding.pack_identifier(*key), context=True) + wanted
        for key in unit.things
    ]
    answers = [
        unit.answer_confirmed(head + bytes([encoding.READ_PROPERTY_MULTIPLE]) + one, "me").pdu
        for one in everything
    ]
    subscribed = bytes.fromhex("0907 1C00000001 2900 393C")
    answers.append(unit.answer_confirmed(head + bytes([encoding.SUBSCRIBE_COV]) + subscribed, "me").pdu)
    answers += [bytes([0x10, encoding.UNCONFIRMED_COV]) + body for _, body in unit.news()]
    answers.append(unit.i_am)
    packets = [
        udp_endpoint.build_datagram(Packet(one, source=NetworkAddress(2001, b"\5"))) for one in answers
    ]
    packets.append(
        udp_endpoint.build_datagram(
            Packet(b"\x07\xd1", message=udp_endpoint.I_AM_ROUTER), udp_endpoint.BROADCAST
        )
    )
    text = dissected(packets, tmp_path)

    assert len(packets) == text.count("Building Automation and Control Network NPDU")
    assert "Malformed" not in text
    for name in (
        "shed-levels",
        "priority-array",
        "state-text",
        "Supply air temperature",
        "I-Am-Router-To-Network",
    ):
        assert name in text
