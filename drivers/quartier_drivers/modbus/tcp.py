"""A Modbus TCP endpoint: one connection for all its units."""

import asyncio
from typing import TYPE_CHECKING

from quartier_drivers.contract import Clock
from quartier_drivers.modbus.connection import Connection
from quartier_drivers.modbus.frame import Answer, OutOfStep, Request, Rubbish, Seen, is_answer, take_tcp
from quartier_drivers.modbus.line import Line
from quartier_drivers.modbus.waiter import Waiter

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for its models
    from quartier_drivers.modbus.bus import TcpBus

# A device answers in some 5 ms, whatever it is asked; behind a gateway to a serial line 1 ms a register.
REQUEST_COST = 60.0


class TcpLink(Line):
    """A Modbus TCP endpoint: one connection for all its units, answers told apart by their number."""

    def __init__(self, name: str, bus: "TcpBus", clock: Clock) -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self.request_cost = REQUEST_COST
        self._connection = Connection(bus, clock, self._hear, self._fail)
        self._buffer = bytearray()
        self._request: Request | None = None
        self._number = 0

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as the kernel knows."""
        return self._connection.stands

    async def _connect(self) -> None:
        self._buffer.clear()
        await self._connection.open()

    def _disconnect(self) -> None:
        self._connection.drop()
        self._buffer.clear()

    def _hear(self, data: bytes) -> None:
        """Bytes came, for the request that waits or too late for an older one."""
        request = self._request
        if request is not None and not self._buffer and is_answer(data, request, self._number):
            self._settle(Answer(data=data[9:], request=request))
            return
        self._buffer += data
        seen, answer = Seen(), None
        # Without a request nothing matches number -1: whatever comes is late.
        request, number = (self._request, self._number) if self._request else (Request(0, 3, 0, 1), -1)
        try:
            answer = take_tcp(self._buffer, request, number, seen)
        except OutOfStep as error:
            self._fail(error)
            self._disconnect()
        except Rubbish as error:
            self._fail(error)
        self.count("late_count", seen.late)
        if answer is not None:
            self._settle(answer)

    def _waiting(self, loop: asyncio.AbstractEventLoop) -> Waiter[Answer]:
        """Nothing is left to do in ``_hear`` once an answer is settled: the task may go on in it."""
        return Waiter(loop)

    async def _ask(self, request: Request) -> Answer:
        self._number = self._number % 0xFFFF + 1
        self._request = request
        self._expect(asyncio.get_running_loop().time() + self._wait_s)
        try:
            self._connection.send(self._number.to_bytes(2, "big") + request.tcp)
            answer = await self._answer()
        finally:
            self._request = None
        self._connection.answered()
        return answer

    async def _recover(self, request: Request, error: Exception) -> None:
        del request
        if isinstance(error, TimeoutError):
            self._connection.timed_out(torn=len(self._buffer) > 0)

    async def close(self) -> None:
        """Close the connection; may be opened again."""
        await super().close()
        # One turn of the loop: asyncio closes the socket.
        await asyncio.sleep(0)
