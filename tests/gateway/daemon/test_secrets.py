"""Secrets planted in every credential, and a value that must stay in the building: seen nowhere outside."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import struct
import sys

import pytest

from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import BrokerCredentials, BrokerServer, ConnectionProfile
from quartier.district.documents.gateway_forms import FlexibilityForm
from quartier_district import sparkplug
from quartier_district.broker_access import CertificateAuthority

pytestmark = [pytest.mark.peer, pytest.mark.daemon]
DAY = dt.timedelta(days=1)
WORDS = {
    "broker": "planted-broker-word",
    "plant": "planted-plant-word",
    "meter": "planted-meter-word",
    "meter_key": "0badc0de0badc0de0badc0de0badc0de",
    "spoilt": "planted-spoilt-word",
}
LOCAL_W = 1777.25
PROFILE = (
    '[profile]\nprotocol = "opcua"\nmaker = "Rig"\nmodel = "Plant"\nsource = "made for this test"\n'
    '[points.power_w]\nnode = "nsu=http://rig.example/plant;s=Power"\nscan = "fast"\n'
)
MORE = """\
buses.works = {{ kind = "opcua", url = "opc.tcp://127.0.0.1:{closed}", user = "q", password_file = "{folder}/plant.word", insecure_policy = "None", timeout_s = 1.0 }}
buses.han = {{ kind = "dlms", port = "{folder}/no-such-port" }}
buses.han2 = {{ kind = "dlms", port = "{folder}/no-such-port-either" }}
devices.plant = {{ bus = "works", profile = "rig/plant" }}
devices.head = {{ bus = "han", profile = "iskraemeco/am550", key_file = "{folder}/meter.toml" }}
devices.spoilt = {{ bus = "han2", profile = "iskraemeco/am550", key_file = "{folder}/spoilt.toml" }}
assets.hall = {{ role = "load", device = "plant", rated_w = 1000 }}
assets.flat = {{ role = "load", device = "head", rated_w = 1000 }}
assets.flat2 = {{ role = "load", device = "spoilt", rated_w = 1000 }}
district_link = {{ url = "mqtts://localhost:{port}", user = "b012", password_file = "{folder}/broker.word", ca_file = "{folder}/ca/ca.pem", cert_file = "{folder}/ca/issy.b012.pem", key_file = "{folder}/ca/issy.b012.key", watermark = false }}
"""


class Recorder:
    """A host behind the broker that keeps every message as it came."""

    def __init__(self):
        self.messages = []

    @contextlib.asynccontextmanager
    async def listening(self, port, credentials):
        profile = ConnectionProfile(client_id="recorder", clean_start=True, session_expiry_s=0)
        connection = MqttConnection(BrokerServer("localhost", port, tls=True), credentials, profile)
        await connection.open()
        await connection.subscribe([("#", 1)])

        async def collect():
            while True:
                self.messages.append(await connection.receive())

        task = asyncio.create_task(collect())
        try:
            yield self
        finally:
            task.cancel()
            await connection.leave(0)

    def topics(self):
        return {message.topic for message in self.messages}

    def metrics(self):
        """(topic, metric) of every Sparkplug message."""
        for message in self.messages:
            if message.topic.startswith("spBv1.0/issy/"):
                for metric in sparkplug.decode_payload(message.payload).metrics:
                    yield message.topic, metric

    def bytes(self):
        return b"\n".join(message.topic.encode() + b" " + message.payload for message in self.messages)


@pytest.fixture
async def street(house, mosquitto, tmp_path, free_port):
    """(gateway, broker's port, recorder's credentials): a house with a secret in every place for one."""
    gateway, devices = house
    authority = CertificateAuthority(tmp_path / "ca", dt.datetime.now(dt.UTC))
    server = authority.broker("localhost", DAY)
    authority.gateway("issy", "b012", DAY)
    recorder = authority.client("recorder", DAY)
    broker = await mosquitto(
        f"cafile {authority.ca_file}",
        f"certfile {server.cert_file}",
        f"keyfile {server.key_file}",
        "require_certificate true",
        "user root",
        "allow_anonymous true",
    )
    for name in ("broker", "plant"):
        (tmp_path / f"{name}.word").write_text(WORDS[name] + "\n")
    key, word = WORDS["meter_key"], WORDS["meter"]
    (tmp_path / "meter.toml").write_text(
        f'encryption_key = "{key}"\nauthentication_key = "{key}"\npassword = "{word}"\n'
    )
    (tmp_path / "spoilt.toml").write_text(f"encryption_key = {WORDS['spoilt']}\n")
    (tmp_path / "rig").mkdir()
    (tmp_path / "rig/plant.toml").write_text(PROFILE)
    text = gateway.config.read_text()
    text = text.replace("simulated = true", f'simulated = true, profiles = ["{tmp_path}"]')
    text = text.replace("rated_w = 2000", 'rated_w = 2000, share = "local"')
    gateway.config.write_text(text + MORE.format(closed=free_port, folder=tmp_path, port=broker.port))
    gateway.rate = 10.0
    devices["meter"].publish({"power_w": LOCAL_W})
    credentials = BrokerCredentials(
        ca_file=authority.ca_file, cert_file=recorder.cert_file, key_file=recorder.key_file
    )
    return gateway, broker, credentials


def private(path):
    """The lines of a private key that are the key."""
    return [line for line in path.read_text().splitlines() if "PRIVATE" not in line and len(line) > 20]


async def met(gateway):
    """A gateway whose every driver was tried: the link is up, the local value read, the other buses refused."""

    def tried(status):
        whys = {bus["name"]: bus["why"] for bus in status["buses"]}
        assert {"works", "han"} <= whys.keys(), status["disabled"]
        return status["district"]["control_on"] and whys["works"] and whys["han"]

    status = await gateway.until(tried)
    for _ in range(400):
        values = {point["point"]: point["value"] for point in await gateway.ask("points")}
        if values.get("boiler.power_w") == LOCAL_W:
            return status
        await asyncio.sleep(0.05)
    raise AssertionError(f"the local value was never read: {values}")


async def test_secrets_of_every_credential_appear_in_no_log_status_event_message_or_file(street, tmp_path):
    gateway, broker, credentials = street
    async with Recorder().listening(broker.port, credentials) as recorder:
        await gateway.start()
        seen = [json.dumps(await met(gateway))]
        seen += [
            json.dumps(await gateway.ask(what))
            for what in ("points", "alarms", "keys", "ladder", "fallbacks")
        ]
        (tmp_path / "ca/issy.b012.key").write_text(f"-----BEGIN {'PRIVATE'} KEY-----\n{WORDS['spoilt']}\n")
        (tmp_path / "broker.word").write_bytes(WORDS["spoilt"].encode() + b"\xff\n")
        gateway.process.send_signal(1)
        await gateway.until(lambda _: "credentials_faulty" in gateway.log())
        places = ("--state-dir", str(gateway.state_dir), "--runtime-dir", str(gateway.runtime_dir))
        for words in (("history", "--points", "*", *places), ("status", "--runtime-dir", places[3])):
            _, out, err = await gateway.call(*words)
            seen += [out, err]
        await gateway.stop(6)  # SIGABRT, as a crash ends
        seen.append(gateway.log())
    kept = b"".join(
        path.read_bytes()
        for folder in (gateway.state_dir, gateway.runtime_dir)
        for path in folder.rglob("*")
        if path.is_file()
    )
    everywhere = "\n".join(seen).encode() + recorder.bytes() + kept
    secrets = [*WORDS.values(), *private(tmp_path / "ca/recorder.key")]
    assert [] == [secret for secret in secrets if secret.encode() in everywhere]
    assert bytes.fromhex(WORDS["meter_key"]) not in everywhere
    assert b"credentials_faulty" in everywhere, "what was looked through is not empty"


BUG = """
import sys
from pathlib import Path
from quartier.daemon.control_loop import ControlLoop
from quartier.cli import main

