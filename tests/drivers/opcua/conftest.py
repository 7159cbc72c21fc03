"""A server of another stack, in a thread of its own: asyncua's, with what the tests need to stand in it."""

import asyncio
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.opcua.bus_section import OpcuaBus
from quartier_drivers.opcua.connection import credentials
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.connection.server_access import TrustList
from quartier_drivers.opcua.profile import OpcuaProfile
from quartier_drivers.transport.event_loop import LoopClock

URI = "http://rig.example/plant"
PROFILE = f"""\
[profile]
protocol = "opcua"
maker = "Rig"
model = "Plant"
source = "made for these tests"
[limits]
no_fallback = "made for these tests"
[points.power_w]
node = "nsu={URI};s=Power"
scan = "fast"
[points.valve_pct]
node = "nsu={URI};s=Valve"
scale = 0.1
scan = "fast"
[points.valve_pct.write]
low = 0
high = 100
on_release = 30
[points.running_on]
node = "nsu={URI};s=Running"
[points.running_on.write]
low = 0
high = 1
on_release = "hold"
[points.state_text]
node = "nsu={URI};s=State"
values = {{ 0 = "off", 1 = "on" }}
"""


class Users:
    """One user with a password, or with this certificate."""

    certificate = b"none"

    def get_user(
        self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None
    ) -> Any:
        del iserver
        der = getattr(certificate, "public_bytes", lambda _: certificate)(Encoding.DER)
        if (username, password) == ("quartier", "secret") or (username is None and der == self.certificate):
            return User(role=UserRole.User)
        return None


class Plant:
    """The server; ``do`` runs something in its loop."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"opc.tcp://127.0.0.1:{port}"
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.nodes: dict[str, Any] = {}
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.server: Any = self.do(self._made())

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run ``work`` where the server lives, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def set(self, name: str, value: Any, kind: Any = None) -> None:
        """Have a variable hold a value, or a DataValue."""
        self.do(self.nodes[name].write_value(value, kind))

    def get(self, name: str) -> Any:
        """What a variable holds."""
        return self.do(self.nodes[name].read_value())

    def end(self) -> None:
        """Stop it for good."""
        self.do(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(60)
        self.loop.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """It answers nobody meanwhile."""
        begun, over = threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            over.wait(60)

        self.loop.call_soon_threadsafe(hold)
        assert begun.wait(60)
        try:
            yield
        finally:
            over.set()

    async def _typed(self, plant: Any, space: int) -> None:
        """Variables of an enumeration, of a subtype of Double, and of an abstract type."""
        for name, value, kind, data_type in (
            ("Mode", 2, ua.VariantType.Int32, ua.ObjectIds.ServerState),
            ("Rest", 1.0, ua.VariantType.Double, ua.ObjectIds.Duration),
            ("Loose", 7, ua.VariantType.UInt32, ua.ObjectIds.Number),
        ):
            made = await plant.add_variable(
                ua.NodeId(name, space), name, ua.Variant(value, kind), datatype=ua.NodeId(data_type)
            )
            await made.set_writable()
            self.nodes[name] = made

    async def _made(self) -> Any:
        self.users = Users()
        server = Server(user_manager=self.users)  # type: ignore[arg-type]  # it has what the server asks for
        await server.init()
        server.set_endpoint(self.url)
        await server.set_application_uri("urn:rig:plant")
        key, certificate = self.folder / "key.pem", self.folder / "cert.der"
        usage = [ExtendedKeyUsageOID.SERVER_AUTH]
        await setup_self_signed_certificate(key, certificate, "urn:rig:plant", "localhost", usage, {})
        await server.load_certificate(str(certificate))
        await server.load_private_key(str(key))
        server.set_security_policy(
            [ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt, ua.SecurityPolicyType.Basic256Sha256_Sign]
        )
        space = await server.register_namespace(URI)
        plant = await server.nodes.objects.add_object(ua.NodeId("Plant", space), "Plant")
        for name, value, kind in (
            ("Power", 1500.0, ua.VariantType.Double),
            ("Valve", 500, ua.VariantType.Int16),
            ("Running", False, ua.VariantType.Boolean),
            ("State", 1, ua.VariantType.Byte),
            ("Locked", 1.0, ua.VariantType.Float),
            ("Watchdog", 0, ua.VariantType.UInt16),
        ):
            made = await plant.add_variable(ua.NodeId(name, space), name, ua.Variant(value, kind))
            self.nodes[name] = made
            if name != "Locked":
                await made.set_writable()
        await self._typed(plant, space)
        span = ua.Range(0.0, 800.0)  # type: ignore[arg-type]  # the library's floats
        await self.nodes["Valve"].add_property(ua.NodeId("Valve.EURange", space), "0:EURange", span)
        await server.start()
        return server


@pytest.fixture(scope="session")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    made = Plant(tmp_path_factory.mktemp("plant"), port)
    yield made
    made.end()


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own certificate, made once: its key takes a while."""
    folder = tmp_path_factory.mktemp("own")
    credentials.load_own_certificate(folder)
    return folder / "own"


