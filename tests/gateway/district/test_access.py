"""Access at a real broker: per-gateway certificates, and gateway A on B's topics, every way refused."""

import asyncio
import datetime as dt
import json
import time

import pytest

from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import (
    BrokerCredentials,
    BrokerServer,
    BrokerUnreachable,
    ConnectionEnded,
    ConnectionProfile,
    OutgoingMessage,
)
from quartier.district.records import Identity, SessionRules
from quartier.district.uplink import SiteView, Uplink, UplinkSettings
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_district.broker_access import (
    READ_TOPICS,
    WRITE_TOPICS,
    CertificateAuthority,
    format_access_list,
)

pytestmark = pytest.mark.peer
DAY = dt.timedelta(days=1)
A, B, HOST = "b012", "b013", "optimiser"


def place(topic, edge, group="issy"):
    return topic.format(group=group, edge=edge, host=HOST).replace("+", "dso")


class Gate:
    """A broker that knows everybody by certificate, and connections to it."""

    def __init__(self, authority, port):
        self.authority, self.port = authority, port
        self.opened = []

    async def connect(self, name, client_id=None):
        pair = self.authority.client(name, DAY)
        credentials = BrokerCredentials(
            ca_file=self.authority.ca_file, cert_file=pair.cert_file, key_file=pair.key_file
        )
        profile = ConnectionProfile(client_id=client_id or name, clean_start=True, session_expiry_s=0)
        answers = {}
        server = BrokerServer("localhost", self.port, tls=True)
        found = MqttConnection(server, credentials, profile, answers.__setitem__)
        await found.open()
        found.answers = answers
        self.opened.append(found)
        return found


@pytest.fixture
async def gate(mosquitto, tmp_path):
    authority = CertificateAuthority(tmp_path / "ca", dt.datetime.now(dt.UTC))
    broker = authority.broker("localhost", DAY)
    (tmp_path / "acl").write_text(format_access_list("issy", [A, B], HOST))
    server = await mosquitto(
        f"cafile {authority.ca_file}",
        f"certfile {broker.cert_file}",
        f"keyfile {broker.key_file}",
        "tls_version tlsv1.2",
        "require_certificate true",
        "use_identity_as_username true",
        "user root",
        f"acl_file {tmp_path / 'acl'}",
    )
    found = Gate(authority, server.port)
    yield found
    for connection in found.opened:
        await connection.leave(0)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the broker's answer has no event here
            await asyncio.sleep(0.01)


async def codes(connection, topics):
    """What the broker answers to a publish on each."""
    for topic in topics:
        await say(connection, topic)
    await until(lambda: len(connection.answers) == len(topics))
    return {topic: connection.answers[topic] for topic in topics}


async def say(connection, topic):
    """Publish with QoS 1 as soon as the broker takes one more."""
    await until(lambda: connection.in_flight_count < 10)
    connection.publish(OutgoingMessage(topic, b"x", 1, tag=topic))


async def test_gateway_a_publishes_on_none_of_bs_topics_and_on_all_of_its_own(gate):
    a = await gate.connect(f"issy.{A}")
    foreign = [place(topic, B) for topic in (*WRITE_TOPICS, *READ_TOPICS) if "{edge}" in topic]
    foreign += [place(topic, A) for topic in READ_TOPICS]
    foreign += [place(topic, B, group="lyon") for topic in WRITE_TOPICS]
    answers = await codes(a, foreign)
    assert 30 <= len(answers)
    assert {} == {topic: code for topic, code in answers.items() if code != 0x87}
    own = [place(topic, A) for topic in WRITE_TOPICS]
    a.answers.clear()
    assert {} == {topic: code for topic, code in (await codes(a, own)).items() if code >= 0x80}


async def test_gateway_a_hears_nothing_on_bs_topics_and_all_on_its_own(gate):
    host, a = await gate.connect(HOST), await gate.connect(f"issy.{A}")
    foreign = [place(topic, B) for topic in (*WRITE_TOPICS, *READ_TOPICS) if "{edge}" in topic]
    own = [place(topic, A) for topic in READ_TOPICS]
    for wide in ("#", "spBv1.0/#", "quartier/#", "quartier/v1/issy/+/job", *foreign, *own):
        await a.subscribe([(wide, 1)])
    heard = set()

    async def listen():
        while True:
            heard.add((await a.receive()).topic)

    task = asyncio.create_task(listen())
    for topic in (*foreign, *own):  # the last of them is the sign that all before it have passed
        await say(host, topic)
    await until(lambda: set(own) <= heard)
    task.cancel()
    assert set() == heard & set(foreign)
    assert 15 <= len(foreign)


