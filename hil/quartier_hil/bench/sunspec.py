"""A whole SunSpec device against pysunspec2's client: registers per CPU second of a scan and of a poll.

The device is the rig's battery inverter of the second generation, in a process of its own: eight models.  A
scan finds them and reads every point; a poll reads every number again, here as a profile that names each.
"""

import asyncio
import json
import math
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.reader import parse_target
from quartier_drivers.sunspec import reader
from quartier_drivers.transport.event_loop import EventLoop
from quartier_hil import sunspec as served
from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.process import Process, python_path
from quartier_hil.bench.setting import Setting

DEVICE, UNIT = "battery-7xx", 1
PROFILE = "bench/everything"
_HELD = frozenset({"ID", "L"})  # what a scan knows and no poll asks for
FLOOR = 5.0
_PEER = "pysunspec2"
_TURN_S, _TURN_SHORT_S = 1.0, 0.3
_NUMBERS = re.compile(r"u?int|acc|enum|bitfield|float")
_HEAD = """\
[profile]
protocol = "sunspec"
maker = "Bench"
model = "everything"
source = "made for a measurement: every point of every model"

[scan]
fast = 1.0
"""


class Stepping:
    """A clock that goes as all do, and can be put forward to the moment when a driver is due next."""

    def __init__(self) -> None:
        self._ahead_ns = 0

    def now_ns(self) -> int:
        """Return the plant time in ns."""
        return time.monotonic_ns() + self._ahead_ns

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds``."""
        await asyncio.sleep(seconds)

    def step_to(self, due_ns: int) -> None:
        """It is not before ``due_ns``."""
        self._ahead_ns += max(0, due_ns - self.now_ns())


@dataclass(frozen=True, slots=True)
class Turn:
    """CPU time of one side, and the registers that it read."""

    cpu_s: float
    words_count: int

    @property
    def rate(self) -> float:
        """Registers per CPU second."""
        return self.words_count / self.cpu_s


def named(path: str) -> str:
    """A point's name in a profile: groups and models of one number are counted from 1 there."""
    counted = re.sub(r"\[(\d+)\]", lambda found: f"[{int(found[1]) + 1}]", path)
    return re.sub(r"#(\d+)", lambda found: f"#{int(found[1]) + 1}", counted)


def quantities() -> Iterator[tuple[str, str]]:
    """A quantity for each point of the device that holds a number, with the point's name."""
    image = served.made(DEVICE, ()).image
    for at, cell in enumerate(image):
        if _NUMBERS.match(cell.point.kind) and cell.point.name not in _HELD:
            yield f"p{at}_w", named(cell.path)


def write(folder: Path) -> int:
    """Write the profile of everything below ``folder``; returns how many points it has."""
    place = folder / f"{PROFILE}.toml"
    place.parent.mkdir(parents=True, exist_ok=True)
    points = list(quantities())
    rows = (f'[points.{quantity}]\nsource = "{source}"\nscan = "fast"\n' for quantity, source in points)
    place.write_text("\n".join([_HEAD, *rows]))
    return len(points)


def figures(setting: Setting) -> list[Figure]:
    """Both figures.  Raises AbsentError where the peer cannot be installed."""
    folder = setting.scratch("sunspec")
    python = setting.cache.library(_PEER)
    with together():
        return _run(folder, python, setting)


@contextmanager
def together() -> Iterator[None]:
    """Keep this process, and those that it starts, on one processor.

    A request to a device on another one also pays for waking that up, which in a virtual machine is dear; no
    device on a network costs that.
    """
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _run(folder: Path, python: Path, setting: Setting) -> list[Figure]:
    server = [sys.executable, "-m", "quartier_hil.cli", "sunspec", DEVICE, "--tcp", "0"]
    with Process(server, folder / "server.log", env={"PYTHONPATH": python_path()}, talks=True) as device:
        port = int(device.line().rpartition(":")[2])
        script = str(Path(__file__).with_name("scanning.py"))
        # The loop is the daemon's.
        with (
            Process([str(python), script, str(port), str(UNIT)], folder / "peer.log", talks=True) as peer,
            asyncio.Runner(loop_factory=EventLoop) as runner,
        ):
            return runner.run(_measured(port, folder, peer, setting))


