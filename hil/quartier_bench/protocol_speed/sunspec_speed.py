"""SunSpec: registers per CPU second of a scan and of a poll against the client of pysunspec2.

The device is the battery inverter of the second generation of the rig, in its own process: eight models.
A
scan finds them and reads every point; a poll reads every number again, by a profile that names each.
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

from quartier_bench.measured_process import Process, find_python_path
from quartier_bench.speed.measurement import Figure, Setting, make_comparison
from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.discovery.reader import parse_target
from quartier_drivers.sunspec import reader
from quartier_drivers.transport.event_loop import EventLoop
from quartier_hil.cli import device_commands as served

DEVICE, UNIT = "battery-7xx", 1
PROFILE = "bench/everything"
_SCAN_ONLY_POINTS = frozenset({"ID", "L"})  # what a scan knows and no poll asks for
RATIO_FLOOR = 5.0
_PEER = "pysunspec2"
_TURN_S, _TURN_SHORT_S = 1.0, 0.3
_NUMBER_TYPES = re.compile(r"u?int|acc|enum|bitfield|float")
_HEAD = """\
[profile]
protocol = "sunspec"
maker = "Bench"
model = "everything"
source = "made for a measurement: every point of every model"

[scan]
fast = 1.0
"""


class AdvancingClock:
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
class TurnResult:
    """CPU time of one side, and the registers that it read."""

    cpu_s: float
    words_count: int

    @property
    def rate(self) -> float:
        """Registers per CPU second."""
        return self.words_count / self.cpu_s


def name_point(path: str) -> str:
    """A point's name in a profile: groups and models of one number are counted from 1 there."""
    counted = re.sub(r"\[(\d+)\]", lambda found: f"[{int(found[1]) + 1}]", path)
    return re.sub(r"#(\d+)", lambda found: f"#{int(found[1]) + 1}", counted)


def list_quantities() -> Iterator[tuple[str, str]]:
    """A quantity for each point of the device that holds a number, with the point's name."""
    image = served.make_sunspec_device(DEVICE, ()).image
    for at, cell in enumerate(image):
        if _NUMBER_TYPES.match(cell.point.kind) and cell.point.name not in _SCAN_ONLY_POINTS:
            yield f"p{at}_w", name_point(cell.path)


def write_profile(folder: Path) -> int:
    """Write the profile of everything below ``folder``; returns how many points it has."""
    place = folder / f"{PROFILE}.toml"
    place.parent.mkdir(parents=True, exist_ok=True)
    points = list(list_quantities())
    rows = (f'[points.{quantity}]\nsource = "{source}"\nscan = "fast"\n' for quantity, source in points)
    place.write_text("\n".join([_HEAD, *rows]))
    return len(points)


def measure_sunspec(setting: Setting) -> list[Figure]:
    """Both figures.  Raises AbsentError where the peer cannot be installed."""
    folder = setting.make_scratch_folder("sunspec")
    python = setting.cache.library(_PEER)
    with pin_to_one_core():
        return _run_device_and_peer(folder, python, setting)


@contextmanager
def pin_to_one_core() -> Iterator[None]:
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


def _run_device_and_peer(folder: Path, python: Path, setting: Setting) -> list[Figure]:
    server = [sys.executable, "-m", "quartier_hil.cli", "sunspec", DEVICE, "--tcp", "0"]
    with Process(server, folder / "server.log", env={"PYTHONPATH": find_python_path()}, talks=True) as device:
        port = int(device.line().rpartition(":")[2])
        script = str(Path(__file__).parents[1] / "peers" / "pysunspec2_client.py")
        # The loop is the daemon's.
        with (
            Process([str(python), script, str(port), str(UNIT)], folder / "peer.log", talks=True) as peer,
            asyncio.Runner(loop_factory=EventLoop) as runner,
        ):
            return runner.run(_measure_rounds(port, folder, peer, setting))


async def _measure_rounds(port: int, folder: Path, peer: Process, setting: Setting) -> list[Figure]:
    words_count = sum(length + 2 for _, _, length in served.make_sunspec_device(DEVICE, ()).image.models)

    place = parse_target(f"tcp://127.0.0.1:{port}?unit={UNIT}")

    async def scan(times: int) -> int:  # waits for its socket as the peer does: nothing else is going on
        scans = [reader.read_device(place) for _ in range(times)]
        return sum(one.found.length + 2 for report in scans for one in report.models)

    line, driver, clock = await _open_driver(port, folder)
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
            await _measure_figure(
                "scan", "find the models and read every point of a device", scan, peer, setting
            ),
            await _measure_figure("poll", "read every point of a device again", poll, peer, setting),
        ]
    finally:
        await driver.close()
        await line.close()


async def _open_driver(port: int, folder: Path) -> tuple[Any, Any, AdvancingClock]:
    """A driver for everything, with what it tells once already told."""
    write_profile(folder)
    section = registry.load_section("modbus-tcp")(
        kind="modbus-tcp", host="127.0.0.1", port=port, timeout_s=10.0
    )
    everything, clock = loading.load_profile(PROFILE, [folder]), AdvancingClock()
    factory = registry.load_factory("modbus-tcp", everything.head.protocol)
    line = factory.line("bus", section, clock)
    driver: Any = factory.driver(line, DeviceSpec("device", UNIT, {"": "device"}), everything, clock)
    driver.go_on(lambda: False)  # as the daemon's bus does; nothing is written here
    await driver.open()
    await driver.read()
    return line, driver, clock


async def _measure_figure(
    name: str, what: str, ours: Callable[[int], Awaitable[int]], peer: Process, setting: Setting
) -> Figure:
    turn_s = _TURN_SHORT_S if setting.short else _TURN_S

    async def mine(times: int) -> TurnResult:
        before_s = time.process_time()
        words_count = await ours(times)
        return TurnResult(time.process_time() - before_s, words_count)

    async def theirs(times: int) -> TurnResult:
        return ask_peer(peer, f"{name} {times}")

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
    check_counts(counts)
    what = f"{what}: thousand registers per CPU second"
    return make_comparison(f"sunspec.{name}", what, *rates, "k/s", RATIO_FLOOR, "more", peer_name=_PEER)


def ask_peer(peer: Process, order: str) -> TurnResult:
    """A turn of the peer.  Raises RuntimeError where it fell."""
    answer = peer.ask(order)
    if not answer:
        raise RuntimeError(f"{_PEER} gave no answer to {order!r}")
    results: Sequence[Any] = json.loads(answer)
    return TurnResult(float(results[0]), int(results[1]))


def check_counts(counts: set[int]) -> None:
    """Raises RuntimeError where the sides did not read the same."""
    if len(counts) != 1:
        raise RuntimeError(f"the sides read {sorted(counts)} registers, not the same")
