"""Count the requests of a site with 200 points in ten devices, against one request per point."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from quartier_drivers import registry
from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.transport.event_loop import LoopClock
from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting

# What stands in a building: makers' maps as they are, for what they are worth.
MIXED = (
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
_METER = "bench/twenty"
_HEAD = """\
[profile]
protocol = "modbus"
maker = "Bench"
model = "20 points"
source = "made for a measurement, laid out as Eastron's SDM630 Modbus protocol has its input registers"
[limits]
block_max = 80
gap_max = 34
"""
_POINT = """
[points.{name}]
register = "input:{at}"
type = "float32"
scan = "{scan}"
"""
_PHASES = (("voltage", "v", 0), ("current", "a", 6), ("power", "w", 12), ("apparent", "va", 18))
_TOTALS = {"reactive_l1_var": 24, "reactive_l2_var": 26, "reactive_l3_var": 28}
_TOTALS |= {"power_w": 52, "apparent_va": 56, "reactive_var": 60, "frequency_hz": 70}


def meter() -> str:
    """The TOML of a meter of 20 points: 19 each second, its energy each minute."""
    fast = {
        f"{kind}_l{phase}_{unit}": start + 2 * (phase - 1)
        for kind, unit, start in _PHASES
        for phase in (1, 2, 3)
    }
    rows = [_POINT.format(name=name, at=at, scan="fast") for name, at in (fast | _TOTALS).items()]
    return _HEAD + "".join(rows) + _POINT.format(name="energy_import_wh", at=72, scan="slow")


class Stepped:
    """A clock that stands until it is told to go on; waiting on it is no wait."""

    def __init__(self) -> None:
        self.second = 0

    def now_ns(self) -> int:
        """Nanoseconds of the second that it shows."""
        return self.second * 1_000_000_000

    async def sleep(self, _seconds: float) -> None:
        """Go on at once."""
        await asyncio.sleep(0)


def figures(setting: Setting) -> list[Figure]:
    """Requests against points, and the time of a cycle when each answer takes 5 ms.  Raises AbsentError."""
    place = setting.scratch("requests")
    (place / "bench").mkdir()
    (place / f"{_METER}.toml").write_text(meter())
    program, log = setting.cache.compiled("registers"), setting.folder / "requests.log"
    loaded = {name: loading.load_profile(name, [place]) for name in {_METER, *MIXED}}
    meters = [loaded[_METER]] * DEVICES
    mixed = [loaded[name] for name in MIXED]
    with Process([program, "1"], log, talks=True) as server:
        port = int(server.line())
        counted = [asyncio.run(_minute(port, maps)) for maps in (meters, mixed)]
    with Process([program, "1", str(round(_ANSWER_S * 1e6))], log, talks=True) as server:
        blocks, taken_s = asyncio.run(_cycles(int(server.line()), meters, setting.rounds))
    what = f"requests in a minute, {POINTS} points in {DEVICES} meters"
    told = f"the same, {len(MIXED)} makers' maps as they are"
    return [
        _judged("requests.count", what, counted[0], 1 / 15),
        _judged("requests.mixed", told, counted[1], None),
        against(
            "requests.cycle",
            "all blocks once, each answer takes 5 ms",
            [1000 * one for one in taken_s],
            [1000 * blocks * _ANSWER_S] * len(taken_s),
            "ms",
            1.15,
            peer_name="blocks × 5 ms",
        ),
    ]


def _judged(name: str, what: str, counted: tuple[float, float], floor: float | None) -> Figure:
    return against(name, what, [counted[0]], [counted[1]], "", floor, peer_name="one request a point")


def _line(port: int, clock: Clock) -> Any:
    section = registry.load_section("modbus-tcp")(kind="modbus-tcp", host="127.0.0.1", port=port)
    return registry.load_factory("modbus-tcp").line("bus", section, clock)


async def _minute(port: int, maps: Sequence[Any]) -> tuple[float, float]:
    """Requests made and points told in a minute of scan classes."""
    clock = Stepped()
    line = _line(port, clock)
    drivers = [ModbusDriver(line, spec, one, clock) for spec, one in zip(_specs(maps), maps, strict=True)]
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


async def _cycles(port: int, maps: Sequence[Any], rounds: int) -> tuple[int, list[float]]:
    """Return the number of blocks, and the seconds to read them all in each round."""
    clock = LoopClock()
    line = _line(port, clock)
    taken_s = []
    blocks = 0
    try:
        await line.open()
        for _ in range(rounds):
            pairs = zip(_specs(maps), maps, strict=True)
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


def _specs(loaded: Sequence[Any]) -> list[DeviceSpec]:
    return [
        DeviceSpec(
            f"device{at}", at + 1, {part: f"asset{at}x{number}" for number, part in enumerate(one.parts)}
        )
        for at, one in enumerate(loaded)
    ]
