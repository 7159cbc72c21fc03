"""The uplink of a site: built or left out, and the daemon with a real broker that comes and goes."""

import asyncio
import base64
import functools
import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.api_jws import PyJWS
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from tests.gateway.daemon.ahead import planning

from quartier.daemon.district_link import make_uplink
from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import BrokerCredentials, BrokerServer, ConnectionProfile
from quartier.district.sparkplug.metric_catalog import build_catalog
from quartier.district.sparkplug.payload_codec import decode_payload
from quartier.store.history_store import Store
from quartier_sim.site_clock import RigClock

COMPANION = "quartier/v1/issy/b012"
RATE = 5.0  # what a heartbeat and a document may lie apart is twelve real seconds
TYPES = ["heartbeat", "envelope", "schedule", "failsafe", "signal", "command"]


@pytest.fixture
def connected(yard, tmp_path):
    """``await connected(line)``: (uplink, log) of the small site with this district_link line."""

    async def opened(line):
        async with yard() as (found, _):
            site = found.read(("buses.lan", f"{line}\nbuses.lan")).site
            store = Store(tmp_path / "history.db", tmp_path)
            catalog = build_catalog({}, {}, deadband=lambda _: 0.0)
            return make_uplink(site, tmp_path, catalog, found.parts(store)), found.log.calls

    return opened


async def test_a_site_without_a_district_has_no_uplink_and_nothing_to_say(connected):
    assert (None, []) == await connected("")


async def test_a_site_with_a_district_has_one_that_waits_to_be_run(connected):
    uplink, calls = await connected('district_link = { url = "mqtt://127.0.0.1:9", primary_host = "hall" }')

    assert [] == calls
    assert (False, False) == (uplink.stats["data_on"], uplink.stats["control_on"])


async def test_brokers_come_in_the_order_of_the_site_file_and_aliases_when_it_says_so(connected):
    urls = 'url = "mqtt://127.0.0.1:9", further_urls = ["mqtt://127.0.0.1:7", "mqtts://broker.example"]'
    uplink, _ = await connected(f"district_link = {{ {urls}, aliases = true }}")

    assert [("127.0.0.1", 9), ("127.0.0.1", 7), ("broker.example", 8883)] == [
        (server.host, server.port) for server in uplink._settings.servers
    ]
    assert (True, 3) == (uplink.session.rules.aliases, uplink.session.rules.servers_count)


async def test_a_credential_that_systemd_did_not_give_is_named_and_the_house_stands_alone(
    connected, monkeypatch
):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    line = 'district_link = { url = "mqtts://broker.example", user = "b012", password_file = "credential:broker" }'
    uplink, (said,) = await connected(line)

    assert uplink is None
    assert ("district.off",) == said.args
    assert "credential:broker" in said.kwargs["why"]
    assert "LoadCredential" in said.kwargs["why"]


