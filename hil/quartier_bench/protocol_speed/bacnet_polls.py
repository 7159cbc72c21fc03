"""BACnet: CPU of a device polled over its socket against the client of bacpypes3, and how long one
datagram holds the event loop.
"""

import asyncio
import math
import random
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from quartier_bench.measured_process import Process
from quartier_bench.peers.peer_cache import MissingPeerError
from quartier_bench.protocol_speed.bacnet_answers import POINTS, PeerDecoder, TurnResult, encode_answer
from quartier_bench.protocol_speed.sunspec_speed import AdvancingClock
from quartier_bench.speed.measurement import (
    Figure,
    Setting,
    make_comparison,
    make_single_figure,
    make_skipped_figure,
)
from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading

PROFILE = "bench/inputs"
RATIO_FLOOR, HOLD_MAX_MS = 1 / 15, 5.0
_LIBRARY, _HOST = "bacpypes3", "127.0.0.1"
_TURN_S, _TURN_SHORT_S = 0.5, 0.1
_HEAD = """\
[profile]
protocol = "bacnet"
maker = "Bench"
model = "inputs"
source = "made for a measurement"

[limits]
status_flags = false

[scan]
fast = 1.0
"""
# So many of the loop's turns a datagram has to be read and dealt with.
_LOOP_TURNS = 100


def write_profile(folder: Path) -> None:
    """Write the profile of ``POINTS`` analog inputs below ``folder``."""
    place = folder / f"{PROFILE}.toml"
    place.parent.mkdir(parents=True, exist_ok=True)
    rows = (f'[points.p{at}_c]\nobject = "analog-input:{at}"\nscan = "fast"\n' for at in range(1, POINTS + 1))
    place.write_text("\n".join([_HEAD, *rows]))


