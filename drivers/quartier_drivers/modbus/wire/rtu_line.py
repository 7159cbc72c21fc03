"""A line whose answers carry no number, as in Modbus RTU: they are recognised by their content.

After a time-out the unit *owes* an answer: another request to it waits until that can no longer come; a
repetition of the same request need not wait, because the late answer fits it.
"""

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING

from quartier_drivers.modbus.frames import Answer, GarbledAnswer, Request, RtuAnswerSearch
from quartier_drivers.modbus.wire.foreign_traffic import LineListener, RepeatedAnswers, is_foreign_request
from quartier_drivers.modbus.wire.line import ModbusLine

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for the whole contract
    from quartier_drivers.contract import Clock

# After this many time-outs an answer can no longer come, as far as anybody can wait.
_OWED_COUNT = 3
# A silent unit is awaited for twice the time of the slowest answer, and every few times for the whole time-
# out.
_PROBE_MIN_S = 0.1
_PROBE_SHORT_FROM = 3
_PROBE_WHOLE_EACH = 4
_FORGETS = 0.999


class RtuLine(ModbusLine):
    """A line without its wire; bytes arrive through ``_hear``."""

    def __init__(
        self, name: str, timeout_s: float, retries_count: int, pause_s: float, clock: "Clock"
    ) -> None:
        super().__init__(name, timeout_s, retries_count, pause_s, clock)
        self._rests = True  # for an answer that is owed
        self._answer_search: RtuAnswerSearch | None = None
        self._listener = LineListener()
        self._doubles = RepeatedAnswers()
        self._held: Answer | None = None  # an answer in doubt
        self._stats["foreign_count"] = 0.0
        self._owing_s: dict[int, float] = {}
        self._slowest_s: float | None = None
        self._probes_count: dict[int, int] = {}

    def ready_ns(self, unit: int) -> int:
        """Return when ``unit`` may be asked again without a wait (daemon time, ns)."""
        ready_ns = super().ready_ns(unit)
        if unit not in self._owing_s:
            return ready_ns
        left_s = self._owing_s[unit] - asyncio.get_running_loop().time()
        if left_s <= 0:
            del self._owing_s[unit]
            return ready_ns
        rate = float(getattr(self._clock, "rate", 1))
        return max(ready_ns, self._clock.now_ns() + int(left_s * rate * 1e9))

    @property
    def _awaits_answer(self) -> bool:
        """Return whether a request was sent whose answer has not come."""
        return self._waits

    @property
    def _is_sent(self) -> bool:
        """Return whether the current request was sent."""
        return True

    def _note_bytes(self) -> None:
        """Note that bytes came: the line is no longer silent."""

    def _hear(self, heard: bytes) -> None:
        data = self._listener.without_echo(heard)
        hunt, asked = self._answer_search, self._awaits_answer
        if not asked:
            self._overhear(data)
        self._note_bytes()
        if hunt is None or not data:
            return
        wrong_count = hunt.wrong_count
        try:
            answer = hunt.feed(data)
        except GarbledAnswer as error:
            self._fail(error)
            return
        if asked and answer is not None:
            self._accept(hunt, answer)
        elif hunt.wrong_count > wrong_count or answer is not None:
            self._late(hunt.request.unit)
        elif not asked and hunt.missing > 0:
            self._extend_late_answer(hunt.request.unit)  # the end of a slow answer is still to come

    def _accept(self, hunt: RtuAnswerSearch, answer: Answer) -> None:
        """Take an answer, unless another master asked for it; the bytes around it belong to others."""
        request = hunt.request
        if self._held is None and self._doubles.doubts(request, answer):
            self._held = answer
            loop = asyncio.get_running_loop()
            self._expect_by(loop, min(self._deadline_s, loop.time() + self._doubt_s(request)))
            try:
                more = hunt.search()
            except GarbledAnswer as error:
                self._fail(error)
                return
            if more is None:
                return
            answer = more
        if self._held is not None:
            self._late(request.unit)  # the previous answer came twice
        if hunt.before and is_foreign_request(hunt.before, request.unit, request.function, request.count):
            self._fail(GarbledAnswer("another master asked the unit for the same at the same time"))
        else:
            self._settle(answer)
        if hunt.before or hunt.rest:
            self._overhear(hunt.before + hunt.rest)

    def _doubt_s(self, request: Request) -> float:
        """Return how long in s the right answer may still take after a doubtful one."""
        return max(2 * (self._slowest_s or 0.0), _PROBE_MIN_S) + self._size_s(request)

    @abstractmethod
    def _size_s(self, request: Request) -> float:
        """Return the duration in s of the answer to ``request`` on the wire, as far as known."""

    def _overhear(self, data: bytes) -> None:
        before_count = self._listener.foreign_count
        self._listener.listen(data, asyncio.get_running_loop().time())
        self.count("foreign_count", self._listener.foreign_count - before_count)

    def _late(self, unit: int) -> None:
        """Handle an answer that nobody waits for; the next one may be as late."""
        self.count("late_count")
        self._doubles.note_surplus(unit)
        self._extend_late_answer(unit)

    def _expect_late_answer(self, unit: int, sent_s: float) -> None:
        """Note that an answer may still come, also if the task that asked is cancelled."""
        self._owing_s[unit] = sent_s + _OWED_COUNT * self._timeout_s

    def _extend_late_answer(self, unit: int) -> None:
        if unit in self._owing_s:
            now_s = asyncio.get_running_loop().time()
            self._owing_s[unit] = max(self._owing_s[unit], now_s + (_OWED_COUNT - 1) * self._timeout_s)

    async def _found(self, request: Request) -> Answer:
        """Return the awaited answer; a seemingly unfinished one may have been noise before it."""
        try:
            return await self._answer()
        except TimeoutError:
            if self._held is not None:
                self._doubles.note_no_surplus(request.unit)
                return self._held
            found = self._answer_search.search() if self._answer_search and self._is_sent else None
            if found is None:
                raise
            return found
        finally:
            self._held = None

    def _note_answer(self, request: Request, answer: Answer, owing_before_s: float, took_s: float) -> None:
        """Record an answer that was taken ``took_s`` after the request."""
        self._doubles.note_answer(request, answer)
        self._slowest_s = max(0.0, took_s, _FORGETS * (self._slowest_s or 0.0))
        self._probes_count.pop(request.unit, None)
        now_s = asyncio.get_running_loop().time()
        if owing_before_s > now_s:
            self._owing_s[request.unit] = now_s + 1.1 * self._timeout_s
        else:
            self._owing_s.pop(request.unit, None)

    async def _pace(self, unit: int, *, again: bool) -> None:
        loop = asyncio.get_running_loop()
        # A repeated request need not wait for the owed answer: a late answer fits it.
        while not again and (left_s := self._owing_s.get(unit, 0.0) - loop.time()) > 0:  # noqa: ASYNC110 - time is the event
            await asyncio.sleep(left_s)
        if not again:
            self._owing_s.pop(unit, None)
        await super()._pace(unit, again=again)

    async def _recover(self, request: Request, error: Exception) -> None:
        if self._answer_search is not None:
            # Another master's request may be in the received bytes, with its answer still to come.
            self._overhear(bytes(self._answer_search.buffer))
        if isinstance(error, GarbledAnswer):
            # The answer came, in whatever state; or that was noise, and the answer comes in its time.
            self._owing_s.pop(request.unit, None)
            if self._answer_search is None or not self._answer_search.is_headed:
                now_s = asyncio.get_running_loop().time()
                self._owing_s[request.unit] = now_s + 1.1 * self._timeout_s

    def _patience_s(self, unit: int) -> float:
        """Return a short time if others answer on this line: each probe of a dead unit costs their time."""
        count = self._probes_count[unit] = self._probes_count.get(unit, 0) + 1
        if count < _PROBE_SHORT_FROM or count % _PROBE_WHOLE_EACH == 0 or self._slowest_s is None:
            return self._timeout_s
        return min(max(2 * self._slowest_s, _PROBE_MIN_S), self._timeout_s)

    def _why(self) -> str:
        wrong = self._answer_search.wrong if self._answer_search else ""
        return f"; a frame came that is no answer: {wrong}" if wrong else ""