take = ControlLoop._take

def broken(self, now):
    word = Path({file!r}).read_text()
    if self.uplink is not None and self.uplink.stats["control_on"]:
        raise RuntimeError("a bug of the house")
    return take(self, now)

ControlLoop._take = broken
sys.exit(main(sys.argv[1:]))
"""


async def test_a_crash_in_whose_frames_a_secret_lies_reports_the_place_and_not_the_secret(street, tmp_path):
    gateway, _, _ = street
    code = BUG.format(file=str(tmp_path / "broker.word"))
    gateway.fresh = True
    gateway.command = lambda *words: [sys.executable, "-c", code, *words]
    await gateway.start()
    assert 70 == await asyncio.wait_for(gateway.process.wait(), 60)
    log = gateway.log()
    assert "daemon.failed" in log
    assert "a bug of the house" in log
    assert [] == [word for word in WORDS.values() if word in log]


async def test_what_is_marked_local_never_leaves_in_births_data_backlog_or_events(street):
    gateway, broker, credentials = street
    async with Recorder().listening(broker.port, credentials) as before:
        await gateway.start()
        await met(gateway)
        await asyncio.wait_for(grid(before), 60)
        await asyncio.wait_for(reported(before), 60)
    port = broker.port
    broker.kill()
    await gateway.until(lambda s: not s["district"]["data_on"])
    os.kill(
        gateway.process.pid, signal.SIGSTOP
    )  # the recorder must be there before the gateway sends its backlog
    await broker.start()
    async with Recorder().listening(port, credentials) as after:
        os.kill(gateway.process.pid, signal.SIGCONT)
        await gateway.until(lambda s: s["district"]["data_on"] and s["district"]["control_on"])
        await asyncio.wait_for(late(after), 60)
        await asyncio.wait_for(reported(after), 60)
        assert 0 == await gateway.stop()
    for recorder in (before, after):
        names = {metric.name for _, metric in recorder.metrics()}
        assert "power_w" in names
        assert [] == [topic for topic in recorder.topics() if "boiler" in topic]
        assert [] == [name for name in names if "boiler" in name]
        values = {metric.value for _, metric in recorder.metrics() if isinstance(metric.value, float)}
        assert LOCAL_W not in values
        reports = [m.payload for m in recorder.messages if m.topic.endswith("/flexibility")]
        assert reports
        devices = {one.device for r in reports for one in FlexibilityForm.model_validate_json(r).devices}
        assert {"bat1", "hall", "flat", "flat2"} == devices, "of the form that the page describes"
        everything = recorder.bytes()
        for told in (b"boiler", b"1777.25", struct.pack("<d", LOCAL_W), struct.pack("<f", LOCAL_W)):
            assert told not in everything


async def grid(recorder):
    """The births of what may be seen have come, and values after them."""
    while not any("/DDATA/b012/grid" in topic for topic in recorder.topics()):  # noqa: ASYNC110 - as below
        await asyncio.sleep(0.02)


async def reported(recorder):
    """What the building could do was told."""
    while not any(topic.endswith("/flexibility") for topic in recorder.topics()):  # noqa: ASYNC110 - as below
        await asyncio.sleep(0.02)


async def late(recorder):
    """What was kept while the broker was away has come."""
    while not any(metric.historical for _, metric in recorder.metrics()):  # noqa: ASYNC110 - the broker's doing
        await asyncio.sleep(0.02)
