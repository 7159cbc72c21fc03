"""An RS-485 line at its own pace: how much of the wire is used, at which distance frames go, at which CPU."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pymodbus.client import AsyncModbusSerialClient

from quartier_drivers import profile, registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.modbus.line import LoopClock
from quartier_hil.bench import site
from quartier_hil.bench.figure import Figure, against, alone
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting

BAUDS = (9_600, 19_200)
_REGISTERS = 125
_READS, _READS_SHORT = 20, 6
_SILENCE = 3.5
# A read of its block takes longer than this: it is due again as soon as it came.
_PERIOD_S = 0.1


def figures(setting: Setting) -> list[Figure]:
    """Share of the wire's limit, the earliest frame, CPU against pymodbus.  Raises AbsentError."""
    found = []
    for baud in BAUDS:
        argv = [setting.cache.compiled("wire"), str(baud), "1"]
        with Process(argv, setting.folder / "line.log", talks=True) as wire:
            found += asyncio.run(_measured(baud, wire, setting))
    return found


async def _measured(baud: int, wire: Process, setting: Setting) -> list[Figure]:
    port, reads = wire.line(), _READS_SHORT if setting.short else _READS
    folder = setting.scratch("line")
    site.write(folder, [1], _REGISTERS, period_s=_PERIOD_S)
    section = registry.section("modbus-rtu")(kind="modbus-rtu", port=port, baud=baud, timeout_s=3.0)
    clock, door = LoopClock(), registry.door("modbus-rtu")
    shares, gaps, mine, theirs = [], [], [], []
    for number in range(setting.rounds):
        setting.say(f"{baud} baud, round {number + 1}")
        line = door.line("line", section, clock)
        loaded = profile.load(site.PROFILE, [folder / "profiles"])
        driver = door.driver(line, DeviceSpec("device", 1, {"": "meter"}), loaded, clock)

        async def ours(driver: Any = driver) -> None:
            while not len(await driver.read()):  # noqa: ASYNC110 - what is waited for is time
                await asyncio.sleep(0)

        await line.open()
        mine.append(await _cpu_s(ours, wire, reads))
        await driver.close()
        await line.close()
        heard = wire.count()
        shares.append(heard["line_s"] / (heard["line_s"] + heard["idle_s"]))
        gaps.append(heard["gap_min"])
        client = AsyncModbusSerialClient(port, baudrate=baud, timeout=3)
        await client.connect()

        async def plain(client: Any = client) -> None:
            await client.read_holding_registers(0, count=_REGISTERS, device_id=1)

        theirs.append(await _cpu_s(plain, wire, reads))
        client.close()
    at = f"at {baud} baud"
    return [
        alone(f"line.share_{baud}", f"use of a line {at}, the wire's limit is 1", shares, "", 0.985, "more"),
        alone(
            f"line.gap_{baud}",
            f"earliest frame after an answer {at}",
            [min(gaps)],
            "characters",
            _SILENCE,
            "more",
        ),
        against(
            f"line.cpu_{baud}", f"CPU a read {at}", mine, theirs, "ms", 1 / 3, peer_name="pymodbus serial"
        ),
    ]


async def _cpu_s(read: Callable[[], Awaitable[None]], wire: Process, reads: int) -> float:
    """CPU of this process a read, in ms; the first one, not counted, brings everything up."""
    await read()
    wire.ask("reset")
    before_s = time.process_time()
    for _ in range(reads):
        await read()
    return 1000 * (time.process_time() - before_s) / reads
