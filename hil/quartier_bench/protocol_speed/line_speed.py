"""Use of an RS-485 line by long and short reads, and the cost of other clients that share a line.

``python -m quartier_bench.protocol_speed.line_speed PORT`` is such a client: for each line ``N`` on stdin
it reads ten registers of
unit 1 ``N`` times, one after the other, and prints ``done``.
"""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import cycle
from pathlib import Path
from typing import Any

import structlog
from pymodbus.client import AsyncModbusSerialClient

from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_bench.measured_process import Process, find_python_path
from quartier_bench.speed import site_files
from quartier_bench.speed.measurement import Figure, Setting, make_comparison, make_single_figure
from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.frames import make_read
from quartier_drivers.modbus.sharing.client_limits import ClientTerms
from quartier_drivers.modbus.sharing.client_queue import ClientQueue
from quartier_drivers.modbus.sharing.server import SharingClient, SharingServer
from quartier_drivers.modbus.wire.exchanges import ReadSequence
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.transport.event_loop import EventLoop, LoopClock

BAUDS = (9_600, 19_200)
_SILENCE_MIN_CHARACTERS = 3.5
# A read of all units takes longer than this: each is due again as soon as its turn has come.
_POLL_PERIOD_S = 0.05


@dataclass(frozen=True, slots=True)
class ReadKind:
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


LONG_READS = ReadKind("", 125, 1, 20, 6, 1 / 3)
# The silence before a frame costs a wake-up that pymodbus does not have, and here there are few others.
SHORT_READS = ReadKind("short_", 2, 8, 120, 40, 1.0)


@dataclass(slots=True)
class ReadSide:
    """One side of a comparison: ``read`` makes the next read."""

    read: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


def measure_line(setting: Setting) -> list[Figure]:
    """Share of the wire's limit, the earliest frame, CPU against pymodbus.  Raises AbsentError."""
    found = []
    for kind in (LONG_READS, SHORT_READS):
        for baud in BAUDS:
            argv = [setting.cache.compile_source("wire"), str(baud), str(kind.units)]
            with Process(argv, setting.folder / "line.log", talks=True) as wire:
                found += asyncio.run(_measure_baud(kind, baud, wire, setting))
    return found


async def _measure_baud(kind: ReadKind, baud: int, wire: Process, setting: Setting) -> list[Figure]:
    port, reads = wire.line(), kind.reads_short if setting.short else kind.reads
    folder = setting.make_scratch_folder("line")
    site_files.write_site(folder, [1], kind.registers, period_s=_POLL_PERIOD_S)
    shares, gaps, mine, theirs = [], [], [], []
    for number in range(setting.rounds):
        setting.say(f"{kind.what} at {baud} baud, round {number + 1}")
        side = await _open_drivers(kind, baud, port, folder)
        mine.append(await _measure_cpu_ms(side, wire, kind, reads))
        heard = wire.count()
        shares.append(heard["line_s"] / (heard["line_s"] + heard["idle_s"]))
        gaps.append(heard["gap_min"])
        theirs.append(await _measure_cpu_ms(await _open_pymodbus(kind, baud, port), wire, kind, reads))
    at, name = f"{kind.what} at {baud} baud", f"{kind.prefix}{{}}_{baud}"
    share, gap, cpu = (f"line.{name.format(what)}" for what in ("share", "gap", "cpu"))
    return [
        make_single_figure(share, f"use of a line by {at}, the wire's limit is 1", shares, "", 0.985, "more"),
        make_single_figure(
            gap,
            f"earliest frame after an answer, {at}",
            [min(gaps)],
            "characters",
            _SILENCE_MIN_CHARACTERS,
            "more",
        ),
        make_comparison(
            cpu, f"CPU a read, {at}", mine, theirs, "ms", kind.cpu_max, peer_name="pymodbus serial"
        ),
    ]


