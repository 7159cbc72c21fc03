"""A daemon that is ordered a site file and a key list: over a kill, a restart, and a hand at the gateway."""

import asyncio
import contextlib
import json
import signal
import threading
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from quartier_district.key_folder import KeyFolder, encode_public_key
from quartier_district.signed_documents import make_heartbeat, make_job
from quartier_sim.site_clock import RigClock

pytestmark = [pytest.mark.peer, pytest.mark.daemon]
C = "quartier/v1/issy/b012"
RATE = 10.0


class District:
    """Orders on a topic of the broker, and what comes back."""

    def __init__(self, folder, port):
        self.clock = RigClock(time.time(), rate=RATE)
        self.keys = KeyFolder.new(folder / "keys", "issy", self.clock.utc_ms() - 1000)
        self.heard = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = lambda _client, _data, message: self.heard.append(message)
        self.client.connect("127.0.0.1", port)
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.subscribe([(f"{C}/ack", 1), (f"{C}/event", 1)])
        self.client.loop_start()
        assert subscribed.wait(60), "what is said before is never heard"

    def say(self, topic, payload, role="jobs", *, retain=False):
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = ("sig", self.keys.key(role).sign(topic, payload))
        self.client.publish(topic, payload, qos=1, retain=retain, properties=properties)

    def order(self, work):
        now_ms = self.clock.utc_ms()
        payload = make_job(work, now_ms, now_ms, "issy.b012", (now_ms - 1000, now_ms + 3_600_000))
        self.say(f"{C}/job", payload, retain=True)
        return json.loads(payload)

    def told(self, level):
        return [json.loads(m.payload) for m in self.heard if m.topic == f"{C}/{level}"]

    async def until(self, condition):
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 - another process' doing
                await asyncio.sleep(0.02)


@pytest.fixture
async def street(house, mosquitto, tmp_path):
    gateway, _ = house
    broker = await mosquitto()
    district = District(tmp_path, broker.port)
    gateway.rate, gateway.origin_s = RATE, district.clock.origin_s
    link = (
        f'url = "mqtt://127.0.0.1:{broker.port}", watermark = false, '
        f'issuers_file = "{tmp_path}/keys/keys.jws", root_keys = ["{encode_public_key(district.keys.root)}"]'
    )
    gateway.config.write_text(gateway.config.read_text() + f"district_link = {{ {link} }}\n")
    yield gateway, district
    district.client.disconnect()
    district.client.loop_stop()


async def started(gateway):
    await gateway.start()
    return await gateway.until(lambda s: s["district"]["control_on"] and s["cycles"]["count"] > 2)


def said(district, seq):
    return [ack["status"] for ack in district.told("ack") if ack["seq"] == seq]


def ended(district, ident):
    """What the event of a job's end says."""
    events = (event for event in district.told("event") if event["code"] == "job.ended")
    return [event["data"] for event in events if event["data"]["id"] == ident]


async def test_an_ordered_site_file_outlives_a_kill_and_gives_way_to_a_hand_at_the_gateway(street):
    gateway, district = street
    await started(gateway)
    text = limited(gateway, "failsafe_import_w = 4000")
    done = district.order({"op": "config", "site": text})
    await district.until(lambda: "SUCCEEDED" in said(district, done["seq"]))
    name = f"{done['id']} ({done['seq']})"
    await gateway.until(lambda s: s["gateway"]["site_file"] == name)
    await gateway.until(lambda s: failsafe_w(s, "import") == 4000)
    await district.until(lambda: ended(district, done["id"]))

    await gateway.stop(signal.SIGKILL)
    status = await started(gateway)
    assert (name, 4000) == (status["gateway"]["site_file"], failsafe_w(status, "import"))

    faulty = district.order({"op": "config", "site": text.replace("rated_w = ", "rated_w = -")})
    await district.until(lambda: "REJECTED" in said(district, faulty["seq"]))
    await district.until(lambda: ended(district, faulty["id"]))
    assert 2 <= len(ended(district, faulty["id"])[0]["faults"]), "all at once"

    gateway.config.write_text(gateway.config.read_text().replace('tier = "C"', 'tier = "B"'))
    gateway.process.send_signal(signal.SIGHUP)
    status = await gateway.until(lambda s: s["control"]["assets"]["boiler"]["tier"] == "B")
    assert "" == status["gateway"]["site_file"]
    assert 6000 == failsafe_w(status, "import")
    await district.until(lambda: changed_keys(district) == ["assets.boiler.tier"])
    assert 0 == await gateway.stop()


def limited(gateway, keys):
    return gateway.config.read_text().replace("contract_export_w = 6000", f"contract_export_w = 6000, {keys}")


def failsafe_w(status, way):
    return status["district"]["failsafe"][f"{way}_max_w"]