async def test_a_credential_of_systemd_is_taken_from_its_folder(connected, monkeypatch, tmp_path):
    (tmp_path / "broker").write_text("secret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    line = 'district_link = { url = "mqtts://broker.example", user = "b012", password_file = "credential:broker" }'
    uplink, calls = await connected(line)

    assert uplink is not None
    assert "secret" not in repr(calls)


class Host:
    """The district on a real broker: listens to everything, signs what it says."""

    def __init__(self, key):
        self.key = key
        self.seen = []
        self.clock = RigClock(time.time(), rate=RATE)
        self.repeated = []  # (topic, body) of what is said again with each heartbeat
        self.tasks = []

    async def listen(self, port):
        profile = ConnectionProfile(client_id="host", clean_start=True, session_expiry_s=0)
        self.connection = MqttConnection(
            BrokerServer("127.0.0.1", port, tls=False), BrokerCredentials(), profile
        )
        await self.connection.open()
        await self.connection.subscribe([("spBv1.0/#", 1), ("quartier/#", 1)])
        self.tasks.append(asyncio.create_task(self.collect()))

    async def collect(self):
        while True:
            self.seen.append(await self.connection.receive())

    def beats(self):
        """Heartbeats from now on: a machine that stands still for a while has not lost its district."""
        self.beat()
        self.tasks.append(asyncio.create_task(self.beat_on()))

    def beat(self):
        now_ms = self.clock.utc_ms()
        self.say("quartier/v1/issy/heartbeat", {"iss": "district", "n": now_ms, "ts": now_ms})
        for topic, body in self.repeated:
            self.say(topic, body)

    async def beat_on(self):
        while True:
            await asyncio.sleep(0.5)
            self.beat()

    async def leave(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)
        await self.connection.leave(0)

    def say(self, topic, body):
        payload = json.dumps(body).encode()
        headers = {"kid": "opt1", "topic": topic, "b64": False, "crit": ["b64"], "typ": None}
        properties = Properties(PacketTypes.PUBLISH)
        signature = PyJWS().encode(payload, self.key, "EdDSA", headers, is_payload_detached=True)
        properties.UserProperty = ("sig", signature)
        self.connection._client.publish(topic, payload, 1, properties=properties)

    def topics(self):
        return {message.topic for message in self.seen}

    def of(self, level):
        return [json.loads(m.payload) for m in self.seen if m.topic == f"{COMPANION}/{level}"]

    def acks(self, ident="e1"):
        return [
            " ".join(filter(None, (a["status"], a["reason"]))) for a in self.of("ack") if a["id"] == ident
        ]

    def answered(self, kind, status):
        """The reasons of the answers of this status to documents of this kind."""
        return [a["reason"] for a in self.of("ack") if (a["type"], a["status"]) == (kind, status)]

    def command(self, seq, now_ms, **body):
        frame = {"id": f"c{seq}", "seq": seq, "iss": "d", "aud": "issy.b012", "iat": now_ms}
        frame["nbf"] = now_ms - 1000
        self.say(f"{COMPANION}/command", {**frame, "exp": now_ms + 60_000, **body})

    def heard(self, boot, seq):
        return sum((event["boot"], event["seq"]) == (boot, seq) for event in self.of("event"))

    def events(self):
        found = {}
        for event in self.of("event"):
            found.setdefault(event["boot"], set()).add(event["seq"])
        return found

    async def until(self, condition):
        end_s = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end_s, f"it never came; seen: {sorted(self.topics())}, {self.acks()}"
            await asyncio.sleep(0.02)


@pytest.fixture
def key(tmp_path):
    """The issuer's key; its public half lies in the list that the site file names."""
    made = Ed25519PrivateKey.generate()
    public = base64.urlsafe_b64encode(made.public_key().public_bytes_raw()).rstrip(b"=").decode()
    issuer = {"kid": "opt1", "public_key": public, "types": TYPES}
    (tmp_path / "issuers.json").write_text(json.dumps([issuer]))
    return made


def joined(gateway, tmp_path, port, host=None):
    """Let the house join the district; it must see minutes pass, and signed times hold."""
    gateway.rate = RATE
    gateway.origin_s = None if host is None else host.clock.origin_s
    line = f'district_link = {{ url = "mqtt://127.0.0.1:{port}", issuers_file = "{tmp_path / "issuers.json"}" }}\n'
    gateway.config.write_text(gateway.config.read_text() + line)


def envelope(now_ms):
    return {
        "id": "e1",
        "seq": 5,
        "iss": "dso",
        "aud": "issy.b012",
        "iat": now_ms,
        "nbf": now_ms - 1000,
        "exp": now_ms + 3_600_000,
        "priority": 0,
        "program": "dso",
        "start": now_ms,
        "intervals": [{"duration_s": 900, "import_max_w": 5000}],
        "default": {"import_max_w": 9000, "export_max_w": 0},
    }


@pytest.mark.peer
@pytest.mark.daemon
async def test_births_arrive_and_a_signed_envelope_is_accepted_and_shown_to_be_kept(
    house, mosquitto, key, tmp_path
):
    gateway, _ = house
    broker = await mosquitto()
    host = Host(key)
    joined(gateway, tmp_path, broker.port, host)
    await host.listen(broker.port)
    await gateway.start()
    births = {f"spBv1.0/issy/DBIRTH/b012/{asset}" for asset in ("grid", "bat1", "boiler")}
    await host.until(lambda: births | {"spBv1.0/issy/NBIRTH/b012"} <= host.topics())

    await gateway.until(lambda s: s["district"]["control_on"] and s["control"]["grid"]["state"] == "good")
    host.repeated.append((f"{COMPANION}/envelope/dso", envelope(host.clock.utc_ms())))
    host.beats()
    await host.until(lambda: {"ACCEPTED", "SUCCEEDED"} <= set(host.acks()))
    assert host.acks().index("ACCEPTED") < host.acks().index("SUCCEEDED")
    status = await gateway.until(lambda s: s["control"]["mode"] == "CONTROLLED")
    assert 5000 == status["control"]["caps"]["import"]["max_w"]
    assert "dso" in status["control"]["caps"]["import"]["whose"]

    await host.leave()
    assert 0 == await gateway.stop()


def framed(now_ms, **body):
    frame = {"id": "p1", "seq": now_ms, "iss": "district", "aud": "issy.b012", "iat": now_ms}
    return frame | {"nbf": now_ms - 1000, "exp": now_ms + 3_600_000} | body


@pytest.mark.peer
@pytest.mark.daemon
async def test_a_signed_schedule_failsafe_values_and_a_level_act_outlive_a_restart_and_a_report_comes(
    house, mosquitto, key, tmp_path
):
    gateway, devices = house
    broker = await mosquitto()
    host = Host(key)
    joined(gateway, tmp_path, broker.port, host)
    await host.listen(broker.port)
    await gateway.start()
    await gateway.until(lambda s: s["district"]["control_on"] and s["control"]["grid"]["state"] == "good")
    now_ms = host.clock.utc_ms()
    wide = envelope(now_ms) | {"intervals": [{"duration_s": 3_600}]}
    host.repeated.append((f"{COMPANION}/envelope/dso", wide))
    host.beats()
    intervals = [{"duration_s": 3_600, "power_w": 800}]
    host.say(f"{COMPANION}/schedule/bat1", framed(now_ms, asset="bat1", start=now_ms, intervals=intervals))
    values = {"import_max_w": 3_000, "export_max_w": 99_000, "duration_min_s": 7_200}
    host.say(f"{COMPANION}/failsafe", framed(now_ms, **values))
    levels = [{"duration_s": 3_600, "level": 2}]
    host.say("quartier/v1/issy/signal/level", framed(now_ms, aud="issy", start=now_ms, intervals=levels))

    await gateway.until(lambda _: devices["gx"].orders().get("battery.setpoint_w") == 800)
    status = await gateway.until(lambda s: s["control"]["assets"]["boiler"]["state"] == "shed")
    assert "signal level 2, p1" == status["control"]["assets"]["boiler"]["command"]["reason"]
    told = status["district"]
    assert (3_000, 6_000) == (told["failsafe"]["import_max_w"], told["failsafe"]["export_max_w"])
    assert [("bat1", 800)] == [(one["asset"], one["power_w"]) for one in told["schedules"]]
    taken = functools.partial(host.answered, "failsafe", "ACCEPTED")
    await host.until(taken)
    assert ["BOUNDS"] == taken()
    devices_told = {}

    def told_of_all():
        for report in host.of("flexibility")[-1:]:
            devices_told.update({device["device"]: device for device in report["devices"]})
        return {"bat1", "boiler"} <= devices_told.keys()

    await host.until(told_of_all)
    assert {"bat1", "boiler"} == devices_told.keys()
    assert "FILL_RATE_BASED_CONTROL" == devices_told["bat1"]["control_type"]

    await host.leave()
    assert 0 == await gateway.stop()
    broker.kill()  # nothing comes again: what holds after the restart was kept here
    await gateway.start()
    status = await gateway.until(lambda s: s["control"]["mode"] in {"CONTROLLED", "HOLD", "FAILSAFE"})
    told = status["district"]
    assert 3_000 == told["failsafe"]["import_max_w"]
    assert (2, [("bat1", 800)]) == (
        told["signals"]["level"]["level"],
        [(one["asset"], one["power_w"]) for one in told["schedules"]],
    )
    assert 0 == await gateway.stop()


@pytest.mark.peer
@pytest.mark.daemon
async def test_a_house_that_plans_tells_its_forecast_in_birth_data_report_history_and_status(
    house, mosquitto, key, tmp_path
):
    gateway, _ = house
    broker = await mosquitto()
    joined(gateway, tmp_path, broker.port)
    gateway.config.write_text(gateway.config.read_text() + planning())
    gateway.rate = 60.0  # a report comes each quarter of an hour
    host = Host(key)
    await host.listen(broker.port)
    await gateway.start()

    def metrics(kind):
        sent = [decode_payload(m.payload) for m in host.seen if m.topic == f"spBv1.0/issy/{kind}/b012"]
        return [one for message in sent for one in message.metrics]

    await host.until(lambda: metrics("NBIRTH"))
    # The first: births come again where nobody echoes them, soon at this rate.
    born = next(one for one in metrics("NBIRTH") if one.name == "gateway.forecast_net_1h_w")
    assert ("W", "Point") == (born.properties["engUnit"], born.properties["brickClass"])
    await host.until(
        lambda: [one for one in metrics("NDATA") if one.name == born.name and one.value is not None]
    )
    await host.until(lambda: host.of("flexibility") and host.of("flexibility")[-1]["forecast"]["net"])
    told = host.of("flexibility")[-1]["forecast"]
    assert {96} == {len(told["net"][name]) for name in ("mean_w", "low_w", "middle_w", "high_w")}
    assert all(low <= high for low, high in zip(told["load"]["low_w"], told["load"]["high_w"], strict=True))
    assert None is told["sun"], "it has none"

    status_w, seen = None, {"value": None}
    async with asyncio.timeout(60):  # the point follows a new forecast by its own period
        while seen["value"] is None or status_w != pytest.approx(seen["value"]):
            points = {point["point"]: point for point in await gateway.ask("points")}
            seen = points["gateway.forecast_load_1h_w"]
            status_w = (await gateway.ask("status"))["plan"]["forecast_points"]["load_1h_w"]
    assert ("good", "W") == (seen["quality"], seen["unit"])
    assert not [name for name in points if "forecast_sun" in name]
    await host.leave()
    assert 0 == await gateway.stop()
    code, lines, _ = await gateway.call(
        "history",
        *(
            "--points",
            "gateway.forecast_load_24h_wh",
            "--from",
            "2d",
            "--to",
            "2099-01-01",
            "--format",
            "csv",
        ),
        *("--config", str(gateway.config), "--state-dir", str(gateway.state_dir)),
        *("--runtime-dir", str(gateway.runtime_dir)),
    )
    assert 0 == code
    assert "gateway.forecast_load_24h_wh" in lines


@pytest.mark.peer
@pytest.mark.daemon
@pytest.mark.usefixtures("key")
async def test_a_broker_that_goes_leaves_polling_and_control_as_they_were(house, mosquitto, tmp_path):
    gateway, devices = house
    broker = await mosquitto()
    joined(gateway, tmp_path, broker.port)
    await gateway.start()
    await gateway.until(lambda s: s["district"]["data_on"] and s["control"]["grid"]["state"] == "good")
    broker.kill()
    gone = await gateway.until(lambda s: not s["district"]["data_on"])
    assert gone["district"]["data_fault"] or gone["district"]["control_fault"]

    devices["gx"].publish({"grid.power_w": 900.0})
    await gateway.until(lambda s: abs(s["control"]["grid"]["power_w"] - 900) < 5)
    count = gone["cycles"]["count"] + 20
    await gateway.until(
        lambda s: (
            s["cycles"]["count"] > count
            and s["control"]["grid"]["state"] == "good"
            and s["control"]["assets"]["bat1"]["state"] == "controlled"
        )
    )
    values = {point["point"]: point["value"] for point in await gateway.ask("points")}
    assert (1, 1) == (values["lan.connects_count"], values["board.connects_count"])
    assert 0 == await gateway.stop(), "and it leaves in order without a broker"


@pytest.mark.peer
@pytest.mark.daemon
async def test_signed_commands_move_the_house_and_are_answered_over_a_restart_of_the_gateway(
    house, mosquitto, key, tmp_path
):
    gateway, devices = house
    broker = await mosquitto()
    host = Host(key)
    joined(gateway, tmp_path, broker.port, host)
    await host.listen(broker.port)
    devices["relays"].units[3].put("coil", 0, [1])  # it runs, so that there is something to shed
    await gateway.start()
    await gateway.until(
        lambda s: s["district"]["control_on"] and s["control"]["assets"]["boiler"]["state"] == "not limited"
    )
    now_ms = host.clock.utc_ms()
    host.command(now_ms, now_ms, op="ping")
    host.command(now_ms + 1, now_ms, op="setpoint", asset="nobody", w=0, duration_s=60)
    shed = {"op": "shed", "level": 2, "duration_s": 3600}
    host.command(now_ms + 2, now_ms, **shed)
    await host.until(lambda: host.acks(f"c{now_ms + 2}")[-1:] == ["STARTED"])
    await host.until(lambda: ["NEW", "ACCEPTED", "SUCCEEDED"] == host.acks(f"c{now_ms}"))
    await host.until(lambda: ["NEW", "REJECTED UNKNOWN_DEVICE"] == host.acks(f"c{now_ms + 1}"))
    await gateway.until(lambda s: s["control"]["assets"]["boiler"]["state"] == "shed")
    devices["meter"].publish({"power_w": 0.0})
    await host.until(lambda: host.acks(f"c{now_ms + 2}")[-1] == "SUCCEEDED")
    assert ["NEW", "ACCEPTED", "STARTED", "SUCCEEDED"] == host.acks(f"c{now_ms + 2}")

    assert 0 == await gateway.stop()
    await gateway.start()
    await gateway.until(
        lambda s: s["district"]["control_on"] and s["control"]["assets"]["boiler"]["state"] == "shed"
    )
    host.command(now_ms + 2, now_ms, **shed)
    await host.until(lambda: len(host.acks(f"c{now_ms + 2}")) == 6)
    assert ["NEW", "SUCCEEDED"] == host.acks(f"c{now_ms + 2}")[4:], "the same bytes: no second effect"

    host.beats()
    host.say(f"{COMPANION}/envelope/dso", envelope(host.clock.utc_ms()))
    await gateway.until(lambda s: s["control"]["mode"] == "CONTROLLED")
    now_ms = host.clock.utc_ms()
    host.command(now_ms, now_ms, op="test_failsafe", duration_s=60)
    tested = await gateway.until(lambda s: s["control"]["mode"] == "FAILSAFE")
    assert 6000 >= tested["control"]["caps"]["import"]["max_w"], "half of the contract"
    assert ["shed", "test_failsafe"] == [one["op"] for one in tested["district"]["commands"]]
    await host.until(lambda: host.acks(f"c{now_ms}")[-1:] == ["SUCCEEDED"])
    await gateway.until(lambda s: s["control"]["mode"] == "CONTROLLED")

    boot, first = min((boot, min(numbers)) for boot, numbers in host.events().items())
    heard_count = host.heard(boot, first)
    now_ms = host.clock.utc_ms()
    host.command(now_ms, now_ms, op="replay", **{"from": {"boot": boot, "seq": first}})
    await host.until(lambda: host.acks(f"c{now_ms}")[-1:] == ["SUCCEEDED"])
    await host.until(lambda: host.heard(boot, first) > heard_count)
    for boot, numbers in host.events().items():
        assert [*range(1, len(numbers) + 1)] == sorted(numbers), f"boot {boot}: numbered without gaps"
    await host.leave()
    assert 0 == await gateway.stop()


@pytest.mark.peer
@pytest.mark.daemon
async def test_a_takeover_of_both_names_and_a_forged_watermark_of_a_later_boot_end_no_link(
    house, mosquitto, key, tmp_path
):
    gateway, _ = house
    broker = await mosquitto()
    host = Host(key)
    joined(gateway, tmp_path, broker.port)
    gateway.rate = 60.0
    await gateway.start()
    await gateway.until(lambda s: s["district"]["control_on"])
    assert 0 == await gateway.stop()  # whoever has started before knows a boot that is none of its own
    await host.listen(broker.port)
    forged = {"bdseq": 1, "streams": {name: {"boot": 2**62, "seq": 5} for name in ("grid", "event", "node")}}
    topic = f"{COMPANION}/watermark"
    host.connection._client.publish(topic, json.dumps(forged).encode(), 1, retain=True)
    await gateway.start()
    await gateway.until(lambda s: s["district"]["data_on"] and s["district"]["control_on"])
    for name in ("issy.b012", "issy.b012.ctl"):
        profile = ConnectionProfile(client_id=name, clean_start=True, session_expiry_s=0)
        other = MqttConnection(
            BrokerServer("127.0.0.1", broker.port, tls=False), BrokerCredentials(), profile
        )
        await other.open()
        await gateway.until(lambda s: s["district"]["lost_connections_count"] > 0)
        await other.leave(0)
    host.connection._client.publish(topic, json.dumps(forged).encode(), 1, retain=True)
    status = await gateway.until(
        lambda s: (
            s["district"]["lost_connections_count"] >= 2
            and s["district"]["data_on"]
            and s["district"]["control_on"]
        )
    )
    assert "born" == status["district"]["phase"]
    count = len(host.seen)
    await host.until(lambda: any("/DDATA/" in message.topic for message in host.seen[count:]))
    await host.leave()
    assert 0 == await gateway.stop()
