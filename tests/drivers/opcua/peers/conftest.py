"""Our driver on servers of two other stacks: open62541 (C) and node-opcua."""

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from quartier_bench.opcua_server_process import PLANT_URI, SERVER_URI, OpcuaServerProcess
from quartier_bench.peers.peer_cache import PeerCache
from quartier_drivers import registry
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import LinkLost, NoReply
from quartier_sim.opcua import certificates

ROOT = Path(__file__).parents[4]
PEERS = ROOT / "tests" / "peers"
PATIENCE_S = 60.0  # only ends a test that has failed
USER, PASSWORD = "operator", "secret-7"


@pytest.fixture(scope="session")
def open62541():
    """The command of the C server, compiled when its source is newer."""
    place = Path(os.environ.get("QUARTIER_BENCH", ROOT / ".bench"))
    return [PeerCache(place, print).open62541()]


@pytest.fixture(scope="session")
def node_opcua():
    """The command of the npm server."""
    subprocess.run([str(PEERS / "install.sh")], check=True, capture_output=True)
    node = shutil.which("node")
    assert node, "node is missing: apt-get install nodejs"
    # It lives for seconds: what V8 would make quicker in the long run costs more than it brings.
    return [node, "--no-opt", str(PEERS / "opcua_server.js")]


@pytest.fixture(scope="session")
def server_key():
    """One key for all certificates that a test changes around it."""
    return certificates.generate_key()


@pytest.fixture(scope="module", params=["open62541", "node_opcua"])
def stack(request):
    """Each of the other stacks in turn."""
    return request.getfixturevalue(request.param)


class Site:
    """A folder with a server's certificate, our own, and the password of the plant."""

    def __init__(self, folder, key):
        self.folder = folder
        self.key = key
        self.pki = folder / "pki"
        self.password = folder / "password"
        self.password.write_text(f"{PASSWORD}\n")
        self.server = certificates.create_identity(folder / "server", SERVER_URI, of=key)

    def trust(self):
        certificates.trust_certificate(self.pki, self.server.certificate)

    def renew(self, **times):
        """The server gets another certificate of the same key."""
        self.server = certificates.create_identity(self.folder / "server", SERVER_URI, of=self.key, **times)


@pytest.fixture(scope="module")
def shared(tmp_path_factory, server_key):
    return Site(tmp_path_factory.mktemp("shared"), server_key)


@pytest.fixture
def site(tmp_path, server_key):
    return Site(tmp_path, server_key)


@pytest.fixture(scope="module")
def plant(stack, shared):
    """A server with a certificate that is trusted; only the last tests of a module start it anew."""
    shared.renew()
    shared.trust()
    with OpcuaServerProcess(
        stack, shared.folder / "log", pki=str(shared.folder / "server"), many="30"
    ) as running:
        yield running


class WallClock:
    """House time is real time; ``offset_s`` moves it."""

    def __init__(self):
        self.offset_s = 0.0

    def now_ns(self):
        return time.monotonic_ns() + int(self.offset_s * 1e9)

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)


HEAD = '[profile]\nprotocol = "opcua"\nmaker = "Peer"\nmodel = "plant"\nsource = "tests/peers"\n[scan]\nfast = 0.1\n'


def page(points):
    """A profile: quantity -> the name of its variable, or (name, more lines)."""
    text = HEAD
    for quantity, told in points.items():
        name, more = (told, "") if isinstance(told, str) else told
        text += f'[points.{quantity}]\nnode = "nsu={PLANT_URI};s={name}"\nscan = "fast"\n{more}\n'
    return text


LOGINS = {
    "password": lambda site: {"user": USER, "password_file": str(site.password)},
    "anonymous": lambda _site: {"anonymous": True},
}


class Opened:
    """Our line and driver on a server; ``values`` is what was read last of each quantity."""

    def __init__(self, url, site, points, *, login="password", **keys):
        self.clock = WallClock()
        self.factory = registry.load_factory("opcua")
        keys = {"timeout_s": 10.0, **LOGINS[login](site), **keys}
        section = registry.load_section("opcua")(kind="opcua", url=url, pki=str(site.pki), **keys)
        self.line = self.factory.line("plant_net", section, self.clock)
        loaded = loading.parse_profile(page(points), "peer/plant", "plant.toml")
        self.driver = self.factory.driver(
            self.line, DeviceSpec("device", 1, {"": "plant"}), loaded, self.clock
        )
        self.readings = {}

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.driver.close()
        await self.line.close()

    async def open(self):
        """As a bus does it: what is left of a connection goes first."""
        await self.line.close()
        await self.line.open()
        return await self.driver.open()

    async def step(self):
        """One exchange when one is due."""
        left_s = (self.driver.due_ns - self.clock.now_ns()) / 1e9
        if left_s > 0:
            await asyncio.sleep(min(left_s, 0.05))
        for reading in await self.driver.read():
            self.readings[reading.point.partition(".")[2]] = reading

    async def until(self, condition):
        """Read on until it holds; who is lost is opened again."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self.readings):
                try:
                    await self.step()
                except NoReply:
                    await asyncio.sleep(0.05)
                except LinkLost:
                    await self.come_in()

    async def come_in(self):
        """Open it, again and again: a busy machine is slow to let in."""
        while True:
            try:
                await self.open()
            except (LinkLost, NoReply):
                await asyncio.sleep(0.1)
            else:
                return

    async def all(self, *quantities):
        await self.until(lambda seen: set(quantities) <= set(seen))
        return {quantity: self.readings[quantity] for quantity in quantities}

    async def write(self, quantity, value):
        expires_ns = self.clock.now_ns() + 60_000_000_000
        await self.driver.write(Command(f"plant.{quantity}", value, expires_ns, "a test"))


@pytest.fixture
def opened():
    return Opened
