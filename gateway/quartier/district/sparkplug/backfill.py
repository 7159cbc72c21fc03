"""Decide which late samples are sent next, and which lost ones are sent again (pure).

States of a late sample: in the backlog -> sent, unconfirmed (``SentMessages``) -> confirmed by a watermark,
or lost and in the backlog again. A new connection puts everything above the marks into the backlog
(spec/sync.md#resend).

Invariants:

- A span is in the backlog until all its streams are sent or confirmed, or a new connection begins.
- Within a span a stream is sent in sequence; the stream that is furthest behind is next.
- No history is sent before ``_opens_ns``: a new connection waits some seconds for a watermark of its births.
- Window and rate of history follow ``backfill_rate`` (spec/sync.md#backfill).
- Only samples that the store still holds are sent: a span may name some that were evicted.
"""

from collections import deque
from collections.abc import Collection, Mapping

from quartier.district.records import Outbox, SessionContext, SessionRules, has_reached
from quartier.district.sparkplug.backfill_rate import BackfillRate
from quartier.district.sparkplug.data_messages import MESSAGE_METRICS_MAX
from quartier.district.sparkplug.sent_messages import SentMessages
from quartier.site.records import Now
from quartier.site.samples import SampleBlock, StreamPosition

# More spans than this are joined into one: the sample keys let the receiver drop duplicates.
SPANS_MAX = 16


class _Span:
    """Per stream: the last number sent (None: none yet) and the last one to send."""

    def __init__(self, above: Mapping[str, StreamPosition], goal: Mapping[str, StreamPosition]) -> None:
        self.goal = {
            stream: mark for stream, mark in goal.items() if not has_reached(above.get(stream), mark)
        }
        self.sent: dict[str, StreamPosition | None] = {stream: above.get(stream) for stream in self.goal}
        self.upto_ms: dict[str, int] = dict.fromkeys(self.goal, 0)


class Backlog:
    """Spans in the order in which they arose. Within a span the stream that is furthest behind is next."""

    def __init__(self) -> None:
        self._spans: deque[_Span] = deque()

    def __bool__(self) -> bool:
        return bool(self._spans)

    def clear(self) -> None:
        """Forget everything; a new session starts from the watermark."""
        self._spans.clear()

    def add(
        self, above: Mapping[str, StreamPosition], goal: Mapping[str, StreamPosition], *, first: bool = False
    ) -> None:
        """Add everything above the first marks up to the second ones, ``first`` before all else."""
        span = _Span(above, goal)
        if not span.goal:
            return
        if len(self._spans) >= SPANS_MAX:
            span = self._join_spans(span)
            self.clear()
        if first:
            self._spans.appendleft(span)
        else:
            self._spans.append(span)

    def _join_spans(self, last: _Span) -> _Span:
        above: dict[str, StreamPosition | None] = {}
        goal: dict[str, StreamPosition] = {}
        for span in (*self._spans, last):
            for stream, mark in span.goal.items():
                above.setdefault(stream, span.sent[stream])
                goal[stream] = mark if not has_reached(goal.get(stream), mark) else goal[stream]
        return _Span({stream: mark for stream, mark in above.items() if mark is not None}, goal)

    def holds(self, stream: str) -> bool:
        """Return whether samples of ``stream`` are still to be sent."""
        return any(stream in span.goal for span in self._spans)

    def skip_confirmed(self, marks: Mapping[str, StreamPosition]) -> None:
        """Skip everything up to ``marks``, because the receiver has it."""
        for span in self._spans:
            for stream in [name for name, goal in span.goal.items() if has_reached(marks.get(name), goal)]:
                self._finish(span, stream)
            for stream, sent in span.sent.items():
                mark = marks.get(stream)
                if stream in span.goal and mark is not None and (sent is None or has_reached(mark, sent)):
                    span.sent[stream] = mark
        self._prune()

    def peek(self, outbox: Outbox, dead: Collection[str]) -> SampleBlock | None:
        """Return the next samples for one message: one stream, none of ``dead``; None at the end."""
        for span in tuple(self._spans):
            while wanted := [stream for stream in span.goal if stream not in dead]:
                stream = min(wanted, key=lambda name: span.upto_ms[name])
                if (found := _find_run(outbox, span, stream)) is not None:
                    return found
                self._finish(span, stream)
        self._prune()
        return None

    def note_sent_samples(self, run: SampleBlock, count: int) -> None:
        """Note that the first ``count`` samples of the last ``peek`` were sent."""
        mark = StreamPosition(run.boot, run.first + count - 1)
        span = next(span for span in self._spans if run.stream in span.goal)
        span.sent[run.stream] = mark
        span.upto_ms[run.stream] = run.times_ms[count - 1]
        if has_reached(mark, span.goal[run.stream]):
            self._finish(span, run.stream)
        self._prune()

    @staticmethod
    def _finish(span: _Span, stream: str) -> None:
        del span.goal[stream], span.sent[stream], span.upto_ms[stream]

    def _prune(self) -> None:
        while self._spans and not self._spans[0].goal:
            self._spans.popleft()


