import asyncio
import contextlib
import json
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from quartier_district.gateway_session import TopicNames
from quartier_district.signed_documents import SigningKey
from quartier_district.single_gateway import District, DistrictSettings
from quartier_district.sparkplug import encode_bytes, encode_number
from quartier_hil.processes.broker_process import BrokerProcess
from quartier_sim.site_clock import RigClock

NAMES = TopicNames("issy", "b012")
BIRTH = (
    encode_number(1, 1)
    + encode_bytes(2, encode_bytes(1, b"bdSeq") + encode_number(4, 4) + encode_number(11, 7))
    + encode_number(3, 0)
)
WITHIN_REAL_S = 60.0


PLANS = (
    {"do": "schedule", "asset": "bat1", "intervals": [{"duration_s": 9, "power_w": 5}], "for_s": 60},
    {"do": "failsafe", "import_max_w": 5, "export_max_w": 0, "duration_min_s": 7200},
    {"do": "signal", "of": "level", "intervals": [{"duration_s": 9, "level": 1}], "for_s": 60},
)


@contextlib.asynccontextmanager
async def working(folder):
    """A district at work on a broker: its orders, what is heard of it, and a client beside it."""
    broker = BrokerProcess(folder, "iotcore")
    await broker.start()
    heard: asyncio.Queue[mqtt.MQTTMessage] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    places = [(f"{NAMES.companion}/#", 1), ("quartier/v1/issy/signal/level", 1)]
    client.on_connect = lambda *_: client.subscribe(places)
    client.on_message = lambda *found: loop.call_soon_threadsafe(heard.put_nowait, found[2])
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    settings = DistrictSettings(
        host="127.0.0.1",
        port=broker.port,
        names=NAMES,
        key=SigningKey.fresh("k"),
        log=folder / "log.jsonl",
        clock=RigClock(time.time()),
    )
    orders = asyncio.StreamReader()
    running = asyncio.create_task(District(settings).run(orders))
    try:
        async with asyncio.timeout(WITHIN_REAL_S):
            yield orders, heard, client
            orders.feed_data(b'{"do": "quit"}\n')
            await running
    finally:
        running.cancel()
        client.disconnect()
        client.loop_stop()
        client._reset_sockets()  # paho leaves its inner pair to the garbage collector
        await broker.stop()


@pytest.mark.peer
async def test_a_birth_is_answered_with_a_watermark_and_the_envelope_in_force_and_what_is_replayed_is_older(
    tmp_path,
):
    caps = {"import_max_w": 5, "export_max_w": 5}
    order = {"do": "caps", "intervals": [{"duration_s": 9, **caps}], "default": caps, "for_s": 900}
    async with working(tmp_path) as (orders, heard, client):
        orders.feed_data(json.dumps(order).encode() + b"\n")
        first = json.loads((await heard.get()).payload)
        client.publish("spBv1.0/issy/NBIRTH/b012", BIRTH)
        answers = [await heard.get() for _ in range(2)]
        orders.feed_data(b'{"do": "invalid_envelope", "kind": "replayed"}\n')
        replayed = await heard.get()
        orders.feed_data(b'{"do": "command", "op": "shed", "level": 1, "duration_s": 60}\n')
        command = await heard.get()

    found = {message.topic.removeprefix(NAMES.companion): json.loads(message.payload) for message in answers}
    assert {"bdseq": 7, "streams": {}} == found["/watermark"]
    assert first["seq"] < found["/envelope/district"]["seq"]
    assert first["intervals"] == found["/envelope/district"]["intervals"]
    asked = json.loads(command.payload)
    assert (f"{NAMES.companion}/command", False) == (command.topic, command.retain)
    assert ("shed", 1, 60, 60_000) == (
        asked["op"],
        asked["level"],
        asked["duration_s"],
        asked["exp"] - asked["iat"],
    )
    assert command.properties.MessageExpiryInterval <= 61
    assert replayed.topic == f"{NAMES.companion}/envelope/district"
    assert json.loads(replayed.payload)["seq"] < first["seq"]


@pytest.mark.peer
async def test_schedules_failsafe_parameters_and_signals_are_said_and_again_after_a_birth_with_a_new_number(
    tmp_path,
):
    async with working(tmp_path) as (orders, heard, client):
        for plan in PLANS:
            orders.feed_data(json.dumps(plan).encode() + b"\n")
        planned = [await heard.get() for _ in PLANS]
        client.publish("spBv1.0/issy/NBIRTH/b012", BIRTH)
        again = [await heard.get() for _ in range(len(PLANS) + 1)]

    places = [
        f"{NAMES.companion}/schedule/bat1",
        f"{NAMES.companion}/failsafe",
        "quartier/v1/issy/signal/level",
    ]
    said = {message.topic: json.loads(message.payload) for message in planned}
    assert set(places) == said.keys()
    bodies = [said[place] for place in places]
    assert ["issy.b012", "issy.b012", "issy"] == [body["aud"] for body in bodies]
    assert [[{"duration_s": 9, "power_w": 5}], None, [{"duration_s": 9, "level": 1}]] == [
        body.get("intervals") for body in bodies
    ]
    later = {message.topic: json.loads(message.payload) for message in again}
    assert all(later[place]["seq"] > body["seq"] for place, body in zip(places, bodies, strict=True))
    assert all(
        later[place].get("start") == body.get("start") for place, body in zip(places, bodies, strict=True)
    )


@pytest.mark.peer
async def test_a_job_is_retained_and_has_the_window_that_was_asked_for(tmp_path):
    order = {"do": "job", "work": {"op": "config", "site": "x = 1"}, "in_s": 5, "for_s": 60}
    async with working(tmp_path) as (orders, heard, _client):
        orders.feed_data(json.dumps(order).encode() + b"\n")
        message = await heard.get()

    said = json.loads(message.payload)
    assert f"{NAMES.companion}/job" == message.topic
    assert ("config", "x = 1", "issy.b012") == (said["op"], said["site"], said["aud"])
    assert (5_000, 60_000) == (said["nbf"] - said["iat"], said["exp"] - said["nbf"])
    assert dict(message.properties.UserProperty)["sig"]
