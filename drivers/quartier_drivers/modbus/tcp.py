"""A Modbus TCP endpoint: one connection for all its units."""

import asyncio

from quartier_drivers.contract import Clock
from quartier_drivers.endpoint import Endpoint
from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.bus import TcpBus
from quartier_drivers.modbus.frame import Answer, OutOfStep, Request, Rubbish, Seen, is_answer, take_tcp
from quartier_drivers.modbus.line import Line
from quartier_drivers.stream import Stream

_CONNECT_S = 3.0
# A device answers in some 5 ms, whatever it is asked; behind a gateway to a serial line 1 ms a register.
_REQUEST_COST = 60.0
# This many requests in a row without a single byte from the whole endpoint: it is half open.
_SILENT_MAX = 5
# So many connections in a row that ended after their first answer: each request gets one of its own.
_HASTY_MAX = 2


class TcpLink(Line):
    """A Modbus TCP endpoint: one connection for all its units, answers told apart by their number."""

    def __init__(self, name: str, bus: TcpBus, clock: Clock) -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self._bus = bus
        self.request_cost = _REQUEST_COST
        self._where = f"{bus.host}:{bus.port}"
        self._endpoint = Endpoint(bus.host, bus.port, self._where)
        self._stream: Stream | None = None
        self._buffer = bytearray()
        self._request: Request | None = None
        self._number = 0
        self._silent_count = 0
        self._answers_count = 0
        self._hasty_count = 0

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as the kernel knows."""
        return self._stream is not None and self._stream.stands

    async def _connect(self) -> None:
        self._disconnect()
        stream = Stream(self._hear, self._lost)
        await self._endpoint.connect(stream, max(_CONNECT_S, self._timeout_s))
        self._stream = stream
        self._buffer.clear()
        self._silent_count = self._answers_count = 0
        await self._clock.sleep(self._bus.connect_pause_s)

    def _disconnect(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.drop()
            self._fail(LinkLost(f"the connection to {self._where} was closed"))

    def _lost(self, error: Exception | None) -> None:
        self._hasty_count += self._answers_count == 1
        why = str(error or "without a word")
        if not self._answers_count:
            why += " before its first answer; it may take one client only, or not ours"
        self._fail(LinkLost(f"{self._where} closed the connection: {why}"))

    def _hear(self, data: bytes) -> None:
        """Bytes came, for the request that waits or too late for an older one."""
        self._silent_count = 0
        request = self._request
        if request is not None and not self._buffer and is_answer(data, request, self._number):
            self._settle(Answer(data=data[9:], request=request))
            return
        self._buffer += data
        seen = Seen()
        # Without a request nothing matches number -1: whatever comes is late.
        request, number = (self._request, self._number) if self._request else (Request(0, 3, 0, 1), -1)
        try:
            answer = take_tcp(self._buffer, request, number, seen)
        except OutOfStep as error:
            self._fail(error)
            self._disconnect()
        except Rubbish as error:
            self._fail(error)
        else:
            if answer is not None:
                self._settle(answer)
        self.count("late_count", seen.late)

    async def _ask(self, request: Request) -> Answer:
        transport = self._stream.transport if self._stream else None
        if transport is None:
            raise LinkLost(f"{self._where} closed the connection")
        self._number = self._number % 0xFFFF + 1
        self._request = request
        self._expect(asyncio.get_running_loop().time() + self._wait_s)
        try:
            transport.write(self._number.to_bytes(2, "big") + request.tcp)
            answer = await self._answer()
        finally:
            self._request = None
        self._answers_count += 1
        if self._hasty_count >= _HASTY_MAX:
            self._disconnect()  # before the endpoint does, in the middle of the next request
        elif self._answers_count > 1:
            self._hasty_count = 0
        return answer

    async def _recover(self, request: Request, error: Exception) -> None:
        del request
        if not isinstance(error, TimeoutError):
            return
        self._silent_count += 1
        half_frame = len(self._buffer) > 0
        if half_frame or self._silent_count >= _SILENT_MAX:
            self._disconnect()

    async def close(self) -> None:
        """Close the connection; may be opened again."""
        await super().close()
        # One turn of the loop: asyncio closes the socket.
        await asyncio.sleep(0)
