"""The rig's quirk server on a socket or a pty, and a line of ours to it; waits are skipped."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.frames import Answer, Request
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.transport.event_loop import LoopClock
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave, QuirkyTcpServer
from quartier_sim.modbus.quirks import QuirkyDevice, make_plain_unit, make_quirk

TIMEOUT_S = 0.25
# A slow line is never silent though less is said on it: 3.5 characters take 32 ms.
SLOW = {"foreign-babble": {"baud": 1200}}
BABBLE_S = {"foreign-babble": 0.02}

Serve = Callable[..., Awaitable[QuirkyDevice]]
Ours = Callable[..., ModbusLine]


@pytest.fixture
async def served() -> AsyncIterator[Serve]:
    """``await served("tcp", "late", seconds=0.3, left=1, units=(1, 2))``: a server with one quirk."""
    async with AsyncExitStack() as open_ones:

        async def serve(
            wire: str,
            name: str = "",
            *,
            seconds: float | None = None,
            code: int | None = None,
            left: int | None = None,
            units: tuple[int, ...] = (1, 2),
        ) -> QuirkyDevice:
            habit = make_quirk(name, seconds=seconds, code=code) if name else None
            kinds = {
                "tcp": QuirkyTcpServer,
                "rtu": QuirkyRtuSlave,
                "tunnel": partial(QuirkyTcpServer, rtu=True),
            }
            made = kinds[wire]({unit: make_plain_unit() for unit in units}, habit, left)
            return await open_ones.enter_async_context(made)  # type: ignore[arg-type,return-value]  # both are Odd

        yield serve


@pytest.fixture
async def line_to() -> AsyncIterator[Ours]:
    """``line_to(server, timeout_s=…)``: a line of ours, closed after the test."""
    lines: list[ModbusLine] = []

    def made(server: QuirkyDevice, **keys: object) -> ModbusLine:
        keys = {"timeout_s": TIMEOUT_S, "retries_count": 0} | keys
        if isinstance(server, QuirkyTcpServer):
            bus: TcpBus | RtuBus = TcpBus.model_validate(
                {"kind": "modbus-tcp", "host": server.host, "port": server.port}
                | ({"framing": "rtu"} if server.rtu else {})
                | keys
            )
        else:
            assert isinstance(server, QuirkyRtuSlave)
            bus = RtuBus.model_validate({"kind": "modbus-rtu", "port": server.path, "baud": 115200} | keys)
        lines.append(make_line("line", bus, LoopClock()))
        return lines[-1]

    yield made
    for line in lines:
        await line.close()


def right(request: Request) -> tuple[int, ...]:
    """What the plain unit holds where ``request`` reads."""
    places = range(request.address, request.address + request.count)
    of_table = {
        1: lambda n: int(n % 3 == 0),
        2: lambda n: int(n % 2 == 0),
        3: lambda n: n,
        4: lambda n: 1000 + n,
    }
    return tuple(of_table[request.function](place) for place in places)


async def asked(line: ModbusLine, request: Request) -> Answer | str:
    """The answer, or why there is none."""
    try:
        return await line.exchange(request)
    except (NoReply, LinkLost) as error:
        return str(error)


async def recovered(line: ModbusLine, request: Request, tries: int = 12) -> bool:
    """Whether a right answer comes, and no wrong one before it."""
    for _ in range(tries):
        answer = await asked(line, request)
        if isinstance(answer, Answer) and not answer.exception:
            assert right(request) == answer.values
            return True
    return False
