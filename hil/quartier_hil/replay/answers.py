"""Answers of the recorded device by request: the same request gets the same answers, in their order.

Pure: bytes and seconds in, bytes and seconds out.
"""

import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from quartier_hil.replay.story import Event, Story

_HEAD = 7  # of a Modbus TCP frame: number, protocol, length, unit


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that came ``after_s`` the request; ``ends``: the device closed the connection instead."""

    after_s: float
    data: bytes = b""
    ends: bool = False


Answer = tuple[Piece, ...]
"""Empty where the device was silent."""


class Answers:
    """``unasked`` is what came before anything was asked.  The last answer to a request stays."""

    def __init__(self, story: Story) -> None:
        self._is_numbered = story.speech == "modbus-tcp"
        self._of: dict[bytes, deque[tuple[int, Answer]]] = {}
        self.strangers_count = 0
        """Number of requests that are not in the record."""
        self.unasked: Answer = ()
        self._learn(story.events)

    def _learn(self, events: Iterable[Event]) -> None:
        request: Event | None = None
        pieces: list[Piece] = []
        first_ns: int | None = None
        for event in events:
            first_ns = event.ns if first_ns is None else first_ns
            if event.way == "out":
                self._keep(request, pieces)
                request, pieces = event, []
            else:
                since_ns = first_ns if request is None else request.ns
                pieces.append(Piece((event.ns - since_ns) / 1e9, event.data, event.way == "ended"))
        self._keep(request, pieces)

    def _keep(self, request: Event | None, pieces: list[Piece]) -> None:
        if request is None:
            self.unasked = tuple(pieces)
            return
        number = int.from_bytes(request.data[:2], "big") if self._is_numbered else 0
        self._of.setdefault(self._key(request.data), deque()).append((number, tuple(pieces)))

    def _key(self, request: bytes) -> bytes:
        return request[_HEAD - 1 :] if self._is_numbered else request

    @property
    def requests(self) -> list[bytes]:
        """Requests in the record, without the transaction numbers of Modbus TCP; the longest first."""
        return sorted(self._of, key=len, reverse=True)

    def answer(self, request: bytes) -> Answer | None:
        """Return the device's next answer to a whole request; None where the record has no such request."""
        left = self._of.get(self._key(request))
        if left is None:
            self.strangers_count += 1
            return None
        number, pieces = left[0] if len(left) == 1 else left.popleft()
        if not self._is_numbered:
            return pieces
        shift = int.from_bytes(request[:2], "big") - number
        return tuple(Piece(one.after_s, _renumbered(one.data, shift), one.ends) for one in pieces)


def _renumbered(data: bytes, shift: int) -> bytes:
    """The frames in ``data`` with their numbers moved: a late answer stays as late as it was."""
    found = bytearray(data)
    start = 0
    while start + _HEAD <= len(found):
        number, _, size = struct.unpack_from(">HHH", found, start)
        struct.pack_into(">H", found, start, (number + shift) & 0xFFFF)
        start += 6 + size
    return bytes(found)
