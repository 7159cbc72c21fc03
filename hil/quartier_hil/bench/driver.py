"""The whole driver path against plain requests for the same blocks: registers per CPU second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pymodbus.client import AsyncModbusTcpClient

from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.transport.event_loop import EventLoop
from quartier_hil.bench import site
from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting

_REGISTERS, _BLOCK = 500, 125
_REQUESTS, _REQUESTS_SHORT = 2_000, 500
_RATE = 1_000_000


class Racing:
    """A clock so fast that every block of every device is due again at once."""

    def now_ns(self) -> int:
        """Nanoseconds of a very fast house."""
        return time.monotonic_ns() * _RATE

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of it."""
        await asyncio.sleep(seconds / _RATE)


def figures(setting: Setting) -> list[Figure]:
    """Registers per CPU second of this process, to ``Readings`` and undecoded.  Raises AbsentError."""
    argv = [setting.cache.compiled("registers"), "1"]
    # The loop is the daemon's.
    with (
        Process(argv, setting.folder / "driver.log", talks=True) as server,
        asyncio.Runner(loop_factory=EventLoop) as runner,
    ):
        return runner.run(_measured(int(server.line()), setting))


async def _measured(port: int, setting: Setting) -> list[Figure]:
    requests = _REQUESTS_SHORT if setting.short else _REQUESTS
    folder = setting.scratch("driver")
    site.write(folder, [port], _REGISTERS)
    section = registry.load_section("modbus-tcp")(kind="modbus-tcp", host="127.0.0.1", port=port)
    clock, door = Racing(), registry.load_factory("modbus-tcp")
    line = door.line("bus", section, clock)
    device = DeviceSpec("device", 1, {"": "meter"})
    driver: Any = door.driver(line, device, loading.load_profile(site.PROFILE, [folder / "profiles"]), clock)
    driver.go_on(lambda: False)  # as the daemon's bus does; nothing is written here
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    await driver.open()

    async def ours() -> int:
        read = 0
        while read < requests * _BLOCK:
            read += len(await driver.read())
            for readings in driver.rest():  # as the daemon's bus does
                read += len(readings)
        return read

    async def plain() -> int:
        return await _plain(client, requests)

    mine, theirs = [], []
    try:
        for number in range(setting.rounds + 1):
            pair = [await _per_cpu_s(ours), await _per_cpu_s(plain)]
            if number:  # the first round warms both up
                mine.append(pair[0])
                theirs.append(pair[1])
    finally:
        client.close()
        await driver.close()
        await line.close()
    what = "registers read per CPU second, to Readings, blocks of 125"
    return [
        against("driver.registers", what, mine, theirs, "1/s", 1.0, "more", peer_name="pymodbus undecoded")
    ]


async def _plain(client: Any, requests: int) -> int:
    read = 0
    for number in range(requests):
        start = _BLOCK * (number % (_REGISTERS // _BLOCK))
        answer = await client.read_holding_registers(start, count=_BLOCK, device_id=1)
        read += len(answer.registers)
    return read


async def _per_cpu_s(work: Callable[[], Awaitable[int]]) -> float:
    before_s = time.process_time()
    done = await work()
    return done / (time.process_time() - before_s)
