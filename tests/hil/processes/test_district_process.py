import asyncio
import json
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from quartier_district.gateway_session import TopicNames
from quartier_hil.processes.broker_process import BrokerProcess
from quartier_hil.processes.district_process import DistrictProcess
from quartier_sim.site_clock import RigClock

NAMES = TopicNames("issy", "b012")
WITHIN_REAL_S = 60.0


@pytest.mark.peer
@pytest.mark.parametrize("kind", ["mosquitto", "iotcore"])
async def test_the_district_speaks_with_signatures_and_says_when_it_is_there(tmp_path, kind):
    broker = BrokerProcess(tmp_path, kind)
    try:
        await broker.start()
    except AssertionError:
        pytest.skip("mosquitto is not installed")
    heard: asyncio.Queue[mqtt.MQTTMessage] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect = lambda *_: client.subscribe([("#", 1)])
    client.on_message = lambda *found: loop.call_soon_threadsafe(heard.put_nowait, found[2])
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    peer = DistrictProcess(tmp_path, broker.port, NAMES, RigClock(time.time(), 0.0, 60.0))
    await peer.start()
    wanted = {NAMES.state, NAMES.heartbeat, f"{NAMES.companion}/envelope/district"}
    caps = {"import_max_w": 5, "export_max_w": 5}
    try:
        async with asyncio.timeout(WITHIN_REAL_S):
            while wanted:
                message = await heard.get()
                if message.topic == NAMES.heartbeat and message.topic in wanted:
                    peer.order("caps", intervals=[{"duration_s": 60, **caps}], default=caps, for_s=600)
                if message.topic != NAMES.state:
                    assert "sig" in dict(message.properties.UserProperty)
                wanted.discard(message.topic)
    finally:
        await peer.stop()
        client.disconnect()
        client.loop_stop()
        client._reset_sockets()  # paho leaves its inner pair to the garbage collector
        await broker.stop()

    kinds = [json.loads(line)["kind"] for line in peer.log.read_text().splitlines()]
    assert {"broker", "envelope", "order", "end"} <= set(kinds)
