"""A Modbus TCP endpoint: one connection for all its units."""

import asyncio
from typing import TYPE_CHECKING

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.connection import Connection
from quartier_drivers.modbus.frame import Answer, OutOfStep, Request, Rubbish, Seen, take_tcp
from quartier_drivers.modbus.go import Go
from quartier_drivers.modbus.line import Line
from quartier_drivers.modbus.pace import NETWORK_COST
from quartier_drivers.modbus.waiter import Waiter

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for its models
    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.bus import TcpBus
    from quartier_drivers.tape import Tape


class TcpLink(Line):
    """A Modbus TCP endpoint: one connection for all its units; answers are matched by number."""

    def __init__(self, name: str, bus: "TcpBus", clock: "Clock") -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self.request_cost = NETWORK_COST
        self._connection = Connection(bus, clock, self._hear, self._fail, self._sound)
        self._buffer = bytearray()
        self._loop: asyncio.AbstractEventLoop  # asked for once a connection: to ask is a system call
        self._go: Go | None = None
        self._number = 0  # of the last question

    @property
    def connected(self) -> bool:
        """Whether the connection is up, as far as the kernel knows."""
        return self._connection.stands

    def record(self, tape: "Tape | None") -> None:
        """Record to ``tape`` what is received and sent."""
        self._connection.record(tape)

    async def _connect(self) -> None:
        self._buffer.clear()
        self._loop = asyncio.get_running_loop()
        await self._connection.open()

    def _disconnect(self) -> None:
        self._connection.drop()
        self._buffer.clear()

    async def make(self, go: Go) -> None:
        """Make the reads as any line does; between a valid answer and the next request no task is woken."""
        if self._rests:
            await super().make(go)
        try:
            while not go.is_over:
                await self._hold(go)
        finally:
            if self.held is not None:
                self.held.took(go)

    async def _hold(self, go: Go) -> None:
        """Hold the line until the go is over, an answer was unusual, or somebody else waits for it."""
        if not self._turn.take():
            await self._turn.wait()
        try:
            if not self._connection.stands:
                await self._opened()
            self._wait_s = self._timeout_s
            self._stats["requests_count"] += 1
            try:
                answer = await self._asked(go)
                if answer is None:
                    return
                go.found(await self._judged(go.request, answer) if answer.exception else answer)
            except (Rubbish, OutOfStep, TimeoutError) as error:
                missed = await self._failed(go.request, error)
                if not self._retries_count:
                    raise missed from error
            except (NoReply, LinkLost):
                if not self._retries_count:
                    raise
            else:
                return
        finally:
            self._turn.give()
        self.count("retries_count")
        go.found(await self.exchange(go.request, retries_count=self._retries_count - 1))

    async def _ask(self, request: Request) -> Answer:
        go = Go((request,), self._clock.now_ns)
        answer = await self._asked(go)
        return Answer((), 0, go.answers[0], request) if answer is None else answer

    async def _asked(self, go: Go) -> Answer | None:
        """Return an unusual answer that the go has not taken; None if it took all that came."""
        loop = self._loop
        waiter = self._waiter = Waiter(loop=loop)
        self._go = go
        try:
            self._deadline_s = deadline_s = loop.time() + self._wait_s
            if self._timer is None or self._timer_s > deadline_s:
                self._set_timer(loop)
            self._connection.send(go.ask(self._number))
            answer: Answer | None = await waiter
        finally:
            self._number = go.number
            self._go = self._waiter = None
        self._connection.answered()
        return answer

    def _hear(self, data: bytes) -> bytes | None:
        """Take received bytes; return the next request."""
        reply = self._sound(data)
        if reply is None:
            self._hear_odd(data)
        return reply

    def _sound(self, data: bytes) -> bytes | None:
        """Take bytes that are, as nearly always, just the awaited answer.

        Return the next request, or nothing if the task went on; None if they are something else and were not
        used.
        """
        go, waiter = self._go, self._waiter
        if go is None or self._buffer or not isinstance(waiter, Waiter) or waiter.done():
            return None
        try:
            frame = go.heard(data)
        except BaseException as error:  # a bug of who asks is told to who waits for it
            waiter.set_exception(error)
            raise
        if frame is None:
            return None
        if not frame or self._turn.waiting or self._connection.is_hasty:
            waiter.wake(None)  # nothing is left to do here: the task may go on in it
            return b""
        self._connection.answered()
        self._stats["requests_count"] += 1
        self._deadline_s = self._loop.time() + self._wait_s
        return frame

    def _hear_odd(self, data: bytes) -> None:
        """Take other bytes: for the current request, or too late for an older one."""
        self._connection.heard()
        self._buffer += data
        seen, answer = Seen(), None
        # Without a request nothing matches number -1: whatever comes is late.
        request, number = (go.request, go.number) if (go := self._go) else (Request(0, 3, 0, 1), -1)
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

    async def _recover(self, request: Request, error: Exception) -> None:
        del request
        if isinstance(error, TimeoutError):
            self._connection.timed_out(torn=len(self._buffer) > 0)
