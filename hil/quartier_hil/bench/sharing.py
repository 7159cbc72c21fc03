"""Measure the cost of other clients on our line: requests passed on, requests not passed on, and none.

``python -m quartier_hil.bench.sharing PORT`` is the client: for each line ``N`` it reads ten registers of
unit 1 ``N`` times, one after the other, and prints ``done``.
"""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network
from typing import Any

import structlog

from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.frames import make_read
from quartier_drivers.modbus.sharing.client_limits import ClientTerms
from quartier_drivers.modbus.sharing.client_queue import ClientQueue
from quartier_drivers.modbus.sharing.server import SharingClient, SharingServer
from quartier_drivers.modbus.wire.exchanges import ReadSequence
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.transport.event_loop import EventLoop
from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.process import Process, python_path
from quartier_hil.bench.setting import Setting

_COUNT = 10
_READ = struct.pack(">HHHBBHH", 0, 0, 6, 1, 3, 0, _COUNT)
_REQUESTS, _REQUESTS_SHORT = 4_000, 800
_IN_A_GO = 8
# A request of a client costs its own way in and out beside ours; what it may cost at most, by ours.
WIRE_FLOOR, HELD_FLOOR, IDLE_FLOOR = 4.5, 2.0, 1.10


def figures(setting: Setting) -> list[Figure]:
    """CPU of this process by turns; device and client are processes of their own.  Raises AbsentError."""
    argv = [setting.cache.compiled("registers"), "1"]
    # The loop is the daemon's.
    with (
        Process(argv, setting.folder / "share.log", talks=True) as server,
        asyncio.Runner(loop_factory=EventLoop) as runner,
    ):
        return runner.run(_measured(int(server.line()), setting))


async def _measured(port: int, setting: Setting) -> list[Figure]:
    count = _REQUESTS_SHORT if setting.short else _REQUESTS
    async with AsyncExitStack() as stack:
        alone = await _opened(port, stack)
        wire, wire_port = await _shared(port, 0.0, stack)
        _, held_port = await _shared(port, 60.0, stack)
        clients = [stack.enter_context(_client(one, setting)) for one in (wire_port, held_port)]

        async def direct() -> float:
            return await _cpu_us(lambda: _exchanged(alone, count), count)

        async def through(client: Process) -> float:
            return await _cpu_us(lambda: asyncio.to_thread(client.ask, str(count)), count)

        async def polled(line: TcpLine) -> float:
            return await _cpu_us(lambda: _gone(line, count // _IN_A_GO), count)

        turns: list[list[float]] = []
        for number in range(setting.rounds + 1):
            turn = [await direct(), *[await through(one) for one in clients]]
            # Who comes first is a tenth quicker here, whoever it is: each is first and last once.
            goes_us = [await polled(line) for line in (wire, alone, alone, wire)]
            turn += [(goes_us[0] + goes_us[3]) / 2, (goes_us[1] + goes_us[2]) / 2]
            turns += [turn] if number else []  # the first round warms all up
    own, on_wire, held, with_share, without = (list(side) for side in zip(*turns, strict=True))
    what = "CPU of a client's read of 10 registers"
    return [
        against(
            "share.wire", f"{what}, on the wire", on_wire, own, "µs", WIRE_FLOOR, peer_name="our own read"
        ),
        against("share.held", f"{what}, from before", held, own, "µs", HELD_FLOOR, peer_name="our own read"),
        against(
            "share.idle",
            "CPU of our own read of 10 registers, a share open and nobody there",
            with_share,
            without,
            "µs",
            IDLE_FLOOR,
            peer_name="no share",
        ),
    ]


async def _opened(port: int, stack: AsyncExitStack) -> TcpLine:
    line = TcpLine("bus", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=port), SiteClock(ClockSetting()))
    stack.push_async_callback(line.close)
    return line


async def _shared(port: int, age_max_s: float, stack: AsyncExitStack) -> tuple[TcpLine, int]:
    """A line with a share in front, served by a bus that has no devices; and the share's port."""
    clock, line = SiteClock(ClockSetting()), await _opened(port, stack)
    bus = Bus("bus", line, {}, clock, lambda _: None, structlog.get_logger())
    queue = bus.gaps.guests = ClientQueue(line, clock, lambda: True, lambda _: False, {}, bus.mailbox.wake)
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


def _client(port: int, setting: Setting) -> Process:
    argv = [sys.executable, "-m", "quartier_hil.bench.sharing", str(port)]
    return Process(argv, setting.folder / "share.log", env={"PYTHONPATH": python_path()}, talks=True)


async def _cpu_us(work: Callable[[], Awaitable[Any]], count: int) -> float:
    before_s = time.process_time()
    await work()
    return 1e6 * (time.process_time() - before_s) / count


async def _exchanged(line: TcpLine, count: int) -> None:
    request = make_read(1, "holding", 0, _COUNT)
    for _ in range(count):
        await line.exchange(request)


async def _gone(line: TcpLine, count: int) -> None:
    """As a driver asks what is due of a device."""
    requests = [make_read(1, "holding", _COUNT * at, _COUNT) for at in range(_IN_A_GO)]
    go = ReadSequence(requests, time.monotonic_ns)
    for _ in range(count):
        go.again()
        await line.make(go)


def main(port: int) -> None:
    """The client."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for order in sys.stdin:
            for _ in range(int(order)):
                connection.sendall(_READ)
                heard = connection.recv(4096)
                if len(heard) != 9 + 2 * _COUNT or heard[7] != 3:
                    sys.exit(f"no answer but {heard.hex(' ')}")
            sys.stdout.write("done\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
