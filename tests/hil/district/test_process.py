import asyncio
import json
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from quartier_hil.clock import RigClock
from quartier_hil.district.issuer import Key
from quartier_hil.district.process import District, Settings
from quartier_hil.district.protowire import blob, number
from quartier_hil.district.session import Names
from quartier_hil.stage.broker import Broker

NAMES = Names("issy", "b012")
BIRTH = number(1, 1) + blob(2, blob(1, b"bdSeq") + number(4, 4) + number(11, 7)) + number(3, 0)
WITHIN_REAL_S = 20.0


@pytest.mark.peer
async def test_a_birth_is_answered_with_a_watermark_and_the_envelope_in_force_and_what_is_replayed_is_older(
    tmp_path,
):
    broker = Broker(tmp_path, "iotcore")
    await broker.start()
    heard: asyncio.Queue[mqtt.MQTTMessage] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect = lambda *_: client.subscribe([(f"{NAMES.companion}/#", 1)])
    client.on_message = lambda *found: loop.call_soon_threadsafe(heard.put_nowait, found[2])
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    settings = Settings(
        host="127.0.0.1",
        port=broker.port,
        names=NAMES,
        key=Key.fresh("k"),
        log=tmp_path / "log.jsonl",
        clock=RigClock(time.time()),
    )
    orders = asyncio.StreamReader()
    caps = {"import_max_w": 5, "export_max_w": 5}
    order = {"do": "caps", "intervals": [{"duration_s": 9, **caps}], "default": caps, "for_s": 900}
    running = asyncio.create_task(District(settings).run(orders))
    try:
        async with asyncio.timeout(WITHIN_REAL_S):
            orders.feed_data(json.dumps(order).encode() + b"\n")
            first = json.loads((await heard.get()).payload)
            client.publish("spBv1.0/issy/NBIRTH/b012", BIRTH)
            answers = [await heard.get() for _ in range(2)]
            orders.feed_data(b'{"do": "nonsense", "kind": "replayed"}\n')
            replayed = await heard.get()
            orders.feed_data(b'{"do": "quit"}\n')
            await running
    finally:
        running.cancel()
        client.disconnect()
        client.loop_stop()
        client._reset_sockets()  # paho leaves its inner pair to the garbage collector
        await broker.stop()

    found = {message.topic.removeprefix(NAMES.companion): json.loads(message.payload) for message in answers}
    assert {"bdseq": 7, "streams": {}} == found["/watermark"]
    assert first["seq"] < found["/envelope/district"]["seq"]
    assert first["intervals"] == found["/envelope/district"]["intervals"]
    assert replayed.topic == f"{NAMES.companion}/envelope/district"
    assert json.loads(replayed.payload)["seq"] < first["seq"]
