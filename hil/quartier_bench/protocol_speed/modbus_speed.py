"""Modbus TCP: registers per CPU second of the driver path, and the number of requests for 200 points in
ten devices.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pymodbus.client import AsyncModbusTcpClient

from quartier_bench.measured_process import Process
from quartier_bench.speed import site_files
from quartier_bench.speed.measurement import Figure, Setting, make_comparison
from quartier_drivers import registry
from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.transport.event_loop import EventLoop, LoopClock

_DRIVER_REGISTERS, _BLOCK_REGISTERS = 500, 125
_REQUESTS, _REQUESTS_SHORT = 2_000, 500
_CLOCK_FACTOR = 1_000_000


class FastClock:
    """A clock so fast that every block of every device is due again at once."""

    def now_ns(self) -> int:
        """Nanoseconds of a very fast house."""
        return time.monotonic_ns() * _CLOCK_FACTOR

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of it."""
        await asyncio.sleep(seconds / _CLOCK_FACTOR)


def measure_driver(setting: Setting) -> list[Figure]:
    """Registers per CPU second of this process, to ``Readings`` and undecoded.  Raises AbsentError."""
    argv = [setting.cache.compile_source("registers"), "1"]
    # The loop is the daemon's.
    with (
        Process(argv, setting.folder / "driver.log", talks=True) as server,
        asyncio.Runner(loop_factory=EventLoop) as runner,
    ):
        return runner.run(_measure_driver_rounds(int(server.line()), setting))


async def _measure_driver_rounds(port: int, setting: Setting) -> list[Figure]:
    requests = _REQUESTS_SHORT if setting.short else _REQUESTS
    folder = setting.make_scratch_folder("driver")
    site_files.write_site(folder, [port], _DRIVER_REGISTERS)
    section = registry.load_section("modbus-tcp")(kind="modbus-tcp", host="127.0.0.1", port=port)
    clock, factory = FastClock(), registry.load_factory("modbus-tcp")
    line = factory.line("bus", section, clock)
    device = DeviceSpec("device", 1, {"": "meter"})
    driver: Any = factory.driver(
        line, device, loading.load_profile(site_files.PROFILE, [folder / "profiles"]), clock
    )
    driver.go_on(lambda: False)  # as the daemon's bus does; nothing is written here
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    await driver.open()

    async def ours() -> int:
        read = 0
        while read < requests * _BLOCK_REGISTERS:
            read += len(await driver.read())
            for readings in driver.rest():  # as the daemon's bus does
                read += len(readings)
        return read

    async def plain() -> int:
        return await _read_plain(client, requests)

    mine, theirs = [], []
    try:
        for number in range(setting.rounds + 1):
            pair = [await _measure_per_cpu_s(ours), await _measure_per_cpu_s(plain)]
            if number:  # the first round warms both up
                mine.append(pair[0])
                theirs.append(pair[1])
    finally:
        client.close()
        await driver.close()
        await line.close()
    what = "registers read per CPU second, to Readings, blocks of 125"
    return [
        make_comparison(
            "driver.registers", what, mine, theirs, "1/s", 1.0, "more", peer_name="pymodbus undecoded"
        )
    ]


