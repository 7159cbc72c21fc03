"""What the district's tests share: a store in memory, a clock of their own, a district that decodes."""

import asyncio
import base64
import json
import time
from array import array
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.api_jws import PyJWS
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import BrokerCredentials, BrokerServer, ConnectionProfile
from quartier.district.records import (
    NOTHING_ABOVE,
    Identity,
    Note,
    Publication,
    SessionContext,
    SessionRules,
)
from quartier.district.sparkplug.metric_catalog import MetricCatalog, build_catalog
from quartier.district.sparkplug.node_session import NodeSession
from quartier.district.sparkplug.payload_codec import (
    Datatype,
    MalformedPayload,
    Metric,
    decode_payload,
    encode_payload,
)
from quartier.district.uplink import SiteView, Uplink, UplinkSettings
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier.site.process_image import PointValue
from quartier.site.records import Now
from quartier.site.samples import LARGE_INTEGER, QUALITY_SHIFT, Sample, SampleBlock, StreamPosition
from quartier_drivers.contract import PointInfo
from quartier_drivers.readings import INT, Quality, Reading, make_readings

START_MS = 1_764_000_000_000


def run_of(samples: list[Sample]) -> SampleBlock:
    """Consecutive samples of one stream and boot, in columns."""
    first = samples[0]
    held = make_readings([Reading("", s.value, s.quality, 0) for s in samples], 0)
    big = {place for place in held.texts if held.layout.kinds[place] == INT}
    return SampleBlock(
        first.stream,
        first.boot,
        first.seq,
        names=sorted({(s.stream, s.metric) for s in samples}),
        points=array("I", [sorted({s.metric for s in samples}).index(s.metric) for s in samples]),
        kinds=array(
            "B",
            [
                (LARGE_INTEGER if place in big else kind) | code << QUALITY_SHIFT
                for place, (kind, code) in enumerate(zip(held.layout.kinds, held.qualities, strict=True))
            ],
        ),
        values=held.values,
        times_ms=array("q", [s.taken_utc_ms for s in samples]),
        texts=held.texts,
    )


