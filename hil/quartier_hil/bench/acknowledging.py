"""QoS 1 to a real mosquitto, twenty messages under way at a time on each side, CPU of each by turns."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import (
    NORMAL_DISCONNECT,
    BrokerCredentials,
    BrokerServer,
    ConnectionProfile,
    OutgoingMessage,
)
from quartier_hil.bench import process
from quartier_hil.bench.cache import AbsentError, Cache
from quartier_hil.bench.figure import Figure, against, skipped
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting

AIOMQTT, LIBMOSQUITTO = "aiomqtt", "libmosquitto"
WINDOW = 20
_MESSAGES, _MESSAGES_SHORT = 10_000, 2_000
_PAYLOAD_BYTES, _TOPIC = 200, "quartier/v1/bench/b012/event"


def figures(setting: Setting) -> list[Figure]:
    """CPU a QoS 1 message of 200 bytes."""
    what = f"a message of QoS 1, {_PAYLOAD_BYTES} bytes, acknowledged, CPU"
    peers: dict[str, tuple[float | None, Callable[[Cache], list[str]]]] = {
        AIOMQTT: (1.0, _aiomqtt),
        LIBMOSQUITTO: (None, _libmosquitto),
    }
    made = []
    with _broker(setting) as port:
        for name, (floor, argv_of) in peers.items():
            key = f"link.qos1_{name}"
            try:
                argv = [*argv_of(setting.cache), str(port), _TOPIC, str(_PAYLOAD_BYTES)]
            except AbsentError as error:
                made.append(skipped(key, what, str(error), floor, peer_name=name))
                continue
            with Process(argv, setting.folder / f"{name}.log", talks=True) as peer:
                sides = asyncio.run(_sides(setting, port, peer))
            made.append(against(key, what, *sides, "us", floor, peer_name=name))
    return made


def _aiomqtt(cache: Cache) -> list[str]:
    return [str(cache.library(AIOMQTT)), str(Path(__file__).with_name("publishing.py"))]


def _libmosquitto(cache: Cache) -> list[str]:
    return [cache.compiled("publishing", ":libmosquitto.so.1", "libmosquitto1")]


@contextmanager
def _broker(setting: Setting) -> Iterator[int]:
    port, folder = process.free_port(), setting.scratch("mosquitto")
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 100\n")
    with Process([setting.cache.program("mosquitto", "mosquitto"), "-c", str(config)], folder / "log"):
        if not process.accepts(port, 10.0):
            raise RuntimeError("mosquitto does not accept connections")
        yield port


async def _sides(setting: Setting, port: int, peer: Process) -> tuple[list[float], list[float]]:
    count = _MESSAGES_SHORT if setting.short else _MESSAGES
    profile = ConnectionProfile(client_id="bench.ours", clean_start=True, session_expiry_s=0)
    acknowledged = asyncio.Event()
    done = 0

    def finished(_tag: object, code: int) -> None:
        nonlocal done
        done += code < 0x80
        acknowledged.set()

    connection = MqttConnection(
        BrokerServer("127.0.0.1", port, tls=False), BrokerCredentials(), profile, finished
    )
    await connection.open()

    async def ours() -> float:
        nonlocal done
        sent, done = 0, 0
        payload, before_s = b"x" * _PAYLOAD_BYTES, time.process_time()
        while done < count:
            while sent < count and sent - done < WINDOW:
                connection.publish(OutgoingMessage(_TOPIC, payload, 1, tag=sent))
                sent += 1
            acknowledged.clear()
            await acknowledged.wait()
        return 1e6 * (time.process_time() - before_s) / count

    async def theirs() -> float:
        cpu_s, told = json.loads(await asyncio.to_thread(peer.ask, str(count)))
        if told != count:
            raise RuntimeError(f"{told} of {count} messages were acknowledged")
        return 1e6 * float(cpu_s) / count

    sides: tuple[list[float], list[float]] = ([], [])
    try:
        await _warm(ours, theirs)
        for _ in range(setting.rounds):
            for side, costs in zip((ours, theirs), sides, strict=True):
                costs.append(await side())
    finally:
        await connection.leave(NORMAL_DISCONNECT)
    return sides


async def _warm(*sides: Callable[[], Awaitable[float]]) -> None:
    for side in sides:
        await side()
