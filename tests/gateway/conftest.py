"""Fixtures for MQTT tests: brokers (Mosquitto, rumqttd), a certificate authority and a TCP relay."""

import asyncio
import datetime as dt
import importlib.util
import ipaddress
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.gateway.virtual import VirtualLoop

from quartier.district.connection.mqtt_types import BrokerCredentials
from quartier_sim.modbus.endpoints import find_free_port as free_port_now

PEERS = Path(__file__).parents[2] / "peers"
START_MS = 1_764_000_000_000


def pytest_asyncio_loop_factories(item):
    """Run the tests of a module with ``VIRTUAL_TIME = True`` in virtual time, unless another process takes part."""
    has_processes = any(item.get_closest_marker(name) for name in ("daemon", "peer"))
    is_virtual = getattr(item.module, "VIRTUAL_TIME", False) and not has_processes
    return {"virtual": VirtualLoop} if is_virtual else {"asyncio": asyncio.new_event_loop}


class Mosquitto:
    """A Mosquitto broker on a free port; after ``kill`` it can be started again on the same port."""

    def __init__(self, folder: Path, lines: list[str]):
        self.port = free_port_now()
        self.path = folder / "mosquitto.conf"
        self.path.write_text("\n".join([f"listener {self.port} 127.0.0.1", *lines]) + "\n")
        self.process = None

    async def start(self):
        self.process = subprocess.Popen(  # noqa: ASYNC220 - starts at once
            ["mosquitto", "-c", str(self.path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                return self

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
async def mosquitto(tmp_path):
    """Return a function: ``await mosquitto(*lines)`` starts a broker with these lines of ``mosquitto.conf``.

    Without lines it accepts anonymous clients.
    """
    if shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    started = []

    async def start(*lines: str):
        folder = tmp_path / f"broker{len(started)}"
        folder.mkdir()
        broker = Mosquitto(folder, list(lines) or ["allow_anonymous true"])
        started.append(broker)
        return await broker.start()

    yield start
    for broker in started:
        broker.kill()


RUMQTTD = """
id = 0
[router]
id = 0
max_connections = 16
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 262144
max_inflight_count = 100
dynamic_filters = true
"""


@pytest.fixture
def iotcore(tmp_path):
    """Start the broker rumqttd (package ``iotcore``) in a process of its own; return its port."""
    if importlib.util.find_spec("iotcore") is None:
        pytest.skip("iotcore is not installed (quartier-hil brings it)")
    port = free_port_now()
    config = tmp_path / "rumqttd.toml"
    config.write_text(RUMQTTD.format(port=port))
    code = (
        "import sys; from iotcore.iotcore import IotCoreBroker as B; B(config_path=sys.argv[1]).run_forever()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield port
    process.kill()
    process.wait()


@pytest.fixture
def free_port():
    return free_port_now()


class Authority:
    """A certificate authority whose files lie in the folder of one test."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {folder.name}")])
        cert = self._builder(self.name, self.key, ca=True).sign(self.key, hashes.SHA256())
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, key, *, ca):
        now = dt.datetime.now(dt.UTC)
        usage = x509.KeyUsage(True, False, False, False, False, ca, ca, False, False)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )

    def issue(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName(name)] + (
            [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if name == "localhost" else []
        )
        cert = (
            self._builder(subject, key, ca=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        cert_file, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert_file, key_file

    def client(self, name):
        cert_file, key_file = self.issue(name)
        return BrokerCredentials(ca_file=self.ca_file, cert_file=cert_file, key_file=key_file)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def make_authority():
    return Authority


class Relay:
    """A TCP relay that can stop forwarding, like a link whose other end has disappeared.

    ``mute`` accepts connections and forwards nothing.  ``stall`` answers CONNACK, then reads nothing more.
    ``swallow`` may be set at any time: what arrives is then discarded.
    """

    def __init__(self, target, *, mute=False, stall=False):
        self.target = target
        self.stall = stall
        self.mute = mute
        self.swallow = False

    async def __aenter__(self):
        self.writers = []
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for writer in self.writers:
            writer.close()

    async def serve(self, reader, writer):
        self.writers.append(writer)
        if self.stall:
            writer.write(bytes([0x20, 3, 0, 0, 0]))  # CONNACK
            writer.transport.pause_reading()
        if self.mute or self.stall:
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers.append(back)
        await asyncio.gather(self.pipe(reader, back), self.pipe(there, writer))

    async def pipe(self, reader, writer):
        while data := await reader.read(65536):
            if not self.swallow:
                writer.write(data)


@pytest.fixture
def make_relay():
    return Relay


@pytest.fixture
def open_path():
    """A folder that other users may enter, unlike ``tmp_path``."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
