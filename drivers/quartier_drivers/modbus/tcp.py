"""A Modbus TCP endpoint: one connection for all its units."""

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.connection import Connection
from quartier_drivers.modbus.frame import Answer, OutOfStep, Request, Rubbish, Seen, is_answer, take_tcp
from quartier_drivers.modbus.line import Line, Talk
from quartier_drivers.modbus.waiter import Waiter

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for its models
    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.bus import TcpBus

T = TypeVar("T")
# A device answers in some 5 ms, whatever it is asked; behind a gateway to a serial line 1 ms a register.
REQUEST_COST = 60.0


class Over(NamedTuple):
    """A talk has ended: what it ``learned``."""

    learned: Any


class TcpLink(Line):
    """A Modbus TCP endpoint: one connection for all its units, answers told apart by their number."""

    def __init__(self, name: str, bus: "TcpBus", clock: "Clock") -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self.request_cost = REQUEST_COST
        self._connection = Connection(bus, clock, self._hear, self._fail)
        self._buffer = bytearray()
        self._request: Request | None = None
        self._last: Request  # what was asked last
        self._talk: Talk[Any] | None = None
        self._number = 0
        self._mark = b""  # the same as it stands in front of its frame

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

    async def converse(self, talk: Talk[T], pause_s: float = 0.0) -> T:
        """As every line; from one sound answer to the next request no task is woken."""
        if pause_s or self._rests:
            return await super().converse(talk, pause_s)
        try:
            request = next(talk)
            while True:
                told = await self._held(talk, request)
                if isinstance(told, Over):
                    return cast("T", told.learned)
                request = talk.send(told)
        except StopIteration as ended:
            return cast("T", ended.value)
        finally:
            talk.close()

    async def _held(self, talk: Talk[T], request: Request) -> "Answer | Over":
        """Hold the talk from ``request`` on until it is over, or there is an answer that it was not given."""
        if not self._turn.take():
            await self._turn.wait()
        try:
            if not self.connected:
                await self._opened()
            self._wait_s = self._timeout_s
            self._stats["requests_count"] += 1
            try:
                told = await self._asked(request, talk)
                plain = isinstance(told, Over) or not told.exception
                return told if plain else await self._judged(self._last, cast("Answer", told))
            except (Rubbish, OutOfStep, TimeoutError) as error:
                missed = await self._failed(self._last, error)
                if not self._retries_count:
                    raise missed from error
            except (NoReply, LinkLost):
                if not self._retries_count:
                    raise
            last = self._last
        finally:
            self._turn.give()
        self.count("retries_count")
        return await self.exchange(last, retries_count=self._retries_count - 1)

    async def _ask(self, request: Request) -> Answer:
        told = await self._asked(request, None)
        assert isinstance(told, Answer)
        return told

    async def _asked(self, request: Request, talk: Talk[Any] | None) -> "Answer | Over":
        loop = asyncio.get_running_loop()
        waiter = self._waiter = Waiter(loop)
        self._talk = talk
        try:
            self._say(loop, request)
            told: Answer | Over = await waiter
        finally:
            self._request = self._waiter = self._talk = None
        self._connection.answered()
        return told

    def _say(self, loop: asyncio.AbstractEventLoop, request: Request) -> None:
        number = self._number = self._number % 0xFFFF + 1
        self._mark = mark = number.to_bytes(2, "big")
        self._request = self._last = request
        self._expect_by(loop, loop.time() + self._wait_s)
        self._connection.send(mark + request.tcp)

    def _hear(self, data: bytes) -> None:
        """Bytes came: as a rule just the answer that is waited for."""
        request = self._request
        if request is None or self._buffer or not is_answer(data, request, self._mark):
            self._hear_odd(data)
            return
        answer, talk = Answer((), 0, data[9:], request), self._talk
        if talk is None or self._turn.wanted or self._connection.is_hasty or not self._waits:
            self._settle(answer)  # nothing is left to do here: the task may go on in it
        else:
            self._go_on(talk, answer)

    def _go_on(self, talk: Talk[Any], answer: Answer) -> None:
        """Give a talk its answer, and ask what it asks next."""
        try:
            request = talk.send(answer)
            self._connection.answered()
            self._stats["requests_count"] += 1
            self._say(asyncio.get_running_loop(), request)
        except StopIteration as ended:
            self._settle(Over(ended.value))
        except LinkLost as error:
            self._fail(error)
        except BaseException as error:  # a bug of who talks is told to who waits for him
            self._fail(error)
            raise

    def _hear_odd(self, data: bytes) -> None:
        """Bytes came, for the request that waits or too late for an older one."""
        self._connection.heard()
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

    async def _recover(self, request: Request, error: Exception) -> None:
        del request
        if isinstance(error, TimeoutError):
            self._connection.timed_out(torn=len(self._buffer) > 0)