async def _open_drivers(kind: ReadKind, baud: int, port: str, folder: Path) -> ReadSide:
    """A driver for each unit on one line."""
    section = registry.load_section("modbus-rtu")(kind="modbus-rtu", port=port, baud=baud, timeout_s=3.0)
    clock, factory = LoopClock(), registry.load_factory("modbus-rtu")
    line = factory.line("line", section, clock)
    loaded = loading.load_profile(site_files.PROFILE, [folder / "profiles"])
    drivers: list[Any] = [
        factory.driver(line, DeviceSpec(f"device{unit}", unit, {"": f"meter{unit}"}), loaded, clock)
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
    return ReadSide(read, close)


async def _open_pymodbus(kind: ReadKind, baud: int, port: str) -> ReadSide:
    """The same of the same units by pymodbus."""
    client = AsyncModbusSerialClient(port, baudrate=baud, timeout=3)
    await client.connect()
    turns = cycle(range(1, kind.units + 1))

    async def read() -> None:
        await client.read_holding_registers(0, count=kind.registers, device_id=next(turns))

    async def close() -> None:
        client.close()

    return ReadSide(read, close)


async def _measure_cpu_ms(side: ReadSide, wire: Process, kind: ReadKind, reads: int) -> float:
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


_SHARED_REGISTERS = 10
_READ_REQUEST = struct.pack(">HHHBBHH", 0, 0, 6, 1, 3, 0, _SHARED_REGISTERS)
_REQUESTS, _REQUESTS_SHORT = 4_000, 800
_REQUESTS_PER_SEQUENCE = 8
# A request of a client costs its own way in and out beside ours; what it may cost at most, by ours.
WIRE_FLOOR, CACHED_FLOOR, IDLE_FLOOR = 4.5, 2.0, 1.10


def measure_share(setting: Setting) -> list[Figure]:
    """CPU of this process by turns; device and client are processes of their own.  Raises AbsentError."""
    argv = [setting.cache.compile_source("registers"), "1"]
    # The loop is the daemon's.
    with (
        Process(argv, setting.folder / "share.log", talks=True) as server,
        asyncio.Runner(loop_factory=EventLoop) as runner,
    ):
        return runner.run(_measure_share_rounds(int(server.line()), setting))


async def _measure_share_rounds(port: int, setting: Setting) -> list[Figure]:
    count = _REQUESTS_SHORT if setting.short else _REQUESTS
    async with AsyncExitStack() as stack:
        alone = await _open_line(port, stack)
        wire, wire_port = await _open_shared_line(port, 0.0, stack)
        _, held_port = await _open_shared_line(port, 60.0, stack)
        clients = [stack.enter_context(_start_client(one, setting)) for one in (wire_port, held_port)]

        async def direct() -> float:
            return await _measure_cpu_us(lambda: _exchange_requests(alone, count), count)

        async def through(client: Process) -> float:
            return await _measure_cpu_us(lambda: asyncio.to_thread(client.ask, str(count)), count)

        async def measure_polling_us(line: TcpLine) -> float:
            return await _measure_cpu_us(lambda: _run_sequences(line, count // _REQUESTS_PER_SEQUENCE), count)

        turns: list[list[float]] = []
        for number in range(setting.rounds + 1):
            turn = [await direct(), *[await through(one) for one in clients]]
            # Who comes first is a tenth quicker here, whoever it is: each is first and last once.
            goes_us = [await measure_polling_us(line) for line in (wire, alone, alone, wire)]
            turn += [(goes_us[0] + goes_us[3]) / 2, (goes_us[1] + goes_us[2]) / 2]
            turns += [turn] if number else []  # the first round warms all up
    own, on_wire, held, with_share, without = (list(side) for side in zip(*turns, strict=True))
    what = "CPU of a client's read of 10 registers"
    return [
        make_comparison(
            "share.wire", f"{what}, on the wire", on_wire, own, "µs", WIRE_FLOOR, peer_name="our own read"
        ),
        make_comparison(
            "share.held", f"{what}, from before", held, own, "µs", CACHED_FLOOR, peer_name="our own read"
        ),
        make_comparison(
            "share.idle",
            "CPU of our own read of 10 registers, a share open and nobody there",
            with_share,
            without,
            "µs",
            IDLE_FLOOR,
            peer_name="no share",
        ),
    ]


async def _open_line(port: int, stack: AsyncExitStack) -> TcpLine:
    line = TcpLine("bus", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=port), SiteClock(ClockSetting()))
    stack.push_async_callback(line.close)
    return line


async def _open_shared_line(port: int, age_max_s: float, stack: AsyncExitStack) -> tuple[TcpLine, int]:
    """A line with a share in front, served by a bus that has no devices; and the share's port."""
    clock, line = SiteClock(ClockSetting()), await _open_line(port, stack)
    bus = Bus("bus", line, {}, clock, lambda _: None, structlog.get_logger())
    queue = bus.gaps.client_requests = ClientQueue(
        line, clock, lambda: True, lambda _: False, {}, bus.mailbox.wake
    )
    terms = ClientTerms(
        "client",
        (ip_network("127.0.0.1"),),
        frozenset({1}),
        requests_per_s=1e6,
        outstanding_max=16,
        age_max_s=age_max_s,
    )
    host = SharingServer("127.0.0.1", 0, [SharingClient(terms, queue, lambda _: None)], queue)
    group = await stack.enter_async_context(asyncio.TaskGroup())
    for run in (bus.run(), host.run()):
        stack.callback(group.create_task(run).cancel)
    while not (host.listens and bus.online):  # noqa: ASYNC110 - a moment at the start
        await asyncio.sleep(0.001)
    return line, host.port


def _start_client(port: int, setting: Setting) -> Process:
    argv = [sys.executable, "-m", "quartier_bench.protocol_speed.line_speed", str(port)]
    return Process(argv, setting.folder / "share.log", env={"PYTHONPATH": find_python_path()}, talks=True)


async def _measure_cpu_us(work: Callable[[], Awaitable[Any]], count: int) -> float:
    before_s = time.process_time()
    await work()
    return 1e6 * (time.process_time() - before_s) / count


async def _exchange_requests(line: TcpLine, count: int) -> None:
    request = make_read(1, "holding", 0, _SHARED_REGISTERS)
    for _ in range(count):
        await line.exchange(request)


async def _run_sequences(line: TcpLine, count: int) -> None:
    """As a driver asks what is due of a device."""
    requests = [
        make_read(1, "holding", _SHARED_REGISTERS * at, _SHARED_REGISTERS)
        for at in range(_REQUESTS_PER_SEQUENCE)
    ]
    go = ReadSequence(requests, time.monotonic_ns)
    for _ in range(count):
        go.again()
        await line.make(go)


def run_client(port: int) -> None:
    """The client."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for order in sys.stdin:
            for _ in range(int(order)):
                connection.sendall(_READ_REQUEST)
                data = connection.recv(4096)
                if len(data) != 9 + 2 * _SHARED_REGISTERS or data[7] != 3:
                    sys.exit(f"no answer but {data.hex(' ')}")
            sys.stdout.write("done\n")
            sys.stdout.flush()


if __name__ == "__main__":
    run_client(int(sys.argv[1]))
