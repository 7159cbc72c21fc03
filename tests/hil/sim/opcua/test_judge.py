"""node-opcua's client meets the rig's OPC UA plants: security, users, every variable, orders, subscriptions; tshark reads along."""

import asyncio
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from tests.hil.sim.conftest import dissected, tapped

from quartier_sim.opcua import certificates, server
from quartier_sim.opcua.plants import HEAT_SUBSTATION_URI, HeatSubstation, WasteTerminal
from quartier_sim.opcua.plants import WASTE_TERMINAL_URI as WASTE_URI

# A server takes a second of a core to start, and so does the client: one of each serves all that is told of the substation.
pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="module")]
PEERS = Path(__file__).parents[3] / "peers"
PATIENCE_S = 90.0  # only ends a test that has failed
POLICIES = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
MODES = ("Sign", "SignAndEncrypt")
SHOWN = {
    "power_w": 1_620.0,
    "supply_c": 41.25,
    "return_c": -3.5,
    "flow_m3_per_h": 12.5,
    "speed_pct": 87.5,
    "valve_pct": 33.0,
    "heat_w": 45_500.0,
}
READ = {
    "Power": ["Double", 1.62, "Good"],
    "SupplyTemperature": ["Double", 41.25, "Good"],
    "ReturnTemperature": ["Double", -3.5, "Good"],
    "Flow": ["Float", 12.5, "Good"],
    "PumpSpeed": ["Double", 87.5, "Good"],
    "ValvePosition": ["Float", 33.0, "Good"],
    "HeatPower": ["Double", 45.5, "Good"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Certificates of a plant and of somebody who reads it."""
    made = tmp_path_factory.mktemp("keys")
    certificates.create_identity(made / "plant", server.URI)
    certificates.create_identity(made / "judge", "urn:quartier:judge")
    (made / "judge" / "user").write_text(server.USER)
    (made / "judge" / "password").write_text(server.PASSWORD)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(folder):
    async with await server.make_server(HeatSubstation(), certificates.Identity(folder / "plant")) as served:
        yield served


@pytest.fixture(scope="module")
def talk(folder):
    """``async for line in talk(url, uri, object, command, …)``: what the client says as it says it."""
    if shutil.which("node") is None or not (PEERS / "node_modules" / "node-opcua").is_dir():
        pytest.skip("node-opcua is not installed (tests/peers/install.sh)")

    async def talked(url, uri, named, *commands):
        words = ["node", str(PEERS / "opcua_judge.js"), url, str(folder / "judge"), uri, named]
        process = await asyncio.create_subprocess_exec(
            *words,
            *map(json.dumps, commands),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            async for line in process.stdout:
                yield json.loads(line)
            await process.wait()

    return talked


USUAL = ("Basic256Sha256", "SignAndEncrypt")
ASKED = {
    "endpoints": [["endpoints"]],
    "read": [["read", policy, mode] for policy in POLICIES for mode in MODES],
    "enter": [
        ["enter", *USUAL, server.USER, server.PASSWORD],
        ["enter", *USUAL, server.USER, "guessed"],
        ["enter", *USUAL, "somebody", server.PASSWORD],
        ["enter", *USUAL, "", ""],
        ["enter", "None", "None", server.USER, server.PASSWORD],
    ],
    "write": [
        ["write", "PumpLimit", "Double", 55],
        ["write", "SetpointShift", "Double", -2.5],
        ["write", "PumpLimit", "Double", 5],
        ["write", "PumpSpeed", "Double", 5],
        ["write", "PumpLimit", "String", "fast"],
        ["write", "PumpLimit", "Int32", 40],
        ["write", "Lease", "Double", 40],
        ["read", *USUAL],
    ],
    "follow": [["follow", "SupplyTemperature", 3]],
}


@dataclass
class Talk:
    """What the client heard of each kind of command, what went over its wire, and what the plant was ordered by it."""

    said: dict[str, list[dict]]
    heard: list[tuple[str, bytes]]
    orders: dict[str, float]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talked(plant, talk):
    """One client, one command after the other; what it follows changes as soon as it was told the value before."""
    said = {name: [] for name in ASKED}
    left = [name for name, commands in ASKED.items() for _ in commands]
    plant.station.publish(SHOWN)
    async with tapped(plant.relay) as tap:
        url = f"opc.tcp://127.0.0.1:{tap.port}"
        async for line in talk(
            url, HEAT_SUBSTATION_URI, "Substation", *[one for commands in ASKED.values() for one in commands]
        ):
            said[left[0]].append(line)
            if "told" not in line:
                left.pop(0)
            elif len(said["follow"]) < 3:
                plant.station.publish({"supply_c": 41.25 + len(said["follow"])})
    return Talk(said, tap.heard, plant.station.orders())


async def test_it_offers_three_policies_signed_or_encrypted_to_a_user_and_nothing_in_clear(talked):
    (said,) = talked.said["endpoints"]

    assert sorted([policy, mode, ["UserName"]] for policy in POLICIES for mode in MODES) == sorted(
        said["values"]
    )


async def test_under_each_policy_and_mode_every_variable_reads_as_the_plant_told_it(talked, plant):
    said = talked.said["read"]

    assert [READ] * 6 == [{name: one["values"][name] for name in READ} for one in said]
    names = {variable.name for variable in plant.station.space.variables}
    assert [names] * 6 == [set(one["values"]) for one in said]


async def test_who_has_no_password_a_wrong_one_or_no_security_is_not_let_in(talked):
    said = talked.said["enter"]

    assert "in" == said[0]["values"]
    assert all("BadUserAccessDenied" in one["error"] for one in said[1:3]), said
    assert 2 == len(said[3:])
    assert all("error" in one for one in said[3:]), said


async def test_orders_of_the_client_act_and_those_beyond_what_the_plant_takes_do_not(talked):
    said = talked.said["write"]

    assert ["Good", "Good", "BadOutOfRange", "BadUserAccessDenied", *["BadTypeMismatch"] * 3] == [
        one.get("values", one.get("error")) for one in said[:7]
    ]
    assert {"pump_pct": 55.0, "setpoint_shift_k": -2.5} == talked.orders
    assert (55, -2.5) == tuple(said[7]["values"][name][1] for name in ("PumpLimit", "SetpointShift"))


async def test_who_subscribed_is_told_each_change_once_with_its_stamp(talked):
    told = talked.said["follow"]

    assert [{"told": 41.25 + at, "status": "Good", "stamped": True} for at in range(3)] == told[:3]
    assert [{"values": []}] == told[3:]


async def test_the_waste_terminals_types_and_its_order_are_those_of_the_other_stack(folder, talk):
    async with await server.make_server(WasteTerminal(), certificates.Identity(folder / "plant")) as served:
        served.station.publish({"power_w": 9_250.0, "left_s": 345.0, "waiting_on": 1.0, "fans_on": 0.0})
        read = ["read", *USUAL]
        commands = (read, ["write", "MayRun", "Boolean", False], read)
        before, wrote, after = [one async for one in talk(served.url, WASTE_URI, "Terminal", *commands)]
        orders = served.station.orders()

    assert ("Good", {"run_on": 0.0}) == (wrote["values"], orders)
    assert ["Boolean", False, "Good"] == after["values"]["MayRun"]
    assert {
        "Power": ["Double", 9.25, "Good"],
        "BatchLeft": ["UInt32", 345, "Good"],
        "Waiting": ["Boolean", True, "Good"],
        "FansOn": ["Boolean", False, "Good"],
        "MayRun": ["Boolean", True, "Good"],
    } == {name: before["values"][name] for name in ("Power", "BatchLeft", "Waiting", "FansOn", "MayRun")}


async def test_tshark_names_every_signed_message_and_finds_nothing_malformed(talked, tmp_path):
    text = dissected(talked.heard, tmp_path, port=4840)

    assert "Malformed" not in text
    for name in ("ReadResponse", "BrowseResponse", "ActivateSessionResponse", "CloseSessionResponse"):
        assert name in text, name
    assert "41.25" in text
