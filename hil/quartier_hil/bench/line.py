"""An RS-485 line at its own pace: how much of the wire is used, at which distance frames go, at which CPU.

By long reads, where an answer takes nearly all the time, and by the short ones of many small devices, where
each exchange ends before it has well begun: whatever is late there is late ten times as often.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from pymodbus.client import AsyncModbusSerialClient

from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.transport.event_loop import LoopClock
from quartier_hil.bench import site
from quartier_hil.bench.figure import Figure, against, alone
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting

BAUDS = (9_600, 19_200)
_SILENCE = 3.5
# A read of all units takes longer than this: each is due again as soon as its turn has come.
_PERIOD_S = 0.05


@dataclass(frozen=True, slots=True)
class Kind:
    """Reads of so many registers, of so many units by turns.

    ``prefix`` is that of the figures' names; a round makes ``reads`` of them, or ``reads_short``; ``cpu_max``
    is the most CPU of a read, by that of pymodbus.
    """

    prefix: str
    registers: int
    units: int
    reads: int
    reads_short: int
    cpu_max: float

    @property
    def what(self) -> str:
        """Name of the figure, for a person."""
        return f"reads of {self.registers} registers"


LONG = Kind("", 125, 1, 20, 6, 1 / 3)
# The silence before a frame costs a wake-up that pymodbus does not have, and here there are few others.
SHORT = Kind("short_", 2, 8, 120, 40, 1.0)


@dataclass(slots=True)
class Side:
    """One side of a comparison: ``read`` makes the next read."""

    read: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


def figures(setting: Setting) -> list[Figure]:
    """Share of the wire's limit, the earliest frame, CPU against pymodbus.  Raises AbsentError."""
    found = []
    for kind in (LONG, SHORT):
        for baud in BAUDS:
            argv = [setting.cache.compiled("wire"), str(baud), str(kind.units)]
            with Process(argv, setting.folder / "line.log", talks=True) as wire:
                found += asyncio.run(_measured(kind, baud, wire, setting))
    return found


async def _measured(kind: Kind, baud: int, wire: Process, setting: Setting) -> list[Figure]:
    port, reads = wire.line(), kind.reads_short if setting.short else kind.reads
    folder = setting.scratch("line")
    site.write(folder, [1], kind.registers, period_s=_PERIOD_S)
    shares, gaps, mine, theirs = [], [], [], []
    for number in range(setting.rounds):
        setting.say(f"{kind.what} at {baud} baud, round {number + 1}")
        side = await _ours(kind, baud, port, folder)
        mine.append(await _cpu_ms(side, wire, kind, reads))
        heard = wire.count()
        shares.append(heard["line_s"] / (heard["line_s"] + heard["idle_s"]))
        gaps.append(heard["gap_min"])
        theirs.append(await _cpu_ms(await _plain(kind, baud, port), wire, kind, reads))
    at, name = f"{kind.what} at {baud} baud", f"{kind.prefix}{{}}_{baud}"
    share, gap, cpu = (f"line.{name.format(what)}" for what in ("share", "gap", "cpu"))
    return [
        alone(share, f"use of a line by {at}, the wire's limit is 1", shares, "", 0.985, "more"),
        alone(gap, f"earliest frame after an answer, {at}", [min(gaps)], "characters", _SILENCE, "more"),
        against(cpu, f"CPU a read, {at}", mine, theirs, "ms", kind.cpu_max, peer_name="pymodbus serial"),
    ]


async def _ours(kind: Kind, baud: int, port: str, folder: Path) -> Side:
    """A driver for each unit on one line."""
    section = registry.load_section("modbus-rtu")(kind="modbus-rtu", port=port, baud=baud, timeout_s=3.0)
    clock, door = LoopClock(), registry.load_factory("modbus-rtu")
    line = door.line("line", section, clock)
    loaded = loading.load_profile(site.PROFILE, [folder / "profiles"])
    drivers: list[Any] = [
        door.driver(line, DeviceSpec(f"device{unit}", unit, {"": f"meter{unit}"}), loaded, clock)
        for unit in range(1, kind.units + 1)
    ]
    turns = cycle(drivers)

    async def read() -> None:
        driver = next(turns)
        while not len(await driver.read()):  # noqa: ASYNC110 - what is waited for is time
            await asyncio.sleep(0)

    async def close() -> None:
        for driver in drivers:
            await driver.close()
        await line.close()

    await line.open()
    return Side(read, close)


async def _plain(kind: Kind, baud: int, port: str) -> Side:
    """The same of the same units by pymodbus."""
    client = AsyncModbusSerialClient(port, baudrate=baud, timeout=3)
    await client.connect()
    turns = cycle(range(1, kind.units + 1))

    async def read() -> None:
        await client.read_holding_registers(0, count=kind.registers, device_id=next(turns))

    async def close() -> None:
        client.close()

    return Side(read, close)


async def _cpu_ms(side: Side, wire: Process, kind: Kind, reads: int) -> float:
    """CPU of this process a read; the first of each unit, not counted, brings everything up."""
    for _ in range(kind.units):
        await side.read()
    wire.ask("reset")
    before_s = time.process_time()
    for _ in range(reads):
        await side.read()
    spent_ms = 1000 * (time.process_time() - before_s) / reads
    await side.close()
    return spent_ms
