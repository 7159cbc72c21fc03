"""The rig's OPC UA plants as their clients meet them: asyncua's client, and node-opcua's as a judge."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import Client, ua
from asyncua.crypto import security_policies

from quartier_sim.opcua import certificates, server
from quartier_sim.opcua.plants import HEAT_SUBSTATION_URI, HeatSubstation, WasteTerminal
from quartier_sim.opcua.plants import WASTE_TERMINAL_URI as WASTE_URI

# A server takes a second of a core to start: one serves all tests that leave it as they found it.
pytestmark = pytest.mark.asyncio(loop_scope="module")
PEERS = Path(__file__).parents[3] / "peers"
PATIENCE_S = 60.0  # only ends a test that has failed
SHORT_S = 3.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Certificates of a plant and of somebody who reads it."""
    made = tmp_path_factory.mktemp("keys")
    certificates.create_identity(made / "plant", server.URI)
    certificates.create_identity(made / "judge", "urn:quartier:judge")
    (made / "judge" / "user").write_text(server.USER)
    (made / "judge" / "password").write_text(server.PASSWORD)
    return made


@pytest.fixture(scope="session")
def node_opcua():
    subprocess.run([str(PEERS / "install.sh")], check=True, capture_output=True)
    node = shutil.which("node")
    assert node, "node is missing: apt-get install nodejs"
    return node


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing(folder):
    async with await server.make_server(HeatSubstation(), certificates.Identity(folder / "plant")) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def plant(standing):
    """Well, and without orders."""
    yield standing
    standing.station.clear()
    standing.station.forget()
    await standing.relay.ready()


async def client(
    url, folder, policy=security_policies.SecurityPolicyBasic256Sha256, password=server.PASSWORD
):
    made = Client(url, timeout=SHORT_S)
    made.application_uri = "urn:quartier:judge"
    mine = certificates.Identity(folder / "judge")
    await made.set_security(
        policy, str(mine.certificate), str(mine.key), mode=ua.MessageSecurityMode.SignAndEncrypt
    )
    made.set_user(server.USER)
    made.set_password(password)
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def reader(plant, folder):
    """``await reader("Power")`` reads a variable of the plant."""
    async with await client(plant.url, folder) as connected:
        index = await connected.get_namespace_index(HEAT_SUBSTATION_URI)

        async def read(name):
            return await connected.get_node(ua.NodeId(f"Substation.{name}", index)).read_value()

        yield read


@pytest.mark.peer
async def test_a_client_of_another_stack_finds_every_variable_with_its_range_and_unit(
    plant, folder, node_opcua
):
    plant.station.publish({"power_w": 1_620.0, "supply_c": 41.25})
    words = (
        "Aes256_Sha256_RsaPss",
        "SignAndEncrypt",
        HEAT_SUBSTATION_URI,
        "Substation",
        "PumpLimit=60",
        "SetpointShift=9",
        "Power=3",
    )
    judge = await asyncio.create_subprocess_exec(
        *(node_opcua, str(PEERS / "opcua_client.js"), plant.url, str(folder / "judge"), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await asyncio.wait_for(judge.communicate(), PATIENCE_S)
    told = json.loads(output)

    assert {variable.name for variable in plant.station.space.variables} == set(told["variables"])
    assert {"Good"} == {one["status"] for one in told["variables"].values()}
    assert (1.62, [0, 1_000], [4937556, "kW"]) == tuple(
        told["variables"]["Power"][key] for key in ("value", "range", "unit")
    )
    assert ("Float", "UInt32") == tuple(told["variables"][name]["type"] for name in ("Flow", "Lease"))
    assert {"PumpLimit": "Good", "SetpointShift": "BadOutOfRange", "Power": "BadUserAccessDenied"} == told[
        "writes"
    ]
    assert {"pump_pct": 60.0, "setpoint_shift_k": 0.0} == plant.station.orders()


async def test_an_on_and_off_is_a_boolean(folder):
    async with (
        await server.make_server(WasteTerminal(), certificates.Identity(folder / "plant")) as served,
        await client(served.url, folder) as connected,
    ):
        index = await connected.get_namespace_index(WASTE_URI)
        run = connected.get_node(ua.NodeId("Terminal.MayRun", index))
        before = await run.read_value()
        await run.write_value(ua.DataValue(ua.Variant(False, ua.VariantType.Boolean)))

        assert (True, {"run_on": 0.0}) == (before, served.station.orders())


async def test_a_wrong_password_does_not_let_in(plant, folder):
    with pytest.raises(ua.uaerrors.BadUserAccessDenied):
        async with await client(plant.url, folder, password="guessed"):
            pass


async def test_nobody_is_let_in_without_security(plant):
    with pytest.raises(ua.UaError):
        async with Client(plant.url, timeout=SHORT_S):
            pass


async def test_a_value_that_stands_was_known_just_now(plant, folder):
    async with await client(plant.url, folder) as connected:
        index = await connected.get_namespace_index(HEAT_SUBSTATION_URI)
        node = connected.get_node(ua.NodeId("Substation.Flow", index))
        first, second = await node.read_data_value(), await node.read_data_value()

    assert first.SourceTimestamp == second.SourceTimestamp
    assert first.ServerTimestamp < second.ServerTimestamp


async def test_who_subscribed_is_told_of_a_change(plant, folder):
    heard = asyncio.Queue()

    class Ear:
        def datachange_notification(self, _node, value, _data):
            heard.put_nowait(value)

    async with await client(plant.url, folder) as connected:
        index = await connected.get_namespace_index(HEAT_SUBSTATION_URI)
        subscription = await connected.create_subscription(50, Ear())
        await subscription.subscribe_data_change(
            connected.get_node(ua.NodeId("Substation.SupplyTemperature", index))
        )
        first = await asyncio.wait_for(heard.get(), PATIENCE_S)
        plant.station.publish({"supply_c": first + 12.5})
        second = await asyncio.wait_for(heard.get(), PATIENCE_S)
        await subscription.delete()

    assert 12.5 == second - first


async def test_the_seven_ways_to_fail_are_felt_by_a_client(plant, reader):
    station = plant.station
    now_s = station.now_s
    station.publish({"power_w": 1_000.0})
    assert 1.0 == await reader("Power")

    station.fault("wrong", factor=10.0)
    station.publish({"power_w": 2_000.0})
    assert 20.0 == await reader("Power")
    station.clear()

    station.fault("stuck")
    station.publish({"power_w": 3_000.0})
    assert 20.0 == await reader("Power")
    station.clear()

    station.fault("delayed", seconds=10.0)
    station.publish({"power_w": 4_000.0})
    station.tick(now_s + 5.0)
    station.publish({"power_w": 5_000.0})
    assert 4.0 == await reader("Power")
    station.clear()

    station.fault("slow", seconds=0.2)
    started_s = asyncio.get_running_loop().time()
    await reader("Power")
    assert asyncio.get_running_loop().time() - started_s >= 0.2
    station.clear()

    station.fault("intermittent", seconds=10.0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader("Power"), 0.5)
    station.tick(now_s + 15.0)
    await reader("Power")


@pytest.mark.parametrize("kind", ["off", "garbage"])
async def test_without_power_or_amid_noise_nobody_is_understood_and_it_comes_back_at_the_same_place(
    plant, folder, kind
):
    plant.station.fault(kind)
    with pytest.raises((OSError, ua.UaError, TimeoutError)):
        async with await client(plant.url, folder):
            pass
    plant.station.clear()
    await plant.relay.ready()
    async with await client(plant.url, folder) as connected:
        assert await connected.get_namespace_index(HEAT_SUBSTATION_URI)
