"""A client of the site file at work: its requests are checked, limited, counted and forwarded."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from quartier_drivers.modbus.share.allowance import Allowance
from quartier_drivers.modbus.share.asked import BUSY, Asked, asked, refused
from quartier_drivers.modbus.share.errand import Errand, Fate
from quartier_drivers.modbus.share.guest import Guest
from quartier_drivers.modbus.share.intake import Frame
from quartier_drivers.modbus.share.queue import Queue
from quartier_drivers.modbus.share.tally import Tally
from quartier_drivers.modbus.share.terms import Terms
from quartier_drivers.modbus.share.written import WRITES, Refusal, Written

Verdict = Literal["done", "refused", "unknown", "barred"]

# Exception 5, acknowledge: the device has begun.
_TAKES_A_WHILE = 5
# Many clients send all their requests in one burst, and take a refusal for a fault of the device.
BURST_S = 10.0
# A connection without a request for this long makes room for a new one.
IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Passed:
    """A write of another client and its verdict.

    ``verdict`` is ``refused`` by the device, with its exception in ``why``, ``unknown`` if it did not answer,
    ``barred`` if the site file does not allow it.
    """

    client: str
    address: str
    unit: int
    function: int
    written: Written | None
    verdict: Verdict
    why: str = ""


class Client:
    """One client; ``tell`` is called for each write that was sent or barred.  Times are real."""

    def __init__(self, terms: Terms, queue: Queue, tell: Callable[[Passed], None]) -> None:
        now_ns = _now_ns()
        self.terms = terms
        self.tally = Tally()
        self.guests: set[Guest] = set()
        self._queue = queue
        self._tell = tell
        self._outstanding_count = 0
        self._requests = Allowance(terms.requests_per_s, BURST_S * terms.requests_per_s, now_ns)
        self._writes = Allowance(terms.writes_per_h / 3600, terms.writes_per_h, now_ns)

    def admits(self) -> bool:
        """Return whether there is room for one more connection; an idle one is closed for it."""
        if len(self.guests) >= self.terms.connections_max:
            idle_s = asyncio.get_running_loop().time() - IDLE_S
            idle = [guest for guest in self.guests if guest.heard_s <= idle_s and not guest.waits]
            if not idle:
                return False
            min(idle, key=lambda guest: guest.heard_s).close()
        return True

    def joined(self, guest: Guest) -> None:
        """Add a new connection."""
        self.guests.add(guest)
        self.tally.connects += 1

    def left(self, guest: Guest) -> None:
        """Remove an ended connection: its waiting requests need not be sent."""
        self.guests.discard(guest)
        self._queue.sweep()

    def ask(self, guest: Guest, frame: Frame) -> bool:
        """Answer a request, now or later; return False if the limit is exceeded and reading must pause."""
        self.tally.requests += 1
        if not self._requests.take(_now_ns()):
            return self._too_many(guest, frame)
        try:
            one = asked(frame.unit, frame.pdu)
            self.terms.judge(one)
        except Refusal as refusal:
            self.tally.refused += 1
            self._barred(guest, frame)
            guest.answer(frame, refused(frame.pdu[0], refusal.code))
            return True
        if self._outstanding_count >= self.terms.outstanding_max:
            return self._too_many(guest, frame)
        if one.written is not None and not self._writes.take(_now_ns()):
            return self._too_many(guest, frame)
        self._send(guest, frame, one)
        return True

    def _send(self, guest: Guest, frame: Frame, one: Asked) -> None:
        def give(pdu: bytes, fate: Fate, why: str) -> None:
            self._outstanding_count -= 1
            guest.gone(errand)
            self.tally.ended(fate)
            if one.written is not None and fate in {"wire", "unanswered"}:
                self._wrote(guest, one, pdu, why)
            guest.answer(frame, pdu)

        errand = Errand(one, self.terms, asyncio.get_running_loop().time(), give)
        self._outstanding_count += 1
        guest.came(errand)
        self._queue.offer(errand)

    def _too_many(self, guest: Guest, frame: Frame) -> bool:
        self.tally.busy += 1
        guest.answer(frame, refused(frame.pdu[0], BUSY))
        return False

    def _wrote(self, guest: Guest, one: Asked, pdu: bytes, why: str) -> None:
        request = one.request
        verdict: Verdict = "unknown" if why else "done"
        if pdu[0] & 0x80 and not why:
            verdict, why = "unknown" if pdu[1] == _TAKES_A_WHILE else "refused", f"exception {pdu[1]}"
        self.tally.writes += 1
        who = self.terms.name, guest.address
        self._tell(Passed(*who, request.unit, request.function, one.written, verdict, why))

    def _barred(self, guest: Guest, frame: Frame) -> None:
        if frame.pdu[0] not in WRITES:
            return
        self.tally.refused_writes += 1
        try:
            _, written = WRITES[frame.pdu[0]](frame.pdu)
        except Refusal:
            written = None
        self._tell(Passed(self.terms.name, guest.address, frame.unit, frame.pdu[0], written, "barred"))


def _now_ns() -> int:
    return int(asyncio.get_running_loop().time() * 1e9)