def find_free_udp_port() -> int:
    """A UDP port of this machine that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def measure_polls(setting: Setting) -> list[Figure]:
    """Both figures."""
    return [_measure_poll(setting), asyncio.run(_measure_hold(setting))]


def _measure_poll(setting: Setting) -> Figure:
    name, what = "bacnet.readings", f"a poll of {POINTS} points, from socket to Readings, CPU per point"
    folder = setting.make_scratch_folder("bacnet")
    script = str(Path(__file__).parents[1] / "peers" / "bacnet_device.py")
    with Process([sys.executable, script, "0"], folder / "device.log", talks=True) as device:
        port = int(device.line().rpartition(" ")[2])
        try:
            argv = [
                str(setting.cache.library(_LIBRARY)),
                str(Path(__file__).parents[1] / "peers" / "bacpypes3_client.py"),
            ]
        except MissingPeerError as error:
            return make_skipped_figure(name, what, str(error), RATIO_FLOOR, peer_name=_LIBRARY)
        argv += [f"{_HOST}:{port}", str(find_free_udp_port()), str(POINTS)]
        with PeerDecoder(argv, folder, []) as peer:
            return asyncio.run(_measure_rounds(name, what, port, folder, peer, setting))


async def _measure_rounds(
    name: str, what: str, port: int, folder: Path, peer: PeerDecoder, setting: Setting
) -> Figure:
    write_profile(folder)
    clock, loaded = AdvancingClock(), loading.load_profile(PROFILE, [folder])
    line = await _open_line(clock)
    factory = registry.load_factory("bacnet-ip", loaded.head.protocol)
    device = DeviceSpec("device", 0, {"": "device"}, address=f"{_HOST}:{port}")
    driver: Any = factory.driver(line, device, loaded, clock)
    await driver.open()

    async def ours(times: int) -> TurnResult:
        points_count, total = 0, 0.0
        before_s = time.process_time()
        while points_count < times * POINTS:
            clock.step_to(driver.due_ns)
            readings = await driver.read()
            points_count += len(readings)
            total = sum(readings.values) if len(readings) else total
        return TurnResult(time.process_time() - before_s, points_count, total)

    async def theirs(times: int) -> TurnResult:
        return peer.turn(times)

    try:
        costs = await measure_sides(ours, theirs, setting)
    finally:
        await driver.close()
        await line.close()
    return make_comparison(name, what, *costs, "us", RATIO_FLOOR, peer_name=_LIBRARY)


async def measure_sides(
    ours: Callable[[int], Awaitable[TurnResult]],
    theirs: Callable[[int], Awaitable[TurnResult]],
    setting: Setting,
) -> tuple[list[float], list[float]]:
    """Microseconds of CPU per point of both, round by round.

    Raises RuntimeError where they did not read the same.
    """
    turn_s = _TURN_SHORT_S if setting.short else _TURN_S
    await ours(20)
    await theirs(3)
    times = [max(1, math.ceil(turn_s / max(1e-6, (await side(1)).cpu_s))) for side in (ours, theirs)]
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(setting.rounds):
        turns = [await side(often) for side, often in zip((ours, theirs), times, strict=True)]
        if not math.isclose(turns[0].total, turns[1].total, rel_tol=1e-9):
            raise RuntimeError(f"the sides read {turns[0].total} and {turns[1].total}, not the same")
        for turn, costs in zip(turns, found, strict=True):
            costs.append(1e6 * turn.cpu_s / turn.points_count)
    return found


async def _open_line(clock: AdvancingClock, **more: Any) -> Any:
    section = registry.load_section("bacnet-ip")(
        kind="bacnet-ip", interface=_HOST, port=find_free_udp_port(), **more
    )
    line: Any = registry.load_factory("bacnet-ip", "bacnet").line("bus", section, clock)
    await line.open()
    return line


def generate_unrequested(invoke_id: int = 1) -> Iterator[tuple[str, bytes]]:
    """Datagrams as long as they may be, and what they are; nobody asked for them."""
    source = random.Random(7)  # noqa: S311 - bytes, no secret
    own = b"\x0c\x02\x00\x04\xd2\x1e" + b"".join(
        bytes((9, source.choice((75, 76, 77, 112)))) for _ in range(700)
    )
    bodies = {
        "an answer that came too late": encode_answer([1.5] * 90)[6:],
        "an answer to the library": b"\x30\xf0\x0e" + encode_answer([1.5] * 90)[9:],
        "a request for 700 properties of ours": bytes((2, 0x75, invoke_id, 14)) + own + b"\x1f",
        "a private transfer of tags": b"\x10\x04\x09\x01\x19\x01\x2e" + b"\x10" * 1460 + b"\x2f",
        "openings without end": b"\x10\x04\x09\x01\x19\x01" + b"\x2e" * 1460,
        "noise in an event": b"\x10\x03" + source.randbytes(1470),
        "noise in an answer": b"\x30\x01\x0e" + source.randbytes(1470),
        "a notification of 280 properties": b"\x10\x02\x09\x01\x1c\x02\x00\x00\x05\x2c\x00\x00\x00\x01"
        b"\x39\x01\x4e" + b"\x09\x55\x2e\x10\x2f" * 280 + b"\x4f",
    }
    for what, body in bodies.items():
        yield what, _wrap_npdu(b"\x01\x04" + body)
    networks = b"".join(number.to_bytes(2, "big") for number in range(1, 730))
    yield "a router to 729 networks", _wrap_npdu(b"\x01\x80\x01" + networks)


def _wrap_npdu(npdu: bytes) -> bytes:
    return b"\x81\x0a" + (4 + len(npdu)).to_bytes(2, "big") + npdu


async def _measure_hold(setting: Setting) -> Figure:
    """The most CPU that one datagram takes in one go, the library's part with it."""
    line = await _open_line(AdvancingClock(), device_id=1234)
    await line.library()
    worst_ms: list[float] = []
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((_HOST, 0))
            for number in range(setting.rounds):
                found = [
                    await _measure_longest_ms(line, stranger, data)
                    for _, data in generate_unrequested(number)
                ]
                worst_ms += [max(found)]
    finally:
        await line.close()
    return make_single_figure(
        "bacnet.hold",
        "the most that one datagram of any size holds the loop, CPU",
        worst_ms,
        "ms",
        HOLD_MAX_MS,
    )


async def _measure_longest_ms(line: Any, stranger: socket.socket, data: bytes) -> float:
    """The longest of the loop's next turns, in which the datagram is read."""
    stranger.sendto(data, (_HOST, line.bus.port))
    longest_s = 0.0
    for _ in range(_LOOP_TURNS):
        before_s = time.thread_time()
        await asyncio.sleep(0)
        longest_s = max(longest_s, time.thread_time() - before_s)
    return 1000 * longest_s
