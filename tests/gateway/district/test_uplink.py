"""The uplink against a real broker: births, delivery, documents, loss of the broker, leaving."""

import asyncio
import base64
import json
import time
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.api_jws import PyJWS
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from quartier.control.wishes import Ack, Envelope, Heartbeat
from quartier.district.broker import Credentials, Ended, Profile, Server, Unreachable
from quartier.district.mqtt import Connection
from quartier.district.session import Rules
from quartier.district.sparkplug import decode
from quartier.district.uplink import House, Settings, Uplink
from quartier.district.voice import Identity
from quartier.house.sample import Mark
from quartier.runtime import statefile
from quartier.runtime.clock import ClockSetting, HouseClock

ME = Identity("issy", "b012")
pytestmark = pytest.mark.peer


def now_ms():
    return time.time_ns() // 1_000_000


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another program's state has no event here
            await asyncio.sleep(0.02)


class Host:
    """The other end on a real connection: collects, acknowledges, signs."""

    def __init__(self, port):
        self.server = Server("127.0.0.1", port, tls=False)
        self.key = Ed25519PrivateKey.generate()
        self.seen = []
        self.keys = set()

    async def __aenter__(self):
        profile = Profile(client_id="host", clean_start=True, session_expiry_s=0)
        self.connection = Connection(self.server, Credentials(), profile)
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
                payload = decode(message.payload)
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
        return decode(births[-1].payload).metrics[0].value

    async def until(self, condition, seconds=20):
        await until(condition, seconds)

    def say(self, topic, payload, signature=None, qos=1):
        properties = Properties(PacketTypes.PUBLISH)
        if signature:
            properties.UserProperty = ("sig", signature)
        self.connection._client.publish(topic, payload, qos, properties=properties)

    def sign(self, topic, payload):
        headers = {"kid": "opt1", "topic": topic, "b64": False, "crit": ["b64"], "typ": None}
        return PyJWS().encode(payload, self.key, "EdDSA", headers, is_payload_detached=True)

    def watermark(self):
        streams = {}
        for stream, boot, seq in sorted(self.keys):
            streams[stream] = {"boot": boot, "seq": seq}
        self.say(
            f"{ME.companion}/watermark", json.dumps({"bdseq": self.bdseq(), "streams": streams}).encode()
        )

    def issuers(self, path):
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        entry = {
            "kid": "opt1",
            "public_key": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
            "types": ["heartbeat", "envelope"],
        }
        path.write_text(json.dumps([entry]))
        return path


@pytest.fixture
def notes():
    return []


@pytest.fixture
def make_uplink(world, catalog, tmp_path, notes):
    def make(port, *, issuers_file=None, rate=1.0, keepalive_s=30, **rules):
        folder = tmp_path / "state"
        folder.mkdir(exist_ok=True)
        settings = Settings(
            servers=(Server("127.0.0.1", port, tls=False),),
            folder=folder,
            issuers_file=issuers_file,
            keepalive_s=keepalive_s,
        )
        setting = ClockSetting() if rate == 1.0 else ClockSetting(rate, 0.0, time.time())
        house = House(
            outbox=world.notebook,
            clock=HouseClock(setting),
            latest=lambda: world.latest,
            silent=lambda: world.silent,
            report=notes.append,
        )
        return Uplink(settings, ME, catalog, Rules(**rules), house)

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


def put(world, value, stream="grid", metric="power_w"):
    world.notebook.put(stream, metric, value, now_ms())


async def test_births_then_live_then_a_planned_leave(mosquitto, make_uplink, world):
    broker = await mosquitto()
    async with Host(broker.port) as host:
        async with running(make_uplink(broker.port, watermark=False)) as uplink:
            await host.until(lambda: host.kinds().count("DBIRTH") == 3)
            put(world, 42.0)
            await host.until(lambda: ("grid", 7, 1) in host.keys)
            assert (True, True, "born") == tuple(
                uplink.stats[key] for key in ("data_on", "control_on", "phase")
            )
        await host.until(lambda: host.kinds().count("NDEATH") == 2)  # ours, and the Will by reason 0x04
        assert ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH", "DDATA", "NDEATH", "NDEATH"] == host.kinds()
        deaths = [decode(m.payload).metrics[0].value for m in host.seen if "NDEATH" in m.topic]
        assert [0, 0] == deaths


