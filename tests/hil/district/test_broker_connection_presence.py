"""The host's STATE on a real broker: its own word stands while it is here, each CONNECT has its own time."""

import asyncio
import contextlib
import itertools
import json
import socket

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from quartier_district.broker_connection import HostState
from quartier_hil.processes.broker_process import BrokerProcess

TOPIC = "spBv1.0/STATE/district"
WITHIN_REAL_S = 60.0
pytestmark = pytest.mark.peer


def offline(timestamp_ms):
    return json.dumps({"online": False, "timestamp": timestamp_ms})


@contextlib.asynccontextmanager
async def watching(folder):
    """A host on a broker, and what a client beside it hears of its STATE."""
    broker = BrokerProcess(folder)
    await broker.start()
    heard: asyncio.Queue[tuple[bool, int]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def on_message(_client, _data, message):
        found = json.loads(message.payload)
        loop.call_soon_threadsafe(heard.put_nowait, (found["online"], found["timestamp"]))

    watcher, host = (mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5) for _ in range(2))
    watcher.on_connect = lambda *_: watcher.subscribe(TOPIC, 1)
    watcher.on_message = on_message
    times = itertools.count(1000)
    presence = HostState(host, TOPIC, lambda: next(times))
    host.reconnect_delay_set(1, 1)
    host.on_connect = lambda *_: (host.subscribe(TOPIC, 1), presence.announce_online())
    host.on_message = lambda *found: presence.hear(found[2].payload)
    for client in (watcher, host):
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
    try:
        async with asyncio.timeout(WITHIN_REAL_S):
            while await heard.get() != (True, 1000):
                """The broker may tell the same word twice: kept, and live."""
            yield presence, host, watcher, heard
    finally:
        for client in (watcher, host):
            client.disconnect()
            client.loop_stop()
            client._reset_sockets()  # paho leaves its inner pair to the garbage collector
        await broker.stop()


async def seen(heard, word):
    while await heard.get() != word:
        """What was on its way before."""


async def test_who_says_that_it_is_offline_is_corrected_with_the_time_of_its_connection(tmp_path):
    async with watching(tmp_path) as (_, _, watcher, heard):
        for denied in (offline(999), offline(2000), '{"online": false, "timestamp": 1}'):
            watcher.publish(TOPIC, denied, 1, retain=True)
            await seen(heard, (False, json.loads(denied)["timestamp"]))
            await seen(heard, (True, 1000))


async def test_who_leaves_is_offline_and_stays_so(tmp_path):
    async with watching(tmp_path) as (presence, _, watcher, heard):
        presence.leave()
        await seen(heard, (False, 1000))
        watcher.publish(TOPIC, offline(1001), 1, retain=True)
        await seen(heard, (False, 1001))
        watcher.publish(TOPIC, offline(1002), 1, retain=True)
        assert (False, 1002) == await heard.get()


async def test_a_lost_connection_is_told_by_the_will_and_the_next_one_has_a_time_of_its_own(tmp_path):
    async with watching(tmp_path) as (_, host, _, heard):
        host.socket().shutdown(socket.SHUT_RDWR)
        await seen(heard, (False, 1000))
        await seen(heard, (True, 1001))


@pytest.mark.parametrize("payload", [b"", b"[]", b"OFFLINE", b"\xff"])
def test_what_is_no_word_is_corrected_too(payload):
    said = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    presence = HostState(client, TOPIC, lambda: 1)
    client.publish = lambda *word, **_: said.append(word)
    presence.hear(payload)
    client._reset_sockets()
    assert [TOPIC] == [word[0] for word in said]
