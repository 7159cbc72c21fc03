"""A device that takes one client, our line to it, and a share in front: clients on real sockets."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import pytest

from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.modbus.sharing.client_limits import ClientTerms
from quartier_drivers.modbus.sharing.client_queue import ClientQueue
from quartier_drivers.modbus.sharing.server import ClientWrite, SharingClient, SharingServer
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.transport.event_loop import LoopClock
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave, QuirkyTcpServer
from quartier_sim.modbus.quirks import QuirkyDevice, make_plain_unit, make_quirk


@dataclass
class Caller:
    """A client byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, pdu: bytes, unit: int = 1, number: int = 1) -> None:
        self.writer.write(struct.pack(">HHHB", number, 0, len(pdu) + 1, unit) + pdu)

    async def hear(self) -> tuple[int, int, bytes]:
        """Number, unit and PDU of the next answer."""
        number, protocol, length, unit = struct.unpack(">HHHB", await self.reader.readexactly(7))
        assert 0 == protocol
        return number, unit, await self.reader.readexactly(length - 1)

    async def ask(self, pdu: bytes, unit: int = 1, number: int = 1) -> bytes:
        self.say(pdu, unit, number)
        heard = await self.hear()
        assert (number, unit) == heard[:2]
        return heard[2]

    async def ended(self) -> bool:
        """Whether the other end has closed it; waits for that."""
        try:
            return b"" == await self.reader.read(1)
        except ConnectionError:
            return True

    def close(self) -> None:
        self.writer.close()


@dataclass
class Shared:
    """What stands in a test; ``silent`` units count as silent, ``is_up`` as whether the line stands."""

    device: QuirkyDevice
    line: ModbusLine
    queue: ClientQueue
    host: SharingServer
    clients: dict[str, SharingClient]
    passed: list[ClientWrite]
    silent: set[int]
    woken: asyncio.Event
    is_idle: asyncio.Event
    state: dict[str, bool]
    callers: list[Caller] = field(default_factory=list)

    async def call(self, address: str = "127.0.0.1") -> Caller:
        """A client that comes from an address of this machine."""
        there = await asyncio.open_connection("127.0.0.1", self.host.port, local_addr=(address, 0))
        caller = Caller(*there)
        self.callers.append(caller)
        return caller

    async def bus(self) -> None:
        """What a bus does that has nothing of its own to do, while it ``is_idle``."""
        while True:
            await self.is_idle.wait()
            with contextlib.suppress(LinkLost):
                if not await self.queue.serve(None):
                    await self.woken.wait()
                    self.woken.clear()


Opened = Callable[..., Awaitable[Shared]]


def terms_of(
    name: str = "portal", *networks: str, units: frozenset[int] = frozenset({1, 2}), **may: Any
) -> ClientTerms:
    """May ask as often as it likes and is given nothing from before, unless the test says so."""
    free = {"requests_per_s": 10_000.0, "age_max_s": 0.0, "outstanding_max": 16} | may
    return ClientTerms(name, tuple(map(ip_network, networks or ("127.0.0.0/8",))), units, **free)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """``await opened(Terms, …, habit="late", seconds=0.1)``: a served share; all of it ends with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def made(*terms: ClientTerms, habit: str = "", wire: str = "tcp", **keys: Any) -> Shared:
            units = {1: make_plain_unit(), 2: make_plain_unit()}
            habit = habit or {"rtu": ""}.get(wire, "single-refuses")
            quirky = make_quirk(habit, **keys) if habit else None
            odd = (
                QuirkyRtuSlave(units, quirky)
                if wire == "rtu"
                else QuirkyTcpServer(units, quirky, rtu=wire == "tunnel")
            )
            device = await stack.enter_async_context(odd)
            line = make_line("line", section_of(device), LoopClock())
            woken, silent, passed = asyncio.Event(), set[int](), list[ClientWrite]()
            state = {"up": True}
            queue = ClientQueue(line, LoopClock(), lambda: state["up"], silent.__contains__, {}, woken.set)
            clients = {one.name: SharingClient(one, queue, passed.append) for one in terms or (terms_of(),)}
            host = SharingServer("127.0.0.1", 0, list(clients.values()), queue)
            is_idle = asyncio.Event()
            is_idle.set()
            shared = Shared(device, line, queue, host, clients, passed, silent, woken, is_idle, state)
            for run in (host.run(), shared.bus()):
                task = asyncio.create_task(run)
                stack.push_async_callback(_ended, task)
            while not host.listens:  # noqa: ASYNC110 - nothing else shows it
                await asyncio.sleep(0)
            stack.push_async_callback(line.close)
            stack.callback(lambda: [caller.close() for caller in shared.callers])
            return shared

        yield made


def section_of(device: QuirkyRtuSlave | QuirkyTcpServer) -> TcpBus | RtuBus:
    if isinstance(device, QuirkyRtuSlave):
        return RtuBus.model_validate(
            {"kind": "modbus-rtu", "port": device.path, "baud": 115200, "timeout_s": 2.0}
        )
    framing = "rtu" if device.rtu else "tcp"
    place = {"kind": "modbus-tcp", "host": device.host, "port": device.port, "framing": framing}
    return TcpBus.model_validate(place | {"timeout_s": 2.0})


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled(), task.exception()
