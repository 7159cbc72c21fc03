"""Modbus TCP: one connection for all units."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from quartier_drivers.errors import LinkLost, NoReply, describe_os_error
from quartier_drivers.modbus.frames import (
    Answer,
    GarbledAnswer,
    LateAnswers,
    OutOfSync,
    Request,
    take_tcp_answer,
)
from quartier_drivers.modbus.wire.exchanges import ExchangeWaiter, ReadSequence
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.modbus.wire.timing import NETWORK_REQUEST_COST
from quartier_drivers.transport.tcp import TcpEndpoint, TcpStream

if TYPE_CHECKING:
    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.bus_section import TcpBus
    from quartier_drivers.transport.frame_recorder import FrameRecorder


CONNECT_S = 3.0
# After this many requests in a row without a single byte from the endpoint, it is half-open.
HALF_OPEN_COUNT = 5
# After this many connections in a row that ended after their first answer, each request gets its own.
_HASTY_MAX = 2


class TcpConnection:
    """A connection with callbacks.

    ``hear`` takes bytes, calls ``note_received_bytes`` for what is no answer, and returns what to send at
    once. ``fail`` takes the reason why no answer will come.  ``sound`` is as in ``TcpStream``.
    """

    def __init__(
        self,
        bus: "TcpBus",
        clock: "Clock",
        hear: Callable[[bytes], bytes | None],
        fail: Callable[[Exception], None],
        sound: Callable[[bytes], bytes | None] | None = None,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._hear = hear
        self._fail = fail
        self._sound = sound
        self._where = f"{bus.host}:{bus.port}"
        self._endpoint = TcpEndpoint(bus.host, bus.port, self._where)
        self._stream: TcpStream | None = None
        self._recorder: FrameRecorder | None = None
        self._silent_count = 0
        self._answers_count = 0
        self._hasty_count = 0
        self.is_connected = False
        """Whether the connection is up, as far as the kernel knows."""
        self.is_hasty = False
        """Whether the endpoint ends each connection after one answer: each request then gets its own."""

    def record(self, tape: "FrameRecorder | None") -> None:
        """Record to ``tape`` what is received and sent."""
        self._recorder = tape
        if self._stream is not None:
            self._stream.recorder = tape

    async def open(self) -> None:
        """Connect, and pause as the endpoint needs it.  Raises LinkLost."""
        self.drop()
        stream = TcpStream(self._hear, self._fail_connection, self._sound)
        stream.recorder = self._recorder
        await self._endpoint.connect(stream, max(CONNECT_S, self._bus.timeout_s))
        self._stream, self.is_connected = stream, True
        self._silent_count = self._answers_count = 0
        if self._bus.connect_pause_s:
            await self._clock.sleep(self._bus.connect_pause_s)

    def drop(self) -> None:
        """Close the connection at once."""
        stream, self._stream, self.is_connected = self._stream, None, False
        if stream is not None:
            stream.drop()
            self._fail(LinkLost(f"the connection to {self._where} was closed"))

    def send(self, data: bytes) -> None:
        """Send bytes.  Raises LinkLost if the endpoint closed the connection."""
        if self._stream is None or not self._stream.send(data):
            raise LinkLost(f"{self._where} closed the connection")

    def note_received_bytes(self) -> None:
        """Note that bytes came, whatever they are."""
        self._silent_count = 0

    def note_answer(self) -> None:
        """Note that a request was answered."""
        self._answers_count += 1
        self._silent_count = 0
        if self.is_hasty:
            self.drop()  # before the endpoint does, in the middle of the next request
        elif self._answers_count > 1:
            self._hasty_count = 0

    def note_timeout(self, *, torn: bool) -> None:
        """Note that nothing came in time.

        ``torn``: half an answer did, and its rest might be taken for another.
        """
        self._silent_count += 1
        if torn or self._silent_count >= HALF_OPEN_COUNT:
            self.drop()

    def _fail_connection(self, error: Exception | None) -> None:
        self.is_connected = False
        self._hasty_count += self._answers_count == 1
        self.is_hasty = self._hasty_count >= _HASTY_MAX
        why = "without a word" if error is None else describe_os_error(error)
        if not self._answers_count:
            why += " before its first answer; it may take one client only, or not ours"
        self._fail(LinkLost(f"{self._where} closed the connection: {why}"))


class TcpLine(ModbusLine):
    """A Modbus TCP endpoint: one connection for all its units; answers are matched by number."""

    def __init__(self, name: str, bus: "TcpBus", clock: "Clock") -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self.request_cost = NETWORK_REQUEST_COST
        self._connection = TcpConnection(bus, clock, self._hear, self._fail, self._sound)
        self._buffer = bytearray()
        self._loop: asyncio.AbstractEventLoop  # asked for once a connection: to ask is a system call
        self._go: ReadSequence | None = None
        self._number = 0  # of the last question

    @property
    def is_connected(self) -> bool:
        """Return whether the connection is up, as far as the kernel knows."""
        return self._connection.is_connected

    def record(self, tape: "FrameRecorder | None") -> None:
        """Record to ``tape`` what is received and sent."""
        self._connection.record(tape)

    async def _connect(self) -> None:
        self._buffer.clear()
        self._loop = asyncio.get_running_loop()
        await self._connection.open()

    def _disconnect(self) -> None:
        self._connection.drop()
        self._buffer.clear()

    async def make(self, go: ReadSequence) -> None:
        """Make the reads as any line does; between a valid answer and the next request no task is woken."""
        if self._rests:
            await super().make(go)
        try:
            while not go.is_over:
                await self._hold(go)
        finally:
            if self.answer_cache is not None:
                self.answer_cache.store_answers(go)

    async def _hold(self, go: ReadSequence) -> None:
        """Keep the line until the batch is over, an answer was unusual, or somebody else waits for it."""
        if not self._lock.take():
            await self._lock.wait()
        try:
            if not self._connection.is_connected:
                await self._ensure_open()
            self._wait_s = self._timeout_s
            self._stats["requests_count"] += 1
            try:
                answer = await self._find_unusual_answer(go)
                if answer is None:
                    return
                go.found(await self._check_answer(go.request, answer) if answer.exception else answer)
            except (GarbledAnswer, OutOfSync, TimeoutError) as error:
                missed = await self._handle_failure(go.request, error)
                if not self._retries_count:
                    raise missed from error
            except (NoReply, LinkLost):
                if not self._retries_count:
                    raise
            else:
                return
        finally:
            self._lock.give()
        self.count("retries_count")
        go.found(await self.exchange(go.request, retries_count=self._retries_count - 1))

    async def _ask(self, request: Request) -> Answer:
        go = ReadSequence((request,), self._clock.now_ns)
        answer = await self._find_unusual_answer(go)
        return Answer((), 0, go.answers[0], request) if answer is None else answer

    async def _find_unusual_answer(self, go: ReadSequence) -> Answer | None:
        """Return an unusual answer that the go has not taken; None if it took all that came."""
        loop = self._loop
        waiter = self._waiter = ExchangeWaiter(loop=loop)
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
        self._connection.note_answer()
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
        if go is None or self._buffer or not isinstance(waiter, ExchangeWaiter) or waiter.done():
            return None
        try:
            frame = go.take_answer(data)
        except BaseException as error:  # a bug in the caller is raised where it waits for the answer
            waiter.set_exception(error)
            raise
        if frame is None:
            return None
        if not frame or self._lock.waiting or self._connection.is_hasty:
            waiter.wake(None)  # nothing is left to do here: the task may go on in it
            return b""
        self._connection.note_answer()
        self._stats["requests_count"] += 1
        self._deadline_s = self._loop.time() + self._wait_s
        return frame

    def _hear_odd(self, data: bytes) -> None:
        """Take other bytes: for the current request, or too late for an older one."""
        self._connection.note_received_bytes()
        self._buffer += data
        answers, answer = LateAnswers(), None
        # Without a request nothing matches number -1: whatever comes is late.
        request, number = (go.request, go.number) if (go := self._go) else (Request(0, 3, 0, 1), -1)
        try:
            answer = take_tcp_answer(self._buffer, request, number, answers)
        except OutOfSync as error:
            self._fail(error)
            self._disconnect()
        except GarbledAnswer as error:
            self._fail(error)
        self.count("late_count", answers.late)
        if answer is not None:
            self._settle(answer)

    async def _recover(self, request: Request, error: Exception) -> None:
        del request
        if isinstance(error, TimeoutError):
            self._connection.note_timeout(torn=len(self._buffer) > 0)