async def test_the_host_hears_what_each_gateway_says(gate):
    host, a, b = [await gate.connect(name) for name in (HOST, f"issy.{A}", f"issy.{B}")]
    await host.subscribe([("spBv1.0/issy/#", 1), ("quartier/v1/issy/#", 1)])
    for connection, edge in ((a, A), (b, B)):
        for topic in WRITE_TOPICS:
            await say(connection, place(topic, edge))
    heard = set()
    async with asyncio.timeout(60):
        while len(heard) < 2 * len(WRITE_TOPICS):
            heard.add((await host.receive()).topic)
    assert {place(topic, edge) for topic in WRITE_TOPICS for edge in (A, B)} == heard


async def test_without_a_certificate_of_the_authority_nobody_comes_in(gate, tmp_path):
    stranger = Gate(CertificateAuthority(tmp_path / "other", dt.datetime.now(dt.UTC)), gate.port)
    stranger.authority.ca_file.write_bytes(gate.authority.ca_file.read_bytes())
    with pytest.raises((BrokerUnreachable, ConnectionEnded)):
        await stranger.connect(f"issy.{A}")


async def test_a_gateway_says_and_hears_all_that_it_must_within_its_access_list(
    gate, world, catalog, tmp_path, notes, link
):
    pair = gate.authority.gateway("issy", A, DAY)
    credentials = BrokerCredentials(
        ca_file=gate.authority.ca_file, cert_file=pair.cert_file, key_file=pair.key_file
    )
    settings = UplinkSettings(
        servers=(BrokerServer("localhost", gate.port, tls=True),), folder=tmp_path, credentials=credentials
    )
    house = SiteView(
        outbox=world.notebook,
        clock=SiteClock(ClockSetting(1.0, 0.0, time.time())),
        latest=lambda: world.latest,
        report=notes.append,
        flexibility=lambda: {"devices": []},
    )
    uplink = Uplink(settings, Identity("issy", A), catalog, SessionRules(primary_host=HOST), house)
    host = await gate.connect(HOST)
    await host.subscribe([("spBv1.0/issy/#", 1), ("quartier/v1/issy/#", 1)])
    heard = set()

    async def listen():
        while True:
            heard.add((await host.receive()).topic)

    task = asyncio.create_task(listen())
    state = {"online": True, "timestamp": link.now_ms()}
    host.publish(OutgoingMessage(f"spBv1.0/STATE/{HOST}", json.dumps(state).encode(), 1, retain=True))
    async with link.running(uplink):
        await until(lambda: uplink.stats["phase"] == "born" and uplink.stats["control_on"])
        world.notebook.put("grid", "power_w", 5.0, link.now_ms())
        world.notebook.put("event", "sky.wet", json.dumps({"text": "x", "data": {}}), link.now_ms())
        signed = [topic for topic in READ_TOPICS if "/v1/" in topic and "watermark" not in topic]
        for topic in signed:  # none of it is signed: each is refused, so each was heard
            name = "price" if "signal" in topic else "dso"
            await say(host, topic.format(group="issy", edge=A, host=HOST).replace("+", name))
        own = {place(topic, A) for topic in WRITE_TOPICS if "+" not in topic} - {f"spBv1.0/issy/NDATA/{A}"}
        await until(lambda: uplink.stats["refused_documents_count"] == len(signed))
        await until(lambda: own - {f"spBv1.0/issy/NDEATH/{A}"} <= heard)
        await until(lambda: {f"spBv1.0/issy/{kind}/{A}/grid" for kind in ("DBIRTH", "DDATA")} <= heard)
    await until(lambda: own <= heard)
    task.cancel()
    denied = {"district.subscription_refused", "district.publish_refused", "district.not_authorised"}
    assert set() == denied & {note.code for note in notes}
