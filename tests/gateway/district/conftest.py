"""What the district's tests share: a store in memory, a clock of their own, a district that decodes."""

import asyncio
import datetime as dt
import importlib.util
import ipaddress
import json
import shutil
import socket
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from quartier.district.broker import Credentials
from quartier.district.catalog import Catalog, build
from quartier.district.effects import Publish, Scene
from quartier.district.sparkplug import decode
from quartier.house.image import Seen
from quartier.house.now import Now
from quartier.house.sample import Mark, Sample
from quartier_drivers.contract import PointInfo, Quality

PEERS = Path(__file__).parents[2] / "peers"
START_MS = 1_764_000_000_000


class Notebook:
    """The outbox contract kept in memory: numbers without holes, oldest first, trimmed by marks."""

    def __init__(self, boot: int = 7) -> None:
        self.boot = boot
        self.kept: list[Sample] = []
        self.marks: dict[str, Mark] = {}
        self._next = defaultdict(int)

    def put(self, stream, metric, value, utc_ms=START_MS, quality=Quality.GOOD):
        self._next[stream] += 1
        self.kept.append(Sample(stream, self.boot, self._next[stream], metric, utc_ms, value, quality))

    def restart(self):
        self.boot += 1
        self._next.clear()

    def heads(self):
        return {sample.stream: Mark(sample.boot, sample.seq) for sample in self.kept} | {
            stream: mark for stream, mark in self.marks.items() if stream not in {s.stream for s in self.kept}
        }

    def samples(self, above, limit):
        def wanted(sample):
            mark = above.get(sample.stream)
            return mark is None or (sample.boot, sample.seq) > (mark.boot, mark.seq)

        found = [sample for sample in self.kept if wanted(sample)]
        return sorted(found, key=lambda sample: sample.taken_utc_ms)[:limit]

    def trim(self, marks):
        self.marks.update(marks)
        self.kept = [
            sample
            for sample in self.kept
            if (sample.boot, sample.seq) > tuple_of(self.marks.get(sample.stream))
        ]


def tuple_of(mark):
    return (-1, -1) if mark is None else (mark.boot, mark.seq)


@dataclass
class World:
    """Everything a session looks at, with time that the test moves."""

    notebook: Notebook = field(default_factory=Notebook)
    latest: dict = field(default_factory=dict)
    silent: set = field(default_factory=set)
    ns: int = 1_000_000_000
    synced: bool = True

    @property
    def utc_ms(self):
        return START_MS + self.ns // 1_000_000

    @property
    def now(self):
        return Now(self.ns, self.utc_ms, self.synced)

    def pass_s(self, seconds):
        self.ns += int(seconds * 1e9)
        return self

    @property
    def scene(self):
        return Scene(self.now, self.latest, self.notebook, self.silent)

    def put(self, stream, metric, value, quality=Quality.GOOD):
        self.notebook.put(stream, metric, value, self.utc_ms, quality)


def site_catalog(local=()) -> Catalog:
    points = {
        "grid.power_w": PointInfo("grid.power_w", "float", "input:0x0034", 1.0, -1e5, 1e5),
        "grid.energy_import_wh": PointInfo("grid.energy_import_wh", "float", "input:0x0048", 5.0),
        "bat1.soc_pct": PointInfo("bat1.soc_pct", "float", "100/holding:843", 5.0, 0.0, 100.0),
        "bat1.setpoint_w": PointInfo("bat1.setpoint_w", "float", "100/holding:2700", 5.0, writable=True),
        "ev1.plugged_on": PointInfo("ev1.plugged_on", "bool", "holding:1004", 1.0),
        "ev1.charge_state": PointInfo("ev1.charge_state", "int", "holding:1000", 1.0),
        "rs485.requests_count": PointInfo("rs485.requests_count", "int", "", 60.0),
        "gateway.version_text": PointInfo("gateway.version_text", "text", "", 60.0),
    }
    roles = {"grid": "grid", "bat1": "battery", "ev1": "ev"}
    return build(points, roles, local=local, deadband=lambda _point: 50.0)


@pytest.fixture
def world():
    found = World()
    for point, value in {
        "grid.power_w": 1234.5,
        "bat1.soc_pct": 55.0,
        "ev1.plugged_on": True,
        "ev1.charge_state": 3,
        "rs485.requests_count": 17,
        "gateway.version_text": "0.1.0",
    }.items():
        found.latest[point] = Seen(value, Quality.GOOD, 0.5)
    return found


@pytest.fixture
def catalog():
    return site_catalog()


@pytest.fixture
def make_catalog():
    return site_catalog


@pytest.fixture(scope="session")
def parts():
    """``World, District, catalog`` for a property, which makes its own for each example."""
    return World, District, site_catalog


@pytest.fixture
def make_notebook():
    return Notebook


class District:
    """Stores what it is sent by key, as the other end of the loss contract would."""

    def __init__(self):
        self.keys = defaultdict(int)
        self.messages = []

    def take(self, effects):
        published = [effect for effect in effects if isinstance(effect, Publish)]
        for effect in published:
            message = decode(effect.payload)
            self.messages.append((effect.topic, message))
            if message.key is None:
                continue
            parts = effect.topic.split("/")
            stream = parts[4] if len(parts) == 5 else "node"
            for offset, _ in enumerate(message.metrics):
                self.keys[stream, message.key.boot, message.key.first + offset] += 1
        return published

    def kinds(self):
        return [
            topic.split("/")[2] + (f":{topic.split('/')[4]}" if topic.count("/") == 4 else "")
            for topic, _ in self.messages
        ]

    def watermark(self, bdseq):
        streams = {}
        for stream, boot, seq in sorted(self.keys):
            streams[stream] = {"boot": boot, "seq": seq}
        return json.dumps({"bdseq": bdseq, "streams": streams}).encode()


@pytest.fixture
def district():
    return District()


def find_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Mosquitto:
    """A real broker on a free port; may be killed and started again on the same one."""

    def __init__(self, folder: Path, lines: list[str]):
        self.port = find_port()
        self.path = folder / "mosquitto.conf"
        self.path.write_text("\n".join([f"listener {self.port} 127.0.0.1", *lines]) + "\n")
        self.process = None

    async def start(self):
        self.process = subprocess.Popen(  # noqa: ASYNC220 - starts at once
            ["mosquitto", "-c", str(self.path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(20):
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
    """``await mosquitto(*lines)`` starts a broker; by default anyone may come."""
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
    """The port of an embedded rumqttd in a process of its own."""
    if importlib.util.find_spec("iotcore") is None:
        pytest.skip("iotcore is not installed (extra hil)")
    port = find_port()
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
    return find_port()


class Authority:
    """A certificate authority on disk, for one test."""

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
        return Credentials(ca_file=self.ca_file, cert_file=cert_file, key_file=key_file)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def make_authority():
    return Authority
