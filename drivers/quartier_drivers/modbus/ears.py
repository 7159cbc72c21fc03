"""Recognises other traffic on a serial line: our own echo, and the exchanges of another master.  Pure.

Frames of requests: Modbus Application Protocol V1.1b3, section 6; RTU framing: Serial Line V1.02, 2.5.1.
"""

from dataclasses import dataclass

from quartier_native import crc16

# Sizes of complete request frames by function, CRC included; the others contain their length.
_FIXED = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 4, 22: 10}
_COUNTED = {15: (9, 6), 16: (9, 6), 23: (13, 10)}
_READS = (1, 2, 3, 4)
_KEPT_MAX = 512


@dataclass(frozen=True, slots=True)
class Foreign:
    """A request of another master: ``count`` is that of a read, else 0."""

    unit: int
    function: int
    count: int
    heard_s: float

    def twin_of(self, unit: int, function: int, count: int) -> bool:
        """Return whether its answer cannot be distinguished from the answer to our request."""
        return (self.unit, self.function, self.count) == (unit, function, count)


class Ears:
    """Listens to a line while nobody answers us.  ``echoes``: whether the adapter returns our own bytes.

    That is learnt from reads, whose request is never an answer; None until one was answered.
    """

    def __init__(self) -> None:
        self.echoes: bool | None = None
        self.pending: Foreign | None = None
        """A request of another master that still waits for its answer."""
        self.foreign_count = 0
        self._sent = b""
        self._echoed = b""
        self._heard = bytearray()

    def sent(self, frame: bytes, *, reads: bool) -> None:
        """Note that ``frame`` is about to be sent: the first bytes received may be its echo."""
        self._sent = frame if self.echoes or (self.echoes is None and reads) else b""
        self._echoed = b""
        self._heard.clear()

    def without_echo(self, data: bytes) -> bytes:
        """Return the bytes after our own echo, which may come in pieces."""
        if not self._sent:
            return data
        heard, whole = self._echoed + data, self._sent
        if whole.startswith(heard[: len(whole)]) and len(heard) < len(whole):
            self._echoed = heard
            return b""
        self._sent = self._echoed = b""
        if heard.startswith(whole):
            self.echoes = True
            return heard[len(whole) :]
        # We received other bytes than we sent: there is no echo, or somebody sent at the same time.
        if self.echoes is None:
            self.echoes = False
        return heard

    def listen(self, data: bytes, now_s: float) -> None:
        """Take bytes received while no answer to us is due."""
        self._heard += data
        del self._heard[:-_KEPT_MAX]
        start = 0
        while start < len(self._heard) - 3:
            size = self._frame(start, now_s)
            start += size or 1
            if size:
                del self._heard[:start]
                start = 0

    def _frame(self, start: int, now_s: float) -> int:
        """Record the valid frame at ``start`` and return its length; 0 if there is none."""
        heard = self._heard
        unit, function = heard[start], heard[start + 1]
        if self.pending is not None and unit == self.pending.unit:
            size = self._answer_size(start)
            if size and not crc16(heard[start : start + size]):
                self.pending = None
                return size
        size = _request_size(heard, start)
        if not size or len(heard) < start + size or crc16(heard[start : start + size]):
            return 0
        self.pending = Foreign(unit, function, _count(heard, start), now_s)
        self.foreign_count += 1
        return size

    def _answer_size(self, start: int) -> int:
        """Return the length of an answer beginning there; 0 while it is incomplete."""
        function = self._heard[start + 1]
        if function & 0x80:
            size = 5
        elif function in (*_READS, 23):
            size = 5 + self._heard[start + 2]
        else:
            size = 10 if function == 22 else 8
        return size if len(self._heard) >= start + size else 0


def _request_size(heard: bytearray, start: int) -> int:
    function = heard[start + 1]
    if function in _FIXED:
        return _FIXED[function]
    if function in _COUNTED:
        size, place = _COUNTED[function]
        return size + heard[start + place] if len(heard) > start + place else 0
    return 0


def asked_by_another(heard: bytes, unit: int, function: int, count: int) -> bool:
    """Return whether ``heard``, before an apparent answer, contains another master's request for the same."""
    data = bytearray(heard)
    for start in range(len(data) - 3):
        size = _request_size(data, start)
        if size and len(data) >= start + size and not crc16(data[start : start + size]):
            told = Foreign(data[start], data[start + 1], _count(data, start), 0.0)
            if told.twin_of(unit, function, count):
                return True
    return False


def _count(heard: bytearray, start: int) -> int:
    """Return the count of a read request; 0 for another one."""
    return int.from_bytes(heard[start + 4 : start + 6], "big") if heard[start + 1] in _READS else 0