async def test_bdseq_rises_over_restarts_by_one_for_each_connect(mosquitto, make_uplink):
    broker = await mosquitto()
    async with Host(broker.port) as host:
        for life in range(3):
            async with running(make_uplink(broker.port)):
                await host.until(lambda life=life: host.kinds().count("NBIRTH") == life + 1)
        births = [decode(m.payload).metrics[0].value for m in host.seen if "NBIRTH" in m.topic]
        assert [0, 1, 2] == births


async def test_broker_killed_and_back_delivers_everything_and_uses_no_bdseq_while_it_was_away(
    mosquitto, make_uplink, world, notes
):
    broker = await mosquitto()
    async with running(make_uplink(broker.port, rate=60.0)) as uplink:
        async with Host(broker.port) as host:
            await host.until(lambda: "NBIRTH" in host.kinds())
            put(world, 1.0)
            await host.until(lambda: ("grid", 7, 1) in host.keys)
            first = host.bdseq()
        broker.kill()
        for value in range(100):
            put(world, float(value))
        await until(lambda: not uplink.stats["data_on"] and uplink.stats["lost_connections_count"] >= 4)
        await broker.start()
        async with Host(broker.port) as host:
            await host.until(lambda: len(host.keys) >= 100)
            assert {("grid", 7, number) for number in range(1, 102)} >= host.keys
            assert uplink.session.bdseq - first in {1, 2}
    assert "district.link_lost" in {note.code for note in notes}


async def test_watermark_trims_the_store_and_survives_a_restart(mosquitto, make_uplink, world):
    broker = await mosquitto()
    async with Host(broker.port) as host:
        async with running(make_uplink(broker.port, rate=60.0)):
            await host.until(lambda: "NBIRTH" in host.kinds())
            put(world, 1.0)
            put(world, 2.0)
            await host.until(lambda: len(host.keys) == 2)
            host.watermark()
            await host.until(lambda: not world.notebook.kept)
        again = make_uplink(broker.port)
        assert {"grid": Mark(7, 2)} == again.session.marks


async def test_no_echo_is_an_alarm_and_a_rebirth_in_the_houses_time(mosquitto, make_uplink, notes):
    broker = await mosquitto()
    async with Host(broker.port) as host, running(make_uplink(broker.port, rate=60.0)):
        await host.until(lambda: host.kinds().count("NBIRTH") == 2)
    assert ["district.no_echo"] == [note.code for note in notes if note.alarm]


async def test_heartbeats_and_envelopes_reach_the_inbox_and_are_acknowledged(
    mosquitto, make_uplink, tmp_path
):
    broker = await mosquitto()
    async with Host(broker.port) as host:
        uplink = make_uplink(broker.port, issuers_file=host.issuers(tmp_path / "keys.json"))
        async with running(uplink):
            await host.until(lambda: uplink.stats["control_on"])
            beat = json.dumps({"iss": "d", "n": now_ms(), "ts": now_ms()}).encode()
            topic = "quartier/v1/issy/heartbeat"
            host.say(topic, beat, host.sign(topic, beat), qos=0)
            await host.until(lambda: uplink.inbox)
            assert isinstance(uplink.inbox.popleft().document, Heartbeat)

            topic, body = envelope()
            host.say(topic, body, host.sign(topic, body))
            await host.until(lambda: host.companion("ack"))
            accepted = uplink.inbox.popleft()
            assert (True, Envelope) == (accepted.persisted, type(accepted.document))
            uplink.ack(Ack("e1", 5, "envelope", "OK", "ACCEPTED"))
            await host.until(lambda: len(host.companion("ack")) == 2)
            assert [("OK", "NEW"), ("OK", "ACCEPTED")] == [
                (ack["reception"], ack["status"]) for ack in host.companion("ack")
            ]

            host.say(topic, body, host.sign("elsewhere", body))
            await host.until(lambda: len(host.companion("ack")) == 3)
            assert ("REJECTED", "BAD_SIG", "e1") == tuple(
                host.companion("ack")[2][key] for key in ("status", "reason", "id")
            )
            assert not uplink.inbox


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


