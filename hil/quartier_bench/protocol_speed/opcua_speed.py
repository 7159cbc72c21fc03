"""OPC UA: the whole driver path against bare calls of asyncua, and the number of requests for 300 points.

The server is open62541 without security: the client is measured, and ciphers cost both sides the same.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sized
from pathlib import Path
from typing import Any

from quartier_bench.measured_process import Process
from quartier_bench.protocol_speed.modbus_speed import FastClock, ManualClock
from quartier_bench.speed.measurement import Figure, Setting, make_comparison
from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_sim.modbus.endpoints import find_free_port

POINTS = 300
_READS, _READS_SHORT = 200, 60
_SECONDS = 60
_URI = "urn:quartier:peer:plant"
_HEAD = """\
[profile]
protocol = "opcua"
maker = "Bench"
model = "{count} points"
source = "made for a measurement"
"""
_POINT = """
[points.many{at}_w]
node = "nsu={uri};s=Many{at}"
scan = "fast"
"""


def render_profile(count: int) -> str:
    """The TOML of a device of so many points, each read each second."""
    return _HEAD.format(count=count) + "".join(_POINT.format(at=at, uri=_URI) for at in range(count))


def measure_opcua(setting: Setting) -> list[Figure]:
    """Points per CPU second against the library's own values, and requests.  Raises AbsentError."""
    port = find_free_port()
    argv = [setting.cache.open62541(), f"port={port}", f"many={POINTS}"]
    with Process(argv, setting.folder / "opcua.log", talks=True) as server:
        if server.line() != "ready":
            raise RuntimeError(f"the server does not come up; see {setting.folder / 'opcua.log'}")
        return asyncio.run(_measure_rounds(f"opc.tcp://127.0.0.1:{port}", setting))


def _make_driver(url: str, clock: Any, folder: Path) -> tuple[Any, Any]:
    """Our line and driver; everything is asked for, nothing subscribed to."""
    section = registry.load_section("opcua")(
        kind="opcua", url=url, insecure_policy="None", anonymous=True, subscribe=False, pki=str(folder)
    )
    factory = registry.load_factory("opcua")
    line = factory.line("bus", section, clock)
    loaded = loading.parse_profile(render_profile(POINTS), "bench/opcua", "opcua.toml")
    return line, factory.driver(line, DeviceSpec("device", 1, {"": "plant"}), loaded, clock)


async def _measure_rounds(url: str, setting: Setting) -> list[Figure]:
    from asyncua import Client, ua  # noqa: PLC0415 - an extra of the product, and a peer here

    reads = _READS_SHORT if setting.short else _READS
    line, driver = _make_driver(url, FastClock(), setting.make_scratch_folder("opcua"))
    client = Client(url)
    await line.open()
    await driver.open()
    await client.connect()
    index = await client.get_namespace_index(_URI)
    nodes = [ua.NodeId(f"Many{at}", index) for at in range(POINTS)]

    async def ours() -> float:
        return await _measure_per_cpu_s(driver.read, reads)

    async def bare() -> float:
        return await _measure_per_cpu_s(
            lambda: client.uaclient.read_attributes(nodes, ua.AttributeIds.Value), reads
        )

    mine, theirs = [], []
    try:
        for number in range(setting.rounds + 1):
            pair = [await ours(), await bare()]
            if number:  # the first round warms both up
                mine.append(pair[0])
                theirs.append(pair[1])
    finally:
        await client.disconnect()
        await driver.close()
        await line.close()
    what = f"points read per CPU second, to Readings, {POINTS} of one device"
    count, asked = await _count_requests(url, setting.make_scratch_folder("opcua"))
    return [
        make_comparison(
            "opcua.points", what, mine, theirs, "1/s", 0.9, "more", peer_name="asyncua's data values"
        ),
        make_comparison(
            "opcua.requests",
            f"requests in a minute for {POINTS} points each second",
            [count],
            [asked],
            "",
            1 / 10,
            peer_name="one request a point",
        ),
    ]


async def _count_requests(url: str, folder: Path) -> tuple[float, float]:
    """Return the requests made, and the points read, in a minute."""
    clock = ManualClock()
    line, driver = _make_driver(url, clock, folder)
    points_count = 0
    try:
        await line.open()
        await driver.open()
        before = line.stats["requests_count"]
        for second in range(_SECONDS):
            clock.second = second
            while driver.due_ns <= clock.now_ns():
                points_count += len(await driver.read())
        return line.stats["requests_count"] - before, float(points_count)
    finally:
        await driver.close()
        await line.close()


async def _measure_per_cpu_s(read: Callable[[], Awaitable[Sized]], reads: int) -> float:
    """Points per CPU second of this process in so many reads of all."""
    before_s = time.process_time()
    got = 0
    while got < reads * POINTS:
        got += len(await read())
    return got / (time.process_time() - before_s)
