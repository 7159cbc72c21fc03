"""Track sent messages until the district has stored them; find lost ones (pure).

A district stores the messages of a session in order. So a message counts as lost only if the watermark of its
stream stopped at it for ``wait_s``, and either a message that was sent later is stored, or no stream moved
meanwhile: a late district has not lost anything. One message is sent again, then twice as many if the next
ones are lost too: the messages behind the first may be stored already.
"""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from quartier.district.records import Outbox, has_reached
from quartier.site.samples import SampleBlock, StreamPosition

_S = 1_000_000_000
# With more messages of one stream, live ones are merged, the newest first, because the oldest matter.
_MESSAGES_MAX = 64
_STANDSTILL_S = 60


@dataclass(slots=True, order=True)
class _SentMessage:
    """Samples ``first`` to ``last`` of a boot, when they were sent, and whether late."""

    boot: int
    first: int
    last: int
    ns: int
    late: bool

    @property
    def end(self) -> StreamPosition:
        """Return the mark of the last sample."""
        return StreamPosition(self.boot, self.last)


class LostRange(NamedTuple):
    """Lost samples between these marks. ``is_again``: they were sent again before without success."""

    above: StreamPosition | None
    upto: StreamPosition
    is_again: bool


@dataclass(slots=True)
class _StreamMessages:
    """Messages of a stream in flight, in order; when its mark moved; how many were lost in a row."""

    messages: list[_SentMessage]
    progress_ns: int = 0
    lost_count: int = 0
    repeated_ns: int = 0
    waits_count: int = 0