async def test_a_number_that_cannot_be_kept_is_said_so(mosquitto, make_uplink, tmp_path, notes):
    broker = await mosquitto()
    async with Host(broker.port) as host:
        uplink = make_uplink(broker.port, issuers_file=host.issuers(tmp_path / "keys.json"))
        async with running(uplink):
            await host.until(lambda: uplink.stats["control_on"] and uplink.stats["data_on"])
            for copy in "ab":
                (tmp_path / "state" / f"documents.{copy}.new").mkdir()
            topic, body = envelope()
            host.say(topic, body, host.sign(topic, body))
            await host.until(lambda: host.companion("ack"))
        assert not uplink.inbox[0].persisted
        assert "TEMPORARY_ERROR" == host.companion("ack")[0]["reception"]
    assert "district.not_kept" in {note.code for note in notes}


async def test_a_replayed_document_has_no_effect_after_a_restart_but_the_same_one_is_repeated(
    mosquitto, make_uplink, tmp_path
):
    broker = await mosquitto()
    async with Host(broker.port) as host:
        keys = host.issuers(tmp_path / "keys.json")
        topic, new = envelope(seq=6)
        _, old = envelope(seq=5)
        async with running(make_uplink(broker.port, issuers_file=keys)) as uplink:
            await host.until(lambda: uplink.stats["control_on"])
            host.say(topic, new, host.sign(topic, new))
            await host.until(lambda: uplink.inbox)
        async with running(make_uplink(broker.port, issuers_file=keys)) as uplink:
            await host.until(lambda: uplink.stats["control_on"])
            host.say(topic, old, host.sign(topic, old))
            host.say(topic, new, host.sign(topic, new))
            await host.until(lambda: uplink.inbox)
            assert [(6, True)] == [(item.document.seq, item.repeated) for item in uplink.inbox]
            await host.until(lambda: len(host.companion("ack")) == 3)
            assert ["", "REPLAY", ""] == [ack["reason"] for ack in host.companion("ack")]


async def test_a_key_list_that_changes_counts_at_once_and_a_faulty_one_changes_nothing(
    mosquitto, make_uplink, tmp_path, notes
):
    broker = await mosquitto()
    async with Host(broker.port) as host:
        keys = tmp_path / "keys.json"
        keys.write_text("[]")
        async with running(make_uplink(broker.port, issuers_file=keys)) as uplink:
            await host.until(lambda: uplink.stats["control_on"])
            host.issuers(keys)
            await uplink.reread()
            keys.write_text("[{]")
            await uplink.reread()
            topic, body = envelope()
            host.say(topic, body, host.sign(topic, body))
            await host.until(lambda: uplink.inbox)
    assert ["district.issuers_faulty"] == [note.code for note in notes if note.alarm]


async def test_events_go_at_least_once_until_the_watermark_covers_them(mosquitto, make_uplink, world):
    broker = await mosquitto()
    world.notebook.put("event", "store.gap", '{"text":"two missing","data":{"count":2}}', now_ms())
    async with Host(broker.port) as host, running(make_uplink(broker.port, rate=60.0)):
        await host.until(lambda: host.companion("event"))
        told = host.companion("event")[0]
        assert (7, 1, "store.gap", "two missing", {"count": 2}) == tuple(
            told[key] for key in ("boot", "seq", "code", "text", "data")
        )
        host.keys.add(("event", 7, 1))
        await host.until(lambda: "NBIRTH" in host.kinds())
        host.watermark()
        await host.until(lambda: not world.notebook.kept)


