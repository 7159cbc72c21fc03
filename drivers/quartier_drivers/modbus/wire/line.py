"""The common part of all Modbus lines: one exchange at a time, pauses, retries, counters.

States:

- *Closed* (not ``is_connected``). ``open`` or the next request -> *idle*.
- *Idle*: open, the lock is free. ``exchange`` or ``carry`` takes the lock -> *pacing*.
- *Pacing*: wait until the pauses of the line and of the unit are over, then send -> *awaiting*.
- *Awaiting* (``_waits``): an answer or an exception of the device -> *idle*. A time-out or an invalid answer
  -> ``_recover``, then *pacing* if the request is repeated, else *idle*. LinkLost -> *closed*; a repeated
  request opens it again.

Invariants:

- The lock is held from before the pause until the last attempt ends; who waits longest gets it next.
- A write is sent once at most: after a failure its outcome is unknown. A probe is sent once, too.
- A write is not sent at or after its ``expires_ns``.
- An answer settles only the request that awaits it; ``_recover`` makes sure that a late one is not taken.
- All counters exist from the start and never decrease.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quartier_drivers.errors import Expired, LinkLost, NoReply
from quartier_drivers.modbus.frames import EXCEPTIONS, Answer, GarbledAnswer, OutOfSync, Request
from quartier_drivers.modbus.wire.exchanges import ReadSequence
from quartier_drivers.transport.event_loop import FairLock

if TYPE_CHECKING:
    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.wire.exchanges import AnswerCache, ExchangeWaiter

_BUSY_S = 0.1
_BUSY_EXCEPTIONS = (5, 6)
# Exceptions of a Modbus gateway that cannot reach the unit, and of a GX for a missing service.
GATEWAY_EXCEPTIONS = (10, 11)
_COUNTERS = (
    "requests_count",
    "retries_count",
    "timeouts_count",
    "rubbish_count",
    "late_count",
    "exceptions_count",
    "connects_count",
    "skipped_count",
)


class ModbusLine(ABC):
    """A line without its wire.  Waiting for an answer is in real time; pauses are in daemon time."""

    def __init__(
        self, name: str, timeout_s: float, retries_count: int, pause_s: float, clock: "Clock"
    ) -> None:
        self.name = name
        self._timeout_s = timeout_s
        self._wait_s = timeout_s
        self._retries_count = retries_count
        self._pause_s = pause_s
        self._clock = clock
        self._lock = FairLock()
        self._line_ready_ns = 0
        self._unit_ready_ns: dict[int, int] = {}
        self._rests = pause_s > 0
        """Whether a caller may have to wait before a request."""
        self._waiter: asyncio.Future[Any] | ExchangeWaiter[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0
        self._deadline_s = 0.0
        self._stats = dict.fromkeys(_COUNTERS, 0.0)
        self.request_cost = 0.0
        """How many registers could be read in the time of one more request."""
        self.answer_cache: AnswerCache | None = None
        """Keeps the answers if other clients may ask for the same."""

    @property
    def stats(self) -> Mapping[str, float]:
        """Counters since start: requests, retries, time-outs, invalid answers, late answers ….

        All exist from the start.
        """
        return self._stats

    @property
    @abstractmethod
    def is_connected(self) -> bool:
        """Return whether the connection or port is open."""

    def ready_ns(self, unit: int) -> int:
        """Return when ``unit`` may be asked again without a wait (daemon time, ns)."""
        return max(self._line_ready_ns, self._unit_ready_ns.get(unit, 0))

    def count(self, name: str, step: float = 1) -> None:
        """Add to a counter of the line."""
        self._stats[name] += step

    async def open(self) -> None:
        """Open the port or connection.  Raises LinkLost, naming what is missing."""
        if not self._lock.take():
            await self._lock.wait()
        try:
            await self._ensure_open()
        finally:
            self._lock.give()

    async def close(self) -> None:
        """Close the line; it may be opened again."""
        self._stop_timer()
        self._disconnect()

    async def exchange(
        self,
        request: Request,
        pause_s: float = 0.0,
        expires_ns: int | None = None,
        *,
        probes: bool = False,
        retries_count: int | None = None,
    ) -> Answer:
        """Make one request and return its checked answer, an exception of the device included.

        A read without a valid answer is repeated, ``retries_count`` times at most (None: as the bus has it).
        A write is not, because its outcome is unknown; nor is a request that ``probes`` whether a silent unit
        is back, because the other units wait meanwhile.  After it the unit is left alone for ``pause_s``.
        Raises NoReply (silent, invalid, busy; a write that a Modbus gateway could not deliver), LinkLost, or
        Expired if its turn did not come before ``expires_ns``.
        """
        if not self._lock.take():
            await self._lock.wait()
        try:
            self._wait_s = self._patience_s(request.unit) if probes else self._timeout_s
            most = self._retries_count if retries_count is None else retries_count
            left = most = 0 if request.writes or probes else most
            while True:
                if not self.is_connected:
                    await self._ensure_open()
                try:
                    answer = await self._attempt(request, pause_s, expires_ns, again=left < most)
                except (NoReply, LinkLost):
                    if not left:
                        raise
                    self.count("retries_count")
                    left -= 1
                else:
                    return answer
        finally:
            self._lock.give()

    async def carry(self, request: Request, limit_s: float, pause_s: float = 0.0) -> Answer:
        """Make one request of another client, once, and return whatever the device answers.

        It may take ``limit_s`` (real) at most, less if the bus waits less for its own; otherwise as
        ``exchange``.  Raises NoReply or LinkLost.
        """
        if not self._lock.take():
            await self._lock.wait()
        try:
            self._wait_s = min(limit_s, self._timeout_s)
            if not self.is_connected:
                await self._ensure_open()
            return await self._attempt(request, pause_s, None, again=False, judges=False)
        finally:
            self._lock.give()

    async def make(self, go: ReadSequence) -> None:
        """Make the reads of ``go`` one after the other, each as by ``exchange``.

        Other users of the line go in between.  After a failed read it stops and raises as ``exchange``;
        ``go`` keeps the earlier answers.
        """
        while not go.is_over:
            go.found(await self.exchange(go.request))

    async def _attempt(
        self,
        request: Request,
        pause_s: float,
        expires_ns: int | None,
        *,
        again: bool,
        judges: bool = True,
    ) -> Answer:
        if self._rests:
            await self._pace(request.unit, again=again)
        if expires_ns is not None and self._clock.now_ns() >= expires_ns:
            raise Expired(f"unit {request.unit}: the line was not free before the command expired")
        self._stats["requests_count"] += 1
        try:
            answer = await self._ask(request)
        except (GarbledAnswer, OutOfSync, TimeoutError) as error:
            raise await self._handle_failure(request, error) from error
        finally:
            if self._pause_s or pause_s:
                self._rest(request.unit, pause_s)
            if self.answer_cache is not None and request.writes:  # whatever became of it
                self.answer_cache.forget(request.unit)
        if not answer.exception:
            if self.answer_cache is not None:
                self.answer_cache.store_answer(request, answer, self._clock.now_ns())
            return answer
        if judges:
            return await self._check_answer(request, answer)
        self.count("exceptions_count")
        return answer

    async def _handle_failure(self, request: Request, error: Exception) -> NoReply:
        """Count the fault and make the next request safe; return the error to raise."""
        is_silent = isinstance(error, TimeoutError)
        self.count("timeouts_count" if is_silent else "rubbish_count")
        await self._recover(request, error)
        if is_silent:
            return NoReply(f"unit {request.unit} is silent{self._why()}")
        return NoReply(f"unit {request.unit} answered rubbish: {error}")

    async def _check_answer(self, request: Request, answer: Answer) -> Answer:
        self.count("exceptions_count")
        if answer.exception in _BUSY_EXCEPTIONS and not request.writes:
            await self._clock.sleep(_BUSY_S)
        if answer.exception in _BUSY_EXCEPTIONS or (
            request.writes and answer.exception in GATEWAY_EXCEPTIONS
        ):
            raise NoReply(f"unit {request.unit}: {EXCEPTIONS[answer.exception]}")
        return answer

    async def _ensure_open(self) -> None:
        if not self.is_connected:
            await self._connect()
            self.count("connects_count")

    async def _pace(self, unit: int, *, again: bool) -> None:
        """Wait for the unit's and the line's pause; ``again``: a request is repeated."""
        del again
        wait_ns = ModbusLine.ready_ns(self, unit) - self._clock.now_ns()
        if wait_ns > 0:
            await self._clock.sleep(wait_ns / 1e9)

    def _rest(self, unit: int, pause_s: float) -> None:
        now_ns = self._clock.now_ns()
        self._line_ready_ns = now_ns + int(self._pause_s * 1e9)
        self._unit_ready_ns[unit] = now_ns + int(pause_s * 1e9)
        self._rests = True

    def _expect(self, deadline_s: float) -> None:
        """Expect an answer from ``_settle`` or ``_fail`` from now on.

        TimeoutError at ``deadline_s`` (loop time).
        """
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        self._expect_by(loop, deadline_s)

    def _expect_by(self, loop: asyncio.AbstractEventLoop, deadline_s: float) -> None:
        """Change the deadline of the same answer."""
        self._deadline_s = deadline_s
        # One timer for many requests: if it fires too early, it is set anew.
        if self._timer is None or self._timer_s > deadline_s:
            self._set_timer(loop)

    async def _answer(self) -> Answer:
        """Return the expected answer; raises what ``_fail`` gave."""
        assert self._waiter is not None
        try:
            answer: Answer = await self._waiter
            return answer
        finally:
            self._waiter = None

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_s = self._deadline_s
        self._timer = loop.call_at(self._timer_s, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if loop.time() < self._deadline_s:
            self._set_timer(loop)
        else:
            self._fail(TimeoutError())

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _waits(self) -> bool:
        """Return whether an answer is awaited that has not come."""
        return self._waiter is not None and not self._waiter.done()

    def _settle(self, answer: Any) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(answer)

    def _fail(self, error: BaseException) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def _patience_s(self, unit: int) -> float:
        """Return how long to wait in s for a unit that was silent before."""
        del unit
        return self._timeout_s

    def _why(self) -> str:
        """Return further information about a time-out."""
        return ""

    @abstractmethod
    async def _connect(self) -> None:
        """Open the port or connection.  Raises LinkLost."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Close the port or connection at once."""

    @abstractmethod
    async def _ask(self, request: Request) -> Answer:
        """Send and wait.  Raises TimeoutError, GarbledAnswer, OutOfSync or LinkLost."""

    @abstractmethod
    async def _recover(self, request: Request, error: Exception) -> None:
        """Bring the line into a state in which the next request is safe."""