async def _measured(port: int, folder: Path, peer: Process, setting: Setting) -> list[Figure]:
    words_count = sum(length + 2 for _, _, length in served.made(DEVICE, ()).image.models)

    place = parse_target(f"tcp://127.0.0.1:{port}?unit={UNIT}")

    async def scan(times: int) -> int:  # waits for its socket as the peer does: nothing else is going on
        scans = [reader.read_device(place) for _ in range(times)]
        return sum(one.found.length + 2 for told in scans for one in told.chapters)

    line, driver, clock = await _opened(port, folder)
    points_count = len(driver.points)

    async def poll(times: int) -> int:
        read = 0
        while read < times * points_count:
            clock.step_to(driver.due_ns)
            read += len(await driver.read())
            for readings in driver.rest():  # as the daemon's bus does
                read += len(readings)
        return times * words_count

    try:
        return [
            await _figure("scan", "find the models and read every point of a device", scan, peer, setting),
            await _figure("poll", "read every point of a device again", poll, peer, setting),
        ]
    finally:
        await driver.close()
        await line.close()


async def _opened(port: int, folder: Path) -> tuple[Any, Any, Stepping]:
    """A driver for everything, with what it tells once already told."""
    write(folder)
    section = registry.load_section("modbus-tcp")(
        kind="modbus-tcp", host="127.0.0.1", port=port, timeout_s=10.0
    )
    everything, clock = loading.load_profile(PROFILE, [folder]), Stepping()
    door = registry.load_factory("modbus-tcp", everything.head.protocol)
    line = door.line("bus", section, clock)
    driver: Any = door.driver(line, DeviceSpec("device", UNIT, {"": "device"}), everything, clock)
    driver.go_on(lambda: False)  # as the daemon's bus does; nothing is written here
    await driver.open()
    await driver.read()
    return line, driver, clock


async def _figure(
    name: str, what: str, ours: Callable[[int], Awaitable[int]], peer: Process, setting: Setting
) -> Figure:
    turn_s = _TURN_SHORT_S if setting.short else _TURN_S

    async def mine(times: int) -> Turn:
        before_s = time.process_time()
        words_count = await ours(times)
        return Turn(time.process_time() - before_s, words_count)

    async def theirs(times: int) -> Turn:
        return asked(peer, f"{name} {times}")

    sides = (mine, theirs)
    # A first pass of each tells how many fill a turn, and warms up.
    times = [max(1, math.ceil(turn_s / max(1e-6, (await side(1)).cpu_s))) for side in sides]
    rates: tuple[list[float], list[float]] = ([], [])
    counts: set[int] = set()
    turns = list(zip(sides, times, rates, strict=True))
    for number in range(setting.rounds):
        for side, often, found in turns[:: -1 if number % 2 else 1]:  # who comes first is a little quicker
            turn = await side(often)
            counts.add(turn.words_count // often)
            found.append(turn.rate / 1000)
    checked(counts)
    what = f"{what}: thousand registers per CPU second"
    return against(f"sunspec.{name}", what, *rates, "k/s", FLOOR, "more", peer_name=_PEER)


def asked(peer: Process, order: str) -> Turn:
    """A turn of the peer.  Raises RuntimeError where it fell."""
    answer = peer.ask(order)
    if not answer:
        raise RuntimeError(f"{_PEER} gave no answer to {order!r}")
    told: Sequence[Any] = json.loads(answer)
    return Turn(float(told[0]), int(told[1]))


def checked(counts: set[int]) -> None:
    """Raises RuntimeError where the sides did not read the same."""
    if len(counts) != 1:
        raise RuntimeError(f"the sides read {sorted(counts)} registers, not the same")
