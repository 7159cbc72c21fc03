"""How few requests a site takes: 200 points in ten devices of ten makers' maps, against one request a point."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from quartier_drivers import profile, registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.line import LoopClock
from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting

# What stands in a building of a district: its meters, and what is steered.
PROFILES = (
    "eastron/sdm630",
    "carlo-gavazzi/em24",
    "janitza/umg604",
    "siemens/pac2200",
    "schneider/iem3155",
    "abb/b23",
    "fronius/inverter_float",
    "eastron/sdm72d_m2",
    "victron/gx",
    "keba/p30",
)
POINTS = 200
_ANSWER_S = 0.005


def figures(setting: Setting) -> list[Figure]:
    """Requests a cycle, and how long a cycle takes when each answer takes 5 ms.  Raises AbsentError."""
    argv = [setting.cache.compiled("registers"), "1", str(round(_ANSWER_S * 1e6))]
    with Process(argv, setting.folder / "requests.log", talks=True) as server:
        return asyncio.run(_measured(int(server.line()), setting))


def devices() -> list[tuple[DeviceSpec, Any]]:
    """The ten devices with their profiles, 200 points in all: the first of each map, in turn."""
    loaded = [profile.load(name) for name in PROFILES]
    wanted: list[dict[str, set[str]]] = [{} for _ in loaded]
    waiting = [_quantities(one) for one in loaded]
    left = POINTS
    while left:
        before = left
        for at, source in enumerate(waiting):
            if left and (found := next(source, None)) is not None:
                wanted[at].setdefault(found[0], set()).add(found[1])
                left -= 1
        if before == left:
            raise RuntimeError(f"the maps hold only {POINTS - left} points that can be read")
    return [
        (
            DeviceSpec(
                f"device{at}",
                at + 1,
                {part: f"asset{at}x{number}" for number, part in enumerate(parts)},
                {part: frozenset(names) for part, names in parts.items()},
            ),
            loaded[at],
        )
        for at, parts in enumerate(wanted)
    ]


def _quantities(one: Any) -> Iterator[tuple[str, str]]:
    for part, points in one.parts.items():
        for name, point in points.items():
            if point.write is None:
                yield part, name


async def _measured(port: int, setting: Setting) -> list[Figure]:
    clock = LoopClock()
    section = registry.section("modbus-tcp")(kind="modbus-tcp", host="127.0.0.1", port=port)
    door = registry.door("modbus-tcp")
    line = door.line("bus", section, clock)
    drivers = [door.driver(line, spec, loaded, clock) for spec, loaded in devices()]
    blocks = sum(one.requests_count for one in drivers if isinstance(one, ModbusDriver))
    taken_s = []
    try:
        await line.open()
        for _ in range(setting.rounds):
            fresh = [door.driver(line, spec, loaded, clock) for spec, loaded in devices()]
            started_s = time.monotonic()
            for one in fresh:
                while one.due_ns <= clock.now_ns():
                    await one.read()
            taken_s.append(time.monotonic() - started_s)
    finally:
        await line.close()
    return [
        against(
            "requests.count",
            f"requests a cycle for {POINTS} points in {len(PROFILES)} devices",
            [float(blocks)],
            [float(POINTS)],
            "",
            1 / 15,
            peer_name="one a point",
        ),
        against(
            "requests.cycle",
            "a cycle when each answer takes 5 ms",
            [1000 * one for one in taken_s],
            [1000 * blocks * _ANSWER_S] * len(taken_s),
            "ms",
            1.15,
            peer_name="blocks × 5 ms",
        ),
    ]