class SentMessages:
    """All streams of one connection. The wait doubles, up to ``wait_max_s``, while nothing is stored."""

    def __init__(self, wait_s: float, wait_max_s: float) -> None:
        self._wait_ns, self._wait_max_ns = round(wait_s * _S), round(wait_max_s * _S)
        self.stored_count = 0
        """Samples of history that were confirmed, over all connections."""
        self.begin()

    def begin(self) -> None:
        """Begin a new connection: nothing is in flight."""
        self._streams: dict[str, _StreamMessages] = {}
        self.covered_ns = 0
        """When the newest stored message was sent."""
        self._progress_ns = 0

    @property
    def late_count(self) -> int:
        """Return the number of messages of history in flight.

        After a loss, messages that were sent before the repetition may be stored already. They no longer
        count; otherwise the window would never let the lost message be sent again.
        """
        return sum(
            one.late and one.ns >= stream.repeated_ns
            for stream in self._streams.values()
            for one in stream.messages
        )

    @property
    def is_in_flight(self) -> bool:
        """Return whether any message is in flight."""
        return any(stream.messages for stream in self._streams.values())

    def note_sent_samples(
        self, stream: str, boot: int, first: int, count: int, now_ns: int, *, late: bool
    ) -> None:
        """Note a sent message with ``count`` samples from ``first`` on."""
        if count <= 0:
            return
        found = self._streams.setdefault(stream, _StreamMessages([]))
        insort(found.messages, _SentMessage(boot, first, first + count - 1, now_ns, late))
        if len(found.messages) > _MESSAGES_MAX:
            _join_live(found.messages)

    def remove_confirmed(self, marks: Mapping[str, StreamPosition], now_ns: int) -> bool:
        """Remove what the new ``marks`` cover; return whether that is more than before."""
        is_moved = False
        for name, stream in self._streams.items():
            mark = marks.get(name)
            while stream.messages and (gone := self._take(stream.messages, mark)) is not None:
                self.covered_ns = max(self.covered_ns, gone.ns)
                stream.progress_ns, is_moved = now_ns, True
                stream.waits_count = 0
                if gone.late:
                    self.stored_count += gone.last - gone.first + 1
        if is_moved:
            self._progress_ns = now_ns
        return is_moved

    @staticmethod
    def _take(messages: list[_SentMessage], mark: StreamPosition | None) -> _SentMessage | None:
        """Remove and return the covered part of the first message; None if nothing of it is covered."""
        head = messages[0]
        if not has_reached(mark, StreamPosition(head.boot, head.first)):
            return None
        if not has_reached(mark, head.end) and mark is not None:
            covered = _SentMessage(head.boot, head.first, mark.seq, head.ns, head.late)
            head.first = mark.seq + 1
            return covered
        return messages.pop(0)

    def find_queue_age_s(self, now_ns: int) -> float:
        """Return the age of the oldest message of history that no later one overtook; 0 if there is none.

        A stream that stops while others move does not count: it waits for a lost message.
        """
        before_ns = now_ns - _STANDSTILL_S * _S
        stands = self._progress_ns > before_ns
        times = [
            one.ns
            for stream in self._streams.values()
            for one in stream.messages
            if one.late
            and one.ns >= max(self.covered_ns, stream.repeated_ns)
            and not (stands and max(one.ns, stream.progress_ns) < before_ns)
        ]
        return (now_ns - min(times)) / _S if times else 0.0

    def remove_lost(
        self, marks: Mapping[str, StreamPosition], outbox: Outbox, now_ns: int, wait_s: float | None = None
    ) -> dict[str, LostRange]:
        """Return what was lost, by stream, as the last watermark shows.

        It no longer counts as in flight; the caller sends it again. ``wait_s``: how long the watermark must
        stop at it, if that is less than usual.
        """
        found: dict[str, LostRange] = {}
        wait_ns = self._wait_ns if wait_s is None else round(wait_s * _S)
        for name, stream in self._streams.items():
            if not stream.messages or stream.messages[0].ns >= stream.repeated_ns:
                stream.lost_count = stream.repeated_ns = 0
            if not stream.messages:
                continue
            if self._is_lost(stream, now_ns, wait_ns) and _is_next(
                stream.messages, marks.get(name), name, outbox
            ):
                stream.lost_count = max(1, 2 * stream.lost_count)
                is_again = stream.waits_count > 0
                stream.waits_count += 1
                stream.progress_ns = stream.repeated_ns = now_ns
                gone = _take_consecutive(stream.messages, stream.lost_count)
                del stream.messages[: len(gone)]
                found[name] = LostRange(marks.get(name), gone[-1].end, is_again)
        return found

    def _is_lost(self, stream: _StreamMessages, now_ns: int, least_ns: int) -> bool:
        head = stream.messages[0]
        if head.ns < stream.repeated_ns <= self.covered_ns:
            return True  # the message before it was lost, was repeated, and is stored
        wait_ns = min(least_ns << min(stream.waits_count, 16), self._wait_max_ns)
        if now_ns - max(head.ns, stream.progress_ns) < wait_ns:
            return False
        return head.ns < self.covered_ns or now_ns - max(head.ns, self._progress_ns) >= wait_ns


def _is_next(messages: list[_SentMessage], mark: StreamPosition | None, name: str, outbox: Outbox) -> bool:
    """Return whether the oldest message holds the next sample above the mark; drop evicted messages."""
    found = outbox.run(name, mark, 1)
    while messages and (found is None or not has_reached(messages[0].end, _find_begin(found))):
        del messages[0]
    return bool(messages) and found is not None and has_reached(_find_begin(found), _find_begin(messages[0]))


def _find_begin(one: SampleBlock | _SentMessage) -> StreamPosition:
    return StreamPosition(one.boot, one.first)


def _take_consecutive(messages: list[_SentMessage], count: int) -> list[_SentMessage]:
    """Return up to ``count`` messages of one boot that follow each other without a gap."""
    found = messages[:1]
    for one in messages[1:count]:
        if (one.boot, one.first) != (found[-1].boot, found[-1].last + 1):
            break
        found.append(one)
    return found


def _join_live(messages: list[_SentMessage]) -> None:
    """Merge the last two consecutive live messages."""
    for place in range(len(messages) - 1, 0, -1):
        before, after = messages[place - 1], messages[place]
        if not before.late and not after.late and (after.boot, after.first) == (before.boot, before.last + 1):
            messages[place - 1] = _SentMessage(before.boot, before.first, after.last, after.ns, late=False)
            del messages[place]
            return
