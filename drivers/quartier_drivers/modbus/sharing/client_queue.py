"""A queue of other clients' requests: when the bus has nothing else to do, one of them is sent, and no more.

A read whose answer is known and recent enough does not wait at all.  A request that would hardly be finished
when the bus's own next request is due waits for a longer gap, though not for ever.
"""

import asyncio
from collections.abc import Callable, Mapping
from math import inf

from quartier_drivers.contract import Clock
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.sharing.client_limits import FailedRequests
from quartier_drivers.modbus.sharing.client_requests import (
    GATEWAY_NO_RESPONSE,
    SERVER_BUSY,
    encode_answer,
    encode_exception,
)
from quartier_drivers.modbus.sharing.pending_requests import PendingRequest, RequestOutcome, WaitingRequests
from quartier_drivers.modbus.wire.exchanges import AnswerCache
from quartier_drivers.modbus.wire.line import ModbusLine

# Real seconds: most clients have given up by then.
WAIT_MAX_S = 2.0
# How long in s a request waits for a gap that is long enough.
PATIENCE_S = 0.5
# How fast the slowness of a unit is forgotten.
_FORGETS = 0.9


class ClientQueue:
    """The requests of all clients of one line, each client in turn.

    ``is_up`` returns whether the line is up, ``is_silent`` whether a unit is known not to answer;
    ``pauses_s`` are the pauses of units after a read and after a write.  ``wake`` is called when something
    waits.
    """

    def __init__(
        self,
        line: ModbusLine,
        clock: Clock,
        is_up: Callable[[], bool],
        is_silent: Callable[[int], bool],
        pauses_s: Mapping[int, tuple[float, float]],
        wake: Callable[[], None],
    ) -> None:
        self.again_s = inf
        """Seconds of daemon time until ``serve`` may be useful again; valid after it returned False."""
        self._line = line
        self._clock = clock
        self._is_up = is_up
        self._is_silent, self._pauses_s = is_silent, pauses_s
        self._wake = wake
        self._waiting = WaitingRequests()
        self._took_ns: dict[int, float] = {}
        self._failed_requests = FailedRequests()
        self._answer_cache = line.answer_cache = AnswerCache()

    def offer(self, pending: PendingRequest) -> None:
        """Answer the request at once, or let it wait for its turn."""
        if not self._is_answered(pending):
            self._waiting.add(pending)
            self._wake()

    async def serve(self, gap_ns: int | None) -> bool:
        """Make one request that fits into a gap of ``gap_ns`` (None: of any length).

        Return whether there was one.  Raises LinkLost.
        """
        pending = self._next(gap_ns)
        if pending is None:
            return False
        if not self._is_answered(pending):  # by what came while it waited
            await self._make(pending)
        return True

    def sweep(self) -> None:
        """End requests that have waited too long, and those whose client is gone."""
        before_s = asyncio.get_running_loop().time() - WAIT_MAX_S
        for pending in self._waiting:
            if pending.is_wanted and pending.since_s > before_s:
                continue
            self._waiting.remove(pending)
            fate: RequestOutcome = "busy" if pending.is_wanted else "dropped"
            pending.end(encode_exception(pending.request.request.function, SERVER_BUSY), fate)

    def close(self) -> None:
        """Stop serving: end all waiting requests."""
        self._line.answer_cache = None
        for pending in self._waiting:
            self._waiting.remove(pending)
            self._absent(pending, "the share ends")

    def _next(self, gap_ns: int | None) -> PendingRequest | None:
        """Return the request whose turn it is, or None."""
        self.again_s = inf
        if not self._waiting:
            return None
        self.sweep()
        for pending in self._waiting.next():
            wait_s = self._wait_s(pending, gap_ns)
            if wait_s <= 0:
                self._waiting.take(pending)
                return pending
            self.again_s = min(self.again_s, wait_s)
        return None

    def _wait_s(self, pending: PendingRequest, gap_ns: int | None) -> float:
        """Return how long it must wait for its unit's pause, or for a longer gap, in s of daemon time."""
        rest_ns = self._line.ready_ns(pending.unit) - self._clock.now_ns()
        if rest_ns > 0:
            return rest_ns / 1e9
        if gap_ns is None or self._took_ns.get(pending.unit, 0.0) <= gap_ns:
            return 0.0
        patience_s = pending.since_s + PATIENCE_S - asyncio.get_running_loop().time()
        return patience_s * float(getattr(self._clock, "rate", 1))

    def _is_answered(self, pending: PendingRequest) -> bool:
        request, terms = pending.request.request, pending.terms
        if pending.request.written is None and terms.age_max_s:
            data = self._answer_cache.find(request, self._clock.now_ns() - int(terms.age_max_s * 1e9))
            if data is not None:
                pending.end(request.sound + data, "held")
                return True
        if not self._is_up():
            self._absent(pending, "the line is lost")
        elif self._is_silent(request.unit):
            self._absent(pending, "the unit is silent")
        elif self._failed_requests.holds(terms.name, request, asyncio.get_running_loop().time()):
            self._absent(pending, "it was asked in vain just now")
        return pending.is_over

    def _absent(self, pending: PendingRequest, why: str) -> None:
        pending.end(encode_exception(pending.request.request.function, GATEWAY_NO_RESPONSE), "absent", why)

    async def _make(self, pending: PendingRequest) -> None:
        request, name = pending.request.request, pending.terms.name
        pause_s = self._pauses_s.get(request.unit, (0.0, 0.0))[pending.request.written is not None]
        started_ns, why = self._clock.now_ns(), "given up"
        try:
            answer = await self._line.carry(request, pending.terms.wire_max_s, pause_s)
        except (NoReply, LinkLost) as error:
            why = str(error)
            self._failed_requests.note_no_answer(name, request, asyncio.get_running_loop().time())
            if isinstance(error, LinkLost):
                raise
        else:
            self._failed_requests.note_answer(name, request)
            pending.end(encode_answer(request, answer), "wire")
        finally:
            took_ns = self._clock.now_ns() - started_ns
            self._took_ns[request.unit] = max(took_ns, _FORGETS * self._took_ns.get(request.unit, 0.0))
            pending.end(encode_exception(request.function, GATEWAY_NO_RESPONSE), "unanswered", why)
