"""Decides which late samples go next, at which rate, and which lost ones go again (pure)."""

from collections.abc import Collection, Mapping

from quartier.district.backlog import Backlog
from quartier.district.effects import Scene
from quartier.district.flight import Flight
from quartier.district.flow import Flow
from quartier.district.outbox import Outbox
from quartier.district.rules import Rules
from quartier.house.now import Now
from quartier.house.sample import Mark, Run

_S = 1_000_000_000


class History:
    """The late samples of all connections, one after the other.

    ``phase`` of 0..1 spreads gateways that wait for the same watermark.

    ``backlog`` holds the spans that are still to be sent.
    """

    def __init__(self, rules: Rules, phase: float) -> None:
        self.backlog = Backlog()
        self.resent_count = 0
        self._is_confirmed = rules.watermark
        self._wait_ns = round((rules.watermark_wait_s if rules.watermark else 0.0) * _S)
        self._flow = Flow(rules.backfill_messages_per_s, is_acknowledged=rules.watermark, phase=phase)
        self._flight = Flight(rules.arrival_s, rules.back_off_max_s)
        self._opens_ns = 0
        self._taken_count = 0
        self._arrival_s = rules.arrival_s

    def begin(self, now: Now) -> None:
        """Begin a new connection: history waits some seconds for a watermark that knows its births."""
        self.backlog.clear()
        self._flight.begin()
        self._flow.begin(now.ns)
        self._opens_ns = now.ns + self._wait_ns

    @property
    def is_flying(self) -> bool:
        """Whether anything that was sent, live or late, is not confirmed."""
        return self._flight.is_flying

    @property
    def is_unconfirmed(self) -> bool:
        """Whether history that was sent is not confirmed."""
        return self._flight.late_count > 0

    @property
    def covered_ns(self) -> int:
        """When the newest message that is confirmed was sent."""
        return self._flight.covered_ns

    def sent(self, run: Run, place: int, count: int, now: Now, *, late: bool) -> None:
        """Note a sent message with ``count`` samples of ``run`` from ``place`` on."""
        if late:
            self.backlog.sent(run, count)
            self._flow.spend()
        if self._is_confirmed:
            self._flight.sent(run.stream, run.boot, run.first + place, count, now.ns, late=late)

    def covered(self, marks: Mapping[str, Mark], now: Now) -> bool:
        """Take off what the new ``marks`` confirm; return whether that is more than before."""
        return self._flight.covered(marks, now.ns)

    def heard(
        self, late_s: float | None, marks: Mapping[str, Mark], scene: Scene, *, is_moved: bool, echoes: bool
    ) -> None:
        """Take a watermark with its ``late_s``; ``echoes``: it names this session's bdSeq.

        Lost samples go again: the first time before those that were never sent.
        """
        now_ns = scene.now.ns
        if echoes:
            self._opens_ns = min(self._opens_ns, now_ns)
            wait_s = self._flow.lost_s(self._arrival_s)
            for stream, gone in self._flight.lost(marks, scene.outbox, now_ns, wait_s).items():
                self.resent_count += 1
                above = {} if gone.above is None else {stream: gone.above}
                self.backlog.add(above, {stream: gone.upto}, first=not gone.is_again)
        queued_s = self._flight.queued_s(now_ns)
        before_count, self._taken_count = self._taken_count, self._flight.taken_count
        taken_count = self._taken_count - before_count
        self._flow.heard(now_ns, is_moved=is_moved, queued_s=queued_s, late_s=late_s, taken_count=taken_count)

    def earn(self, now: Now) -> None:
        """Let the rate earn the time that passed."""
        may_go = bool(self.backlog) and now.ns >= self._opens_ns
        flight = self._flight
        flying_count, flying_s = flight.late_count, flight.queued_s(now.ns)
        self._flow.earn(now.ns, counts=may_go, flying_count=flying_count, flying_s=flying_s)

    def next(self, outbox: Outbox, dead: Collection[str], now: Now) -> Run | None:
        """Return the samples that may go now, enough for a message; None where none may."""
        if now.ns < self._opens_ns or not self._flow.allows(self._flight.late_count):
            return None
        run = self.backlog.peek(outbox, dead)
        return None if run is None else run.head(self._flow.portion)