@pytest.fixture
def section(plant: Plant, tmp_path: Path, own_folder: Path) -> Any:
    """A section of the site file for the plant, with changes."""
    shutil.copytree(own_folder, tmp_path / "pki/own")
    (tmp_path / "password").write_text("secret\n", encoding="utf-8")

    def make(**changes: Any) -> OpcuaBus:
        known = {
            "kind": "opcua",
            "url": plant.url,
            "user": "quartier",
            "password_file": str(tmp_path / "password"),
            "pki": str(tmp_path / "pki"),
            "timeout_s": 5.0,
        }
        return OpcuaBus.model_validate(known | changes)

    return make


@pytest.fixture
def trusting(plant: Plant, tmp_path: Path) -> TrustList:
    """The list, with the plant's certificate on it."""
    known = TrustList(tmp_path / "pki")
    der = (plant.folder / "cert.der").read_bytes()
    known.refuse(der, plant.url)
    for entry in known.entries():
        known.accept(entry.report.fingerprint)
    return known


@pytest.fixture
async def line(section: Any, trusting: TrustList) -> Any:
    """An open line to the plant."""
    del trusting
    made = OpcuaLine("plant", section(), LoopClock())
    await made.open()
    yield made
    await made.close()


class Relay:
    """What goes through to the plant, and how many connections that took."""

    def __init__(self) -> None:
        self.url = ""
        self.connections_count = 0
        self.ends: list[asyncio.StreamWriter] = []

    def cut(self) -> None:
        """End every connection."""
        for one in self.ends:
            one.close()


@pytest.fixture
async def relay(plant: Plant) -> AsyncIterator[Relay]:
    made = Relay()
    port = int(plant.url.rpartition(":")[2])

    async def pump(one: asyncio.StreamReader, other: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await one.read(1 << 16):
                other.write(data)
        other.close()

    served: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.connections_count += 1
        there, back = await asyncio.open_connection("127.0.0.1", port)
        made.ends += (writer, back)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    def begun(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.get_running_loop().create_task(serve(reader, writer)))

    async with await asyncio.start_server(begun, "127.0.0.1", 0) as server:
        made.url = f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made
        made.cut()
        await asyncio.gather(*served)


@pytest.fixture
def sheet() -> OpcuaProfile:
    """The profile of the plant."""
    found = loading.parse_profile(PROFILE, "rig/plant", "plant.toml")
    assert isinstance(found, OpcuaProfile)
    return found


DEVICE = DeviceSpec("plant", 1, {"": "pump"})


@pytest.fixture
def login(plant, tmp_path):
    """What leads into the plant, once somebody has trusted it."""
    (tmp_path / "pw").write_text("secret", encoding="utf-8")
    known = TrustList(tmp_path / "opcua")
    known.refuse((plant.folder / "cert.der").read_bytes(), plant.url)
    known.accept(known.entries()[0].report.fingerprint)
    return [
        plant.url,
        "--user",
        "quartier",
        "--password-file",
        str(tmp_path / "pw"),
        "--state-dir",
        str(tmp_path),
    ]