async def _read_plain(client: Any, requests: int) -> int:
    read = 0
    for number in range(requests):
        start = _BLOCK_REGISTERS * (number % (_DRIVER_REGISTERS // _BLOCK_REGISTERS))
        answer = await client.read_holding_registers(start, count=_BLOCK_REGISTERS, device_id=1)
        read += len(answer.registers)
    return read


async def _measure_per_cpu_s(work: Callable[[], Awaitable[int]]) -> float:
    before_s = time.process_time()
    done = await work()
    return done / (time.process_time() - before_s)


# What stands in a building: makers' maps as they are, for what they are worth.
MAKER_PROFILES = (
    "eastron/sdm630",
    "carlo-gavazzi/em24",
    "janitza/umg604",
    "siemens/pac2200",
    "abb/b23",
    "alfen/ng9xx",
    "lambda/eureka",
    "victron/gx",
    "wago/750",
    "waveshare/io8",
)
DEVICES, POINTS = 10, 200
_ANSWER_S = 0.005
_MINUTE_S = 60
_METER_PROFILE = "bench/twenty"
_METER_HEAD = """\
[profile]
protocol = "modbus"
maker = "Bench"
model = "20 points"
source = "made for a measurement, laid out as Eastron's SDM630 Modbus protocol has its input registers"
[limits]
block_max = 80
gap_max = 34
"""
_METER_POINT = """
[points.{name}]
register = "input:{at}"
type = "float32"
scan = "{scan}"
"""
_PHASE_REGISTERS = (("voltage", "v", 0), ("current", "a", 6), ("power", "w", 12), ("apparent", "va", 18))
_TOTAL_REGISTERS = {"reactive_l1_var": 24, "reactive_l2_var": 26, "reactive_l3_var": 28}
_TOTAL_REGISTERS |= {"power_w": 52, "apparent_va": 56, "reactive_var": 60, "frequency_hz": 70}


def render_meter_profile() -> str:
    """The TOML of a meter of 20 points: 19 each second, its energy each minute."""
    fast = {
        f"{kind}_l{phase}_{unit}": start + 2 * (phase - 1)
        for kind, unit, start in _PHASE_REGISTERS
        for phase in (1, 2, 3)
    }
    rows = [
        _METER_POINT.format(name=name, at=at, scan="fast") for name, at in (fast | _TOTAL_REGISTERS).items()
    ]
    return _METER_HEAD + "".join(rows) + _METER_POINT.format(name="energy_import_wh", at=72, scan="slow")


class ManualClock:
    """A clock that stands until it is told to go on; waiting on it is no wait."""

    def __init__(self) -> None:
        self.second = 0

    def now_ns(self) -> int:
        """Nanoseconds of the second that it shows."""
        return self.second * 1_000_000_000

    async def sleep(self, _seconds: float) -> None:
        """Go on at once."""
        await asyncio.sleep(0)


def measure_requests(setting: Setting) -> list[Figure]:
    """Requests against points, and the time of a cycle when each answer takes 5 ms.  Raises AbsentError."""
    place = setting.make_scratch_folder("requests")
    (place / "bench").mkdir()
    (place / f"{_METER_PROFILE}.toml").write_text(render_meter_profile())
    program, log = setting.cache.compile_source("registers"), setting.folder / "requests.log"
    loaded = {name: loading.load_profile(name, [place]) for name in {_METER_PROFILE, *MAKER_PROFILES}}
    meters = [loaded[_METER_PROFILE]] * DEVICES
    mixed = [loaded[name] for name in MAKER_PROFILES]
    with Process([program, "1"], log, talks=True) as server:
        port = int(server.line())
        counted = [asyncio.run(_count_requests(port, maps)) for maps in (meters, mixed)]
    with Process([program, "1", str(round(_ANSWER_S * 1e6))], log, talks=True) as server:
        blocks, taken_s = asyncio.run(_measure_cycles(int(server.line()), meters, setting.rounds))
    what = f"requests in a minute, {POINTS} points in {DEVICES} meters"
    text = f"the same, {len(MAKER_PROFILES)} makers' maps as they are"
    return [
        _compare_requests("requests.count", what, counted[0], 1 / 15),
        _compare_requests("requests.mixed", text, counted[1], None),
        make_comparison(
            "requests.cycle",
            "all blocks once, each answer takes 5 ms",
            [1000 * one for one in taken_s],
            [1000 * blocks * _ANSWER_S] * len(taken_s),
            "ms",
            1.15,
            peer_name="blocks × 5 ms",
        ),
    ]


def _compare_requests(name: str, what: str, counted: tuple[float, float], floor: float | None) -> Figure:
    return make_comparison(name, what, [counted[0]], [counted[1]], "", floor, peer_name="one request a point")


def _make_line(port: int, clock: Clock) -> Any:
    section = registry.load_section("modbus-tcp")(kind="modbus-tcp", host="127.0.0.1", port=port)
    return registry.load_factory("modbus-tcp").line("bus", section, clock)


async def _count_requests(port: int, maps: Sequence[Any]) -> tuple[float, float]:
    """Requests made and points told in a minute of scan classes."""
    clock = ManualClock()
    line = _make_line(port, clock)
    drivers = [
        ModbusDriver(line, spec, one, clock) for spec, one in zip(_make_device_specs(maps), maps, strict=True)
    ]
    points = 0
    try:
        await line.open()
        for second in range(_MINUTE_S):
            clock.second = second
            for one in drivers:
                while one.due_ns <= clock.now_ns():
                    points += len(await one.read())
        return line.stats["requests_count"], float(points)
    finally:
        await line.close()


async def _measure_cycles(port: int, maps: Sequence[Any], rounds: int) -> tuple[int, list[float]]:
    """Return the number of blocks, and the seconds to read them all in each round."""
    clock = LoopClock()
    line = _make_line(port, clock)
    taken_s = []
    blocks = 0
    try:
        await line.open()
        for _ in range(rounds):
            pairs = zip(_make_device_specs(maps), maps, strict=True)
            drivers = [ModbusDriver(line, spec, one, clock) for spec, one in pairs]
            blocks = sum(len(one.jobs) for one in drivers)
            started_s = time.monotonic()
            for one in drivers:
                for _ in range(len(one.jobs)):
                    await one.read()
            taken_s.append(time.monotonic() - started_s)
    finally:
        await line.close()
    return blocks, taken_s


def _make_device_specs(loaded: Sequence[Any]) -> list[DeviceSpec]:
    return [
        DeviceSpec(
            f"device{at}", at + 1, {part: f"asset{at}x{number}" for number, part in enumerate(one.parts)}
        )
        for at, one in enumerate(loaded)
    ]