def changed_keys(district):
    """What the district was told of values that only a person on site may change."""
    events = (event for event in district.told("event") if event["code"] == "site.protected_changed")
    return next((event["data"]["keys"] for event in events), None)


def waits(district):
    """What the district was told of jobs that wait."""
    return [event for event in district.told("event") if event["code"] == "job.waits"]


async def test_in_failsafe_an_ordered_file_with_larger_values_waits_over_a_kill(street):
    gateway, district = street
    gateway.state_dir.mkdir()
    (gateway.state_dir / "link.a").write_bytes(b"damaged")  # who lost its state owes the fail-safe minimum
    await started(gateway)
    beats = asyncio.create_task(beat(district))
    await gateway.until(lambda s: s["district"]["heartbeats_count"] > 0)
    done = district.order({"op": "config", "site": limited(gateway, "failsafe_export_w = 3000")})
    await district.until(lambda: waits(district))
    assert ["limits.failsafe_export_w"] == waits(district)[0]["data"]["keys"]
    await gateway.stop(signal.SIGKILL)
    status = await started(gateway)
    await district.until(lambda: len({event["boot"] for event in waits(district)}) == 2)
    status = await gateway.until(lambda s: s["district"]["heartbeats_count"] > 0)
    assert (0, "") == (failsafe_w(status, "export"), status["gateway"]["site_file"])
    assert not {"STARTED", "SUCCEEDED"} & {*said(district, done["seq"])}
    beats.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beats
    assert 0 == await gateway.stop()


async def test_the_tighter_values_of_a_file_that_waits_act_over_a_kill_until_a_person_ends_them(street):
    gateway, district = street
    gateway.state_dir.mkdir()
    (gateway.state_dir / "link.a").write_bytes(b"damaged")  # who lost its state owes the fail-safe minimum
    await started(gateway)
    text = limited(gateway, "failsafe_export_w = 3000, failsafe_import_w = 4000, hold_max_s = 40000")
    done = district.order({"op": "config", "site": text})
    await gateway.until(lambda s: failsafe_w(s, "import") == 4000)
    await district.until(lambda: tightened(district))
    assert {"limits.failsafe_import_w": 4000, "limits.hold_max_s": 40_000} == tightened(district)[0]["data"][
        "values"
    ]
    await gateway.stop(signal.SIGKILL)
    status = await started(gateway)
    assert (4000, 0, "") == (
        failsafe_w(status, "import"),
        failsafe_w(status, "export"),
        status["gateway"]["site_file"],
    )
    await district.until(lambda: len({event["boot"] for event in waits(district)}) == 2)
    assert 1 == len({event["boot"] for event in tightened(district)}), "it is told in one run only"
    gateway.config.write_text(gateway.config.read_text().replace('tier = "C"', 'tier = "B"'))
    gateway.process.send_signal(signal.SIGHUP)
    status = await gateway.until(lambda s: s["control"]["assets"]["boiler"]["tier"] == "B")
    assert (6000, 0) == (failsafe_w(status, "import"), failsafe_w(status, "export"))
    assert not {"STARTED", "SUCCEEDED"} & {*said(district, done["seq"])}
    assert 0 == await gateway.stop()


def tightened(district):
    """What the district was told of tighter values that act."""
    return [event for event in district.told("event") if event["code"] == "job.tightened"]


async def test_a_key_list_is_rolled_over_without_a_restart_and_keys_shows_it(street):
    gateway, district = street
    await started(gateway)
    before = district.keys.list
    beats = asyncio.create_task(beat(district))
    district.keys.roll("optimiser", district.clock.utc_ms())
    done = district.order({"op": "keys", "list": district.keys.list})
    await district.until(lambda: "SUCCEEDED" in said(district, done["seq"]))
    await gateway.until(lambda s: s["district"]["heartbeats_count"] > 0)
    places = ("--config", str(gateway.config), "--runtime-dir", str(gateway.runtime_dir), "--json")
    while True:
        code, out, _ = await gateway.call("keys", *places)
        found = {key["kid"]: key for key in json.loads(out)["keys"]}
        if found["optimiser-2"]["used_utc_ms"]:
            break
    assert (0, "valid", "valid") == (code, found["optimiser-1"]["state"], found["optimiser-2"]["state"])
    (district.keys.folder / "older.jws").write_text(before)
    state = ("--state-dir", str(gateway.state_dir))
    code, _, err = await gateway.call(
        "keys", "check", str(district.keys.folder / "older.jws"), *places, *state
    )
    assert (78, True) == (code, "is older than" in err)
    beats.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beats
    assert 0 == await gateway.stop()


async def beat(district):
    while True:
        district.say("quartier/v1/issy/heartbeat", make_heartbeat(district.clock.utc_ms()), "optimiser")
        await asyncio.sleep(0.2)
