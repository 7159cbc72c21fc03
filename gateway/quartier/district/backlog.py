"""What must still be delivered late: spans of numbers per stream, oldest first (pure)."""

from collections import deque
from collections.abc import Collection, Mapping

from quartier.district.messages import METRICS_MAX
from quartier.district.outbox import Outbox, reached
from quartier.house.sample import Mark, Run

# More spans than this are joined into one: the keys let the receiver drop what comes twice.
SPANS_MAX = 16


class _Span:
    """Per stream: the last number sent (None: none yet) and the last one to send."""

    def __init__(self, above: Mapping[str, Mark], goal: Mapping[str, Mark]) -> None:
        self.goal = {stream: mark for stream, mark in goal.items() if not reached(above.get(stream), mark)}
        self.sent: dict[str, Mark | None] = {stream: above.get(stream) for stream in self.goal}
        self.upto_ms: dict[str, int] = dict.fromkeys(self.goal, 0)


class Backlog:
    """Spans in the order they arose.  Inside a span the stream that lags most goes next."""

    def __init__(self) -> None:
        self._spans: deque[_Span] = deque()

    def __bool__(self) -> bool:
        return bool(self._spans)

    def clear(self) -> None:
        """Forget everything; a new session starts from the watermark."""
        self._spans.clear()

    def add(self, above: Mapping[str, Mark], goal: Mapping[str, Mark], *, first: bool = False) -> None:
        """Everything above the first marks up to the second ones is to be sent, ``first`` before all else."""
        span = _Span(above, goal)
        if not span.goal:
            return
        if len(self._spans) >= SPANS_MAX:
            span = self._joined(span)
            self.clear()
        if first:
            self._spans.appendleft(span)
        else:
            self._spans.append(span)

    def _joined(self, last: _Span) -> _Span:
        above: dict[str, Mark | None] = {}
        goal: dict[str, Mark] = {}
        for span in (*self._spans, last):
            for stream, mark in span.goal.items():
                above.setdefault(stream, span.sent[stream])
                goal[stream] = mark if not reached(goal.get(stream), mark) else goal[stream]
        return _Span({stream: mark for stream, mark in above.items() if mark is not None}, goal)

    def holds(self, stream: str) -> bool:
        """Whether samples of ``stream`` are still to be sent."""
        return any(stream in span.goal for span in self._spans)

    def covered(self, marks: Mapping[str, Mark]) -> None:
        """The receiver has everything up to ``marks`` already: skip it."""
        for span in self._spans:
            for stream in [name for name, goal in span.goal.items() if reached(marks.get(name), goal)]:
                self._finish(span, stream)
            for stream, sent in span.sent.items():
                mark = marks.get(stream)
                if stream in span.goal and mark is not None and (sent is None or reached(mark, sent)):
                    span.sent[stream] = mark
        self._prune()

    def peek(self, outbox: Outbox, dead: Collection[str]) -> Run | None:
        """What goes next, enough for a message: all of one stream, none of ``dead``; None at the end."""
        for span in tuple(self._spans):
            while wanted := [stream for stream in span.goal if stream not in dead]:
                stream = min(wanted, key=lambda name: span.upto_ms[name])
                if (found := _fetch(outbox, span, stream)) is not None:
                    return found
                self._finish(span, stream)
        self._prune()
        return None

    def sent(self, run: Run, count: int) -> None:
        """The first ``count`` samples of the last ``peek`` went out."""
        mark = Mark(run.boot, run.first + count - 1)
        span = next(span for span in self._spans if run.stream in span.goal)
        span.sent[run.stream] = mark
        span.upto_ms[run.stream] = run.times_ms[count - 1]
        if reached(mark, span.goal[run.stream]):
            self._finish(span, run.stream)
        self._prune()

    @staticmethod
    def _finish(span: _Span, stream: str) -> None:
        del span.goal[stream], span.sent[stream], span.upto_ms[stream]

    def _prune(self) -> None:
        while self._spans and not self._spans[0].goal:
            self._spans.popleft()


def _fetch(outbox: Outbox, span: _Span, stream: str) -> Run | None:
    goal = span.goal[stream]
    run = outbox.run(stream, span.sent[stream], METRICS_MAX)
    if run is None or not reached(goal, Mark(run.boot, run.first)):
        return None
    return run if run.boot < goal.boot else run.head(goal.seq - run.first + 1)
