"""Modbus RTU through a TCP connection, for serial servers that pass on bytes unchanged.

Frames are those of a serial line, with their checksum and without a number.  The server keeps the pauses on
its line; what it receives there from others arrives here too.
"""

import asyncio
from typing import TYPE_CHECKING

from quartier_drivers.contract import Clock
from quartier_drivers.modbus.frames import Answer, Request, RtuAnswerSearch
from quartier_drivers.modbus.wire.rtu_line import RtuLine
from quartier_drivers.modbus.wire.tcp_line import TcpConnection
from quartier_drivers.modbus.wire.timing import NETWORK_REQUEST_COST

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for its models
    from quartier_drivers.modbus.bus_section import TcpBus
    from quartier_drivers.transport.frame_recorder import FrameRecorder


class RtuOverTcpLine(RtuLine):
    """A serial line at the far end of one TCP connection."""

    def __init__(self, name: str, bus: "TcpBus", clock: Clock) -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self.request_cost = NETWORK_REQUEST_COST
        self._connection = TcpConnection(bus, clock, self._overheard, self._fail)

    @property
    def is_connected(self) -> bool:
        """Return whether the connection is up, as far as the kernel knows."""
        return self._connection.is_connected

    def record(self, tape: "FrameRecorder | None") -> None:
        """Record to ``tape`` what is received and sent."""
        self._connection.record(tape)

    async def _connect(self) -> None:
        await self._connection.open()

    def _disconnect(self) -> None:
        self._connection.drop()

    def _size_s(self, request: Request) -> float:
        del request  # the speed of the far line is unknown
        return 0.0

    def _overheard(self, data: bytes) -> None:
        self._connection.note_received_bytes()
        self._hear(data)

    async def _ask(self, request: Request) -> Answer:
        loop = asyncio.get_running_loop()
        owing_before_s, sent_s = self._owing_s.get(request.unit, 0.0), loop.time()
        self._expect(sent_s + self._wait_s)
        self._answer_search = RtuAnswerSearch(request)
        self._listener.note_request(request.rtu, reads=not request.writes)
        self._connection.send(request.rtu)
        self._expect_late_answer(request.unit, sent_s)
        answer = await self._found(request)
        self._note_answer(request, answer, owing_before_s, loop.time() - sent_s)
        self._connection.note_answer()
        return answer

    async def _recover(self, request: Request, error: Exception) -> None:
        await super()._recover(request, error)
        if isinstance(error, TimeoutError):
            # Half a frame is no reason to hang up: the checksum distinguishes noise from an answer.
            self._connection.note_timeout(torn=False)
