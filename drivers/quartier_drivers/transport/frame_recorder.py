"""Records the last bytes on the wire of a bus: a rolling buffer, bounded in bytes and in time.

The last identity exchange of each device is kept beyond that time: without it a record cannot be replayed,
because a driver begins with it.

The buffer keeps the objects that the kernel gave and took: nothing is copied and nothing is inspected.  A
frame costs three small objects, none of which the garbage collector follows.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal

FrameKind = Literal["in", "out", "opened", "set", "ended", "closed"]
"""Bytes received or sent; a wire opened or set again, ended by itself, or closed by us."""

# Memory of a frame besides its bytes: the head of a bytes object, a time, and their two places.
OVERHEAD_BYTES = 96
_TEXT_BYTES = 256
# Share of the buffer that is freed at once, so that not each frame of a full buffer has to free room.
_DROP_SHARE = 16
_IDENTITY_SHARE = 4


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """An event on a wire at ``ns`` (the daemon's monotonic time); ``number`` counts from the start.

    ``words`` describe events without bytes.  ``here`` and ``there`` are ``address:port`` of the two ends, for
    a connection as it is opened and for a datagram; else empty.  ``device`` names the device if the frame is
    part of its identity exchange.
    """

    number: int
    ns: int
    way: FrameKind
    data: bytes = b""
    words: str = ""
    here: str = ""
    there: str = ""
    device: str = ""


class FrameRecorder:
    """Keeps at most ``size_max_bytes``, its own cost included; beyond ``keep_s`` only identities."""

    __slots__ = (
        "_dropped_count",
        "_identities",
        "_keep_ns",
        "_left_bytes",
        "_log",
        "_now_ns",
        "_opened",
        "keep_s",
        "size_max_bytes",
    )

    def __init__(self, now_ns: Callable[[], int], size_max_bytes: int, keep_s: float) -> None:
        self.size_max_bytes = size_max_bytes
        self.keep_s = keep_s
        self._keep_ns = int(keep_s * 1e9)
        self._now_ns = now_ns
        self._left_bytes = size_max_bytes
        # Alternately a time (inverted if sent) and its content: bytes, or bytes with the peer, or words.
        self._log: deque[Any] = deque()
        self._dropped_count = 0
        self._opened: RecordedFrame | None = None
        self._identities: dict[str, list[RecordedFrame]] = {}

    def resize(self, size_max_bytes: int, keep_s: float) -> None:
        """Change the bounds; frames beyond them are dropped, the oldest first."""
        self._left_bytes += size_max_bytes - self.size_max_bytes
        self.size_max_bytes, self.keep_s, self._keep_ns = size_max_bytes, keep_s, int(keep_s * 1e9)
        if self._left_bytes < 0:
            self._make_room()
        self.age()

    def record_received(self, data: bytes) -> None:
        """Record received bytes."""
        log = self._log
        log.append(self._now_ns())
        log.append(data)
        self._left_bytes -= len(data) + OVERHEAD_BYTES
        if self._left_bytes < 0:
            self._make_room()

    def record_sent(self, data: bytes) -> None:
        """Record bytes that are about to be sent."""
        log = self._log
        log.append(~self._now_ns())
        log.append(data)
        self._left_bytes -= len(data) + OVERHEAD_BYTES
        if self._left_bytes < 0:
            self._make_room()

    def record_received_datagram(self, data: bytes, host: str, port: int) -> None:
        """Record a received datagram."""
        self._tell(self._now_ns(), (data, host, port))

    def record_sent_datagram(self, data: bytes, host: str, port: int) -> None:
        """Record a datagram that is about to be sent."""
        self._tell(~self._now_ns(), (data, host, port))

    def mark(self, way: FrameKind, words: str, here: str = "", there: str = "") -> None:
        """Record an event of the wire."""
        self._tell(self._now_ns(), (way, words, here, there))

    @property
    def next_number(self) -> int:
        """The number of the next frame."""
        return self._dropped_count + len(self._log) // 2

    def keep_identity(self, device: str, since: int) -> None:
        """Keep the frames from number ``since`` on as the newest identity exchange of the device.

        All identities together have at most a quarter of the buffer; one that would exceed it is not kept.
        """
        self._left_bytes += _find_cost_bytes(self._identities.pop(device, ()))
        found = [
            replace(one, device=device)
            for one in _make_frames(list(self._log), self._dropped_count, since - 1)
        ]
        held_bytes = sum(map(_find_cost_bytes, self._identities.values()))
        if held_bytes + _find_cost_bytes(found) <= self.size_max_bytes // _IDENTITY_SHARE:
            self._identities[device] = found
            self._left_bytes -= _find_cost_bytes(found)
            if self._left_bytes < 0:
                self._make_room()

    @property
    def size_bytes(self) -> int:
        """The recorded size, by its own count."""
        return self.size_max_bytes - self._left_bytes

    def age(self) -> None:
        """Drop frames older than ``keep_s``; to be called now and then."""
        log, oldest_ns = self._log, self._now_ns() - self._keep_ns
        while log and max(log[0], ~log[0]) < oldest_ns:
            self._drop()

    def frames(self, after: int = -1) -> Iterator[RecordedFrame]:
        """Yield the frames with numbers above ``after``, the oldest first.

        Before them come the last opening of the wire and the last identity exchange of each device, however
        old. The content is taken at once; each frame is made on demand, in any thread.
        """
        self.age()
        named = {one.number: one for found in self._identities.values() for one in found}
        begun = named if self._opened is None else {self._opened.number: self._opened} | named
        first = [begun[number] for number in sorted(begun) if after < number < self._dropped_count]
        rest = _make_frames(list(self._log), self._dropped_count, after)
        return chain(first, (named.get(one.number, one) for one in rest))

    def _tell(self, stamp: int, entry: tuple[Any, ...]) -> None:
        self._log.append(stamp)
        self._log.append(entry)
        self._left_bytes -= _find_size(entry)
        if self._left_bytes < 0:
            self._make_room()

    def _make_room(self) -> None:
        """Drop the oldest frames; each frame is dropped once, so this costs as much as keeping it."""
        log, enough, left = self._log, self.size_max_bytes // _DROP_SHARE, self._left_bytes
        take, dropped_count = log.popleft, self._dropped_count
        while log and left < enough:
            stamp, entry = take(), take()
            if type(entry) is bytes:
                left += len(entry) + OVERHEAD_BYTES
            else:
                left += _find_size(entry)
                self._remember(dropped_count, stamp, entry)
            dropped_count += 1
        self._left_bytes, self._dropped_count = left, dropped_count

    def _drop(self) -> None:
        stamp, entry = self._log.popleft(), self._log.popleft()
        self._left_bytes += _find_size(entry)
        self._remember(self._dropped_count, stamp, entry)
        self._dropped_count += 1

    def _remember(self, number: int, stamp: int, entry: Any) -> None:
        if type(entry) is tuple and entry[0] == "opened":
            self._opened = _make_frame(number, stamp, entry)


def _find_cost_bytes(frames: Iterable[RecordedFrame]) -> int:
    return sum(len(one.data) + _TEXT_BYTES for one in frames)


def _make_frames(held: list[Any], number: int, after: int) -> Iterator[RecordedFrame]:
    for place in range(2 * max(0, after + 1 - number), len(held), 2):
        yield _make_frame(number + place // 2, held[place], held[place + 1])


def _find_size(entry: Any) -> int:
    if type(entry) is bytes:
        return len(entry) + OVERHEAD_BYTES
    return _TEXT_BYTES + (len(entry[0]) if type(entry[0]) is bytes else len(entry[1]))


def _make_frame(number: int, stamp: int, entry: Any) -> RecordedFrame:
    ns, way = (stamp, "in") if stamp >= 0 else (~stamp, "out")
    if type(entry) is bytes:
        return RecordedFrame(number, ns, way, entry)  # type: ignore[arg-type]  # one of the two
    if type(entry[0]) is bytes:
        data, host, port = entry
        return RecordedFrame(number, ns, way, data, there=f"{host}:{port}")  # type: ignore[arg-type]  # as above
    told, words, here, there = entry
    return RecordedFrame(number, ns, told, b"", words, here, there)