def _find_run(outbox: Outbox, span: _Span, stream: str) -> SampleBlock | None:
    goal = span.goal[stream]
    run = outbox.run(stream, span.sent[stream], MESSAGE_METRICS_MAX)
    if run is None or not has_reached(goal, StreamPosition(run.boot, run.first)):
        return None
    return run if run.boot < goal.boot else run.head(goal.seq - run.first + 1)


_S = 1_000_000_000


class Backfill:
    """Late samples of all connections, one after the other.

    ``phase`` of 0..1 spreads gateways that wait for the same watermark. ``backlog`` holds the spans that are
    still to be sent.
    """

    def __init__(self, rules: SessionRules, phase: float) -> None:
        self.backlog = Backlog()
        self.resent_count = 0
        self._is_confirmed = rules.watermark
        self._wait_ns = round((rules.watermark_wait_s if rules.watermark else 0.0) * _S)
        self._flow = BackfillRate(rules.backfill_messages_per_s, is_acknowledged=rules.watermark, phase=phase)
        self._sent_messages = SentMessages(rules.arrival_s, rules.back_off_max_s)
        self._opens_ns = 0
        self._stored_count = 0
        self._arrival_s = rules.arrival_s

    def begin(self, now: Now) -> None:
        """Begin a new connection: history waits some seconds for a watermark that knows its births."""
        self.backlog.clear()
        self._sent_messages.begin()
        self._flow.begin(now.ns)
        self._opens_ns = now.ns + self._wait_ns

    @property
    def is_in_flight(self) -> bool:
        """Return whether anything sent, live or late, is unconfirmed."""
        return self._sent_messages.is_in_flight

    @property
    def is_unconfirmed(self) -> bool:
        """Return whether any history sent is unconfirmed."""
        return self._sent_messages.late_count > 0

    @property
    def last_confirmed_ns(self) -> int:
        """Return when the newest confirmed message was sent."""
        return self._sent_messages.covered_ns

    def note_sent_samples(self, run: SampleBlock, place: int, count: int, now: Now, *, late: bool) -> None:
        """Note a sent message with ``count`` samples of ``run`` from ``place`` on."""
        if late:
            self.backlog.note_sent_samples(run, count)
            self._flow.spend()
        if self._is_confirmed:
            self._sent_messages.note_sent_samples(
                run.stream, run.boot, run.first + place, count, now.ns, late=late
            )

    def remove_confirmed(self, marks: Mapping[str, StreamPosition], now: Now) -> bool:
        """Remove what the new ``marks`` confirm; return whether that is more than before."""
        return self._sent_messages.remove_confirmed(marks, now.ns)

    def process_watermark(
        self,
        late_s: float | None,
        marks: Mapping[str, StreamPosition],
        context: SessionContext,
        *,
        is_moved: bool,
        echoes: bool,
    ) -> None:
        """Process a watermark with its ``late_s``; ``echoes``: it names the bdSeq of this session.

        Lost samples are sent again: the first time before those that were never sent.
        """
        now_ns = context.now.ns
        if echoes:
            self._opens_ns = min(self._opens_ns, now_ns)
            wait_s = self._flow.find_loss_wait_s(self._arrival_s)
            for stream, gone in self._sent_messages.remove_lost(
                marks, context.outbox, now_ns, wait_s
            ).items():
                self.resent_count += 1
                above = {} if gone.above is None else {stream: gone.above}
                self.backlog.add(above, {stream: gone.upto}, first=not gone.is_again)
        queued_s = self._sent_messages.find_queue_age_s(now_ns)
        before_count, self._stored_count = self._stored_count, self._sent_messages.stored_count
        taken_count = self._stored_count - before_count
        self._flow.process_watermark(
            now_ns, is_moved=is_moved, queued_s=queued_s, late_s=late_s, taken_count=taken_count
        )

    def advance_rate(self, now: Now) -> None:
        """Add the sending rate of the time that passed."""
        may_go = bool(self.backlog) and now.ns >= self._opens_ns
        flight = self._sent_messages
        flying_count, flying_s = flight.late_count, flight.find_queue_age_s(now.ns)
        self._flow.advance(now.ns, counts=may_go, flying_count=flying_count, flying_s=flying_s)

    def next(self, outbox: Outbox, dead: Collection[str], now: Now) -> SampleBlock | None:
        """Return the samples that may be sent now, enough for a message; None if none may."""
        if now.ns < self._opens_ns or not self._flow.allows(self._sent_messages.late_count):
            return None
        run = self.backlog.peek(outbox, dead)
        return None if run is None else run.head(self._flow.portion)