class Notebook:
    """The outbox contract kept in memory: numbers without holes, each stream in sequence, trimmed by marks."""

    is_whole = True

    def __init__(self, boot: int = 7) -> None:
        self.boot = boot
        self.kept: list[Sample] = []
        self.marks: dict[str, StreamPosition] = {}
        self._next = defaultdict(int)

    def put(self, stream, metric, value, utc_ms=START_MS, quality=Quality.GOOD):
        self._next[stream] += 1
        self.kept.append(Sample(stream, self.boot, self._next[stream], metric, utc_ms, value, quality))

    def restart(self, by=1):
        self.boot += by
        self._next.clear()

    def heads(self):
        return {sample.stream: StreamPosition(sample.boot, sample.seq) for sample in self.kept} | {
            stream: mark for stream, mark in self.marks.items() if stream not in {s.stream for s in self.kept}
        }

    def runs(self, above, limit):
        waiting = {}
        for sample in self.kept:
            if (sample.boot, sample.seq) > tuple_of(above.get(sample.stream)):
                waiting.setdefault(sample.stream, []).append(sample)
        runs = []
        for place, samples in enumerate(sorted(waiting.values(), key=lambda found: found[0].taken_utc_ms)):
            share = -(-(limit - sum(map(len, runs))) // (len(waiting) - place))
            runs += consecutive(samples[:share])
        return runs

    def run(self, stream, above, limit):
        closed = {name: NOTHING_ABOVE for name in self.heads() if name != stream}
        runs = self.runs(closed if above is None else {**closed, stream: above}, limit)
        return runs[0] if runs else None

    def trim(self, marks):
        self.marks.update(marks)
        self.kept = [
            sample
            for sample in self.kept
            if (sample.boot, sample.seq) > tuple_of(self.marks.get(sample.stream))
        ]


def tuple_of(mark):
    return (-1, -1) if mark is None else (mark.boot, mark.seq)


def consecutive(samples):
    runs = []
    for sample in samples:
        last = runs[-1][-1] if runs else None
        if last is None or (last.boot, last.seq + 1) != (sample.boot, sample.seq):
            runs.append([])
        runs[-1].append(sample)
    return [run_of(run) for run in runs]


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
    def context(self):
        return SessionContext(self.now, lambda: self.latest, self.notebook, lambda: self.silent)

    def put(self, stream, metric, value, quality=Quality.GOOD):
        self.notebook.put(stream, metric, value, self.utc_ms, quality)


def site_catalog(local=()) -> MetricCatalog:
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
    return build_catalog(points, roles, local=local, deadband=lambda _point: 50.0)


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
        found.latest[point] = PointValue(value, Quality.GOOD, 0.5)
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
        published = [effect for effect in effects if isinstance(effect, Publication)]
        for effect in published:
            message = decode_payload(effect.payload)
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


ME = Identity("issy", "b012")


def bdseq_of(message):
    return next(metric.value for metric in message.metrics if metric.name == "bdSeq")


def now_ms():
    return time.time_ns() // 1_000_000


async def until(condition, seconds=60):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another program's state has no event here
            await asyncio.sleep(0.02)


class Host:
    """The other end on a real connection: collects, acknowledges, signs."""

    def __init__(self, port):
        self.server = BrokerServer("127.0.0.1", port, tls=False)
        self.key = Ed25519PrivateKey.generate()
        self.seen = []
        self.keys = set()

    async def __aenter__(self):
        profile = ConnectionProfile(client_id="host", clean_start=True, session_expiry_s=0)
        self.connection = MqttConnection(self.server, BrokerCredentials(), profile)
        await self.connection.open()
        await self.connection.subscribe([("spBv1.0/#", 1), ("quartier/#", 1)])
        self.task = asyncio.create_task(self.collect())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await self.connection.leave(0)

    async def collect(self):
        while True:
            message = await self.connection.receive()
            if "/STATE/" in message.topic:
                continue
            self.seen.append(message)
            parts = message.topic.split("/")
            if parts[0] == "spBv1.0":
                try:
                    payload = decode_payload(message.payload)
                except MalformedPayload:
                    continue
                stream = parts[4] if len(parts) == 5 else "node"
                if payload.key is not None:
                    first = payload.key.first
                    self.keys |= {(stream, payload.key.boot, first + n) for n in range(len(payload.metrics))}

    def kinds(self):
        return [m.topic.split("/")[2] for m in self.seen if m.topic.startswith("spBv1.0")]

    def companion(self, level):
        found = [m for m in self.seen if m.topic == f"{ME.companion}/{level}"]
        return [json.loads(m.payload) for m in found]

    def bdseq(self):
        births = [m for m in self.seen if m.topic == ME.topic("NBIRTH")]
        return bdseq_of(decode_payload(births[-1].payload))

    async def until(self, condition, seconds=60):
        await until(condition, seconds)

    def say(self, topic, payload, signature=None, qos=1, *, retain=False):
        properties = Properties(PacketTypes.PUBLISH)
        if signature:
            properties.UserProperty = ("sig", signature)
        self.connection._client.publish(topic, payload, qos, retain, properties=properties)

    def sign(self, topic, payload):
        headers = {"kid": "opt1", "topic": topic, "b64": False, "crit": ["b64"], "typ": None}
        return PyJWS().encode(payload, self.key, "EdDSA", headers, is_payload_detached=True)

    def watermark(self):
        streams = {}
        for stream, boot, seq in sorted(self.keys):
            streams[stream] = {"boot": boot, "seq": seq}
        topic = f"{ME.companion}/watermark"
        payload = json.dumps({"bdseq": self.bdseq(), "streams": streams}).encode()
        self.say(topic, payload, self.sign(topic, payload))

    def issuers(self, path):
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        entry = {
            "kid": "opt1",
            "public_key": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
            "types": ["heartbeat", "envelope", "schedule", "failsafe", "signal", "watermark"],
        }
        path.write_text(json.dumps([entry]))
        return path


def envelope(seq=5, **changes):
    body = {
        "id": "e1",
        "seq": seq,
        "iss": "dso",
        "aud": "issy.b012",
        "iat": now_ms(),
        "nbf": now_ms(),
        "exp": now_ms() + 3_600_000,
        "priority": 0,
        "program": "dso",
        "start": now_ms(),
        "intervals": [{"duration_s": 900, "import_max_w": 5000}],
        "default": {"import_max_w": 9000, "export_max_w": 0},
    }
    return f"{ME.companion}/envelope/dso", json.dumps(body | changes).encode()


@pytest.fixture
def notes():
    return []


@pytest.fixture
def make_uplink(world, catalog, tmp_path, notes):
    def make(port, *, issuers_file=None, rate=1.0, keepalive_s=30, flexibility=lambda: None, **rules):
        """Without a key list nobody can sign, and watermarks count as they come."""
        rules.setdefault("watermark_unsigned", issuers_file is None)
        folder = tmp_path / "state"
        folder.mkdir(exist_ok=True)
        settings = UplinkSettings(
            servers=(BrokerServer("127.0.0.1", port, tls=False),),
            folder=folder,
            issuers_file=issuers_file,
            keepalive_s=keepalive_s,
        )
        setting = ClockSetting() if rate == 1.0 else ClockSetting(rate, 0.0, time.time())
        house = SiteView(
            outbox=world.notebook,
            clock=SiteClock(setting),
            latest=lambda: world.latest,
            silent=lambda: world.silent,
            report=notes.append,
            flexibility=flexibility,
        )
        return Uplink(settings, ME, catalog, SessionRules(**rules), house)

    return make


@asynccontextmanager
async def running(uplink):
    task = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def command(name, value, kind=Datatype.BOOLEAN):
    return encode_payload([Metric(name, value, kind, 1)], timestamp_ms=1)


def state(online, timestamp):
    return json.dumps({"online": online, "timestamp": timestamp}).encode()


def born(world, catalog, **rules):
    session = NodeSession(ME, catalog, SessionRules(**rules))
    session.process_opening(3, world.context)
    return session


def codes(effects):
    return [effect.code for effect in effects if isinstance(effect, Note)]


@pytest.fixture
def make_host():
    return Host


@pytest.fixture(scope="session")
def link():
    """``running(uplink)``, ``until(condition)``, ``envelope(**changes)``, ``now_ms()``."""
    return SimpleNamespace(running=running, until=until, envelope=envelope, now_ms=now_ms)