async def test_a_host_that_goes_offline_ends_the_session_and_one_that_comes_begins_it(mosquitto, make_uplink):
    broker = await mosquitto()
    async with Host(broker.port) as host, running(make_uplink(broker.port, rate=60.0, primary_host="opt")):
        topic = "spBv1.0/STATE/opt"
        client = host.connection._client
        client.publish(topic, b'{"online": true, "timestamp": 10}', 1, retain=True)
        await host.until(lambda: "NBIRTH" in host.kinds())
        client.publish(topic, b'{"online": false, "timestamp": 10}', 1, retain=True)
        await host.until(lambda: "NDEATH" in host.kinds())
        client.publish(topic, b'{"online": true, "timestamp": 20}', 1, retain=True)
        await host.until(lambda: host.kinds().count("NBIRTH") == 2)
        assert 1 == host.bdseq()


async def test_a_second_client_with_our_name_is_an_alarm(mosquitto, make_uplink, notes):
    broker = await mosquitto()
    async with Host(broker.port) as host, running(make_uplink(broker.port)):
        await host.until(lambda: "NBIRTH" in host.kinds())
        profile = Profile(client_id="issy.b012", clean_start=True, session_expiry_s=0)
        other = Connection(host.server, Credentials(), profile)
        await other.open()
        await host.until(lambda: "district.duplicate_id" in {note.code for note in notes})
        await host.until(lambda: "NDEATH" in host.kinds())  # the old Will
        await other.leave(0)


def test_kept_state_of_another_form_is_left_out(make_uplink, tmp_path):
    (tmp_path / "state").mkdir()
    marks = {"grid": [7, 2], "bat1": "x", "ev1": [1]}
    statefile.save(tmp_path / "state" / "district", {"bdseq": "x", "marks": marks})
    assert {"grid": Mark(7, 2)} == make_uplink(1883).session.marks


async def test_iotcore_carries_births_live_data_documents_and_acks(iotcore, make_uplink, world, tmp_path):
    host = Host(iotcore)
    async with asyncio.timeout(20):
        while True:
            try:
                await host.__aenter__()
                break
            except (Unreachable, Ended):
                await asyncio.sleep(0.05)
    uplink = make_uplink(iotcore, issuers_file=host.issuers(tmp_path / "keys.json"))
    async with running(uplink):
        await host.until(lambda: host.kinds().count("DBIRTH") == 3 and uplink.stats["control_on"])
        put(world, 42.0)
        topic, body = envelope()
        host.say(topic, body, host.sign(topic, body))
        await host.until(lambda: ("grid", 7, 1) in host.keys and host.companion("ack"))
        assert 5 == uplink.inbox[0].document.seq
    await host.__aexit__()


async def test_new_certificates_are_taken_in_by_a_new_connection_and_faulty_ones_are_not(
    mosquitto, authority, world, catalog, tmp_path, notes
):
    cert, key = authority.issue("localhost")
    broker = await mosquitto(
        "allow_anonymous true",
        f"cafile {authority.ca_file}",
        f"certfile {cert}",
        f"keyfile {key}",
        "user root",
    )
    credentials = authority.client("issy.b012")
    settings = Settings(
        servers=(Server("localhost", broker.port, tls=True),), folder=tmp_path, credentials=credentials
    )
    house = House(outbox=world.notebook, clock=HouseClock(), latest=lambda: world.latest, report=notes.append)
    async with running(Uplink(settings, ME, catalog, Rules(), house)) as uplink:
        await until(lambda: uplink.stats["births_count"] == 1 and uplink.stats["control_on"])
        authority.client("issy.b012")
        await uplink.reread()
        await until(lambda: uplink.stats["births_count"] == 2 and uplink.stats["control_on"])
        credentials.cert_file.write_text("rubbish")
        await uplink.reread()
        assert uplink.stats["data_on"]
    assert ["district.credentials_faulty"] == [note.code for note in notes if note.alarm]
