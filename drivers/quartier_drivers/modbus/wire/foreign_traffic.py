"""Own echo, other masters and repeated answers on a serial line (pure).

The only sign is that an answer has the same data as the last one, to a request for as much elsewhere. Two
blocks with equal content are rare, but exist (all zeros): so in doubt the line listens on for a while, and no
longer doubts a unit from which nothing more ever came.

Frames of requests: Modbus Application Protocol V1.1b3, section 6; RTU framing: Serial Line V1.02, 2.5.1.
"""

from dataclasses import dataclass

from quartier_drivers.modbus.frames import Answer, Request
from quartier_native import crc16

# After this many doubtful answers with nothing behind them, the unit's blocks do have equal content.
_ALONE_MAX = 3


class RepeatedAnswers:
    """The last answer of each unit of a line."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[Request, bytes]] = {}
        self._alone_count: dict[int, int] = {}

    def doubts(self, request: Request, answer: Answer) -> bool:
        """Return whether the answer may be a copy of the unit's last one."""
        last = self._last.get(request.unit)
        if last is None or last[1] != answer.data or answer.exception or not request.gives:
            return False
        before = last[0]
        alike = (before.function, before.count) == (request.function, request.count)
        elsewhere = before.address != request.address
        return alike and elsewhere and self._alone_count.get(request.unit, 0) < _ALONE_MAX

    def note_answer(self, request: Request, answer: Answer) -> None:
        """Record the answer of the unit."""
        self._last[request.unit] = request, answer.data

    def note_no_surplus(self, unit: int) -> None:
        """Note that nothing came after a doubtful answer."""
        self._alone_count[unit] = self._alone_count.get(unit, 0) + 1

    def note_surplus(self, unit: int) -> None:
        """Note that the unit sent more than it was asked for."""
        self._alone_count.pop(unit, None)


# Sizes of complete request frames by function, CRC included; the others contain their length.
_FIXED = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 4, 22: 10}
_COUNTED = {15: (9, 6), 16: (9, 6), 23: (13, 10)}
_READS = (1, 2, 3, 4)
_KEPT_MAX = 512


@dataclass(frozen=True, slots=True)
class ForeignRequest:
    """A request of another master: ``count`` is that of a read, else 0."""

    unit: int
    function: int
    count: int
    receive_s: float

    def is_like_ours(self, unit: int, function: int, count: int) -> bool:
        """Return whether its answer cannot be distinguished from the answer to our request."""
        return (self.unit, self.function, self.count) == (unit, function, count)


class LineListener:
    """Listens to a line while no unit answers us.  ``echoes``: whether the adapter returns our own bytes.

    This is learnt from reads, whose request is never an answer; None until one was answered.
    """

    def __init__(self) -> None:
        self.echoes: bool | None = None
        self.pending: ForeignRequest | None = None
        """A request of another master that still waits for its answer."""
        self.foreign_count = 0
        self._sent = b""
        self._echoed = b""
        self._received = bytearray()

    def note_request(self, frame: bytes, *, reads: bool) -> None:
        """Note that ``frame`` is about to be sent: the first bytes received may be its echo."""
        self._sent = frame if self.echoes or (self.echoes is None and reads) else b""
        self._echoed = b""
        self._received.clear()

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
        self._received += data
        del self._received[:-_KEPT_MAX]
        start = 0
        while start < len(self._received) - 3:
            size = self._frame(start, now_s)
            start += size or 1
            if size:
                del self._received[:start]
                start = 0

    def _frame(self, start: int, now_s: float) -> int:
        """Record the valid frame at ``start`` and return its length; 0 if there is none."""
        data = self._received
        unit, function = data[start], data[start + 1]
        if self.pending is not None and unit == self.pending.unit:
            size = self._answer_size(start)
            if size and not crc16(data[start : start + size]):
                self.pending = None
                return size
        size = _find_request_size(data, start)
        if not size or len(data) < start + size or crc16(data[start : start + size]):
            return 0
        self.pending = ForeignRequest(unit, function, _read_count(data, start), now_s)
        self.foreign_count += 1
        return size

    def _answer_size(self, start: int) -> int:
        """Return the length of an answer beginning there; 0 while it is incomplete."""
        function = self._received[start + 1]
        if function & 0x80:
            size = 5
        elif function in (*_READS, 23):
            size = 5 + self._received[start + 2]
        else:
            size = 10 if function == 22 else 8
        return size if len(self._received) >= start + size else 0


def _find_request_size(data: bytearray, start: int) -> int:
    function = data[start + 1]
    if function in _FIXED:
        return _FIXED[function]
    if function in _COUNTED:
        size, place = _COUNTED[function]
        return size + data[start + place] if len(data) > start + place else 0
    return 0


def is_foreign_request(heard: bytes, unit: int, function: int, count: int) -> bool:
    """Return whether ``heard``, before an apparent answer, contains another master's request for the same."""
    data = bytearray(heard)
    for start in range(len(data) - 3):
        size = _find_request_size(data, start)
        if size and len(data) >= start + size and not crc16(data[start : start + size]):
            request = ForeignRequest(data[start], data[start + 1], _read_count(data, start), 0.0)
            if request.is_like_ours(unit, function, count):
                return True
    return False


def _read_count(data: bytearray, start: int) -> int:
    """Return the count of a read request; 0 for another one."""
    return int.from_bytes(data[start + 4 : start + 6], "big") if data[start + 1] in _READS else 0
