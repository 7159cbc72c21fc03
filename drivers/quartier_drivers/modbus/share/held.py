"""Keeps the last answers of a line, for clients who ask the same: the original bytes and their age; pure.

A read inside one answer gets its part of it; what two answers would have to give together is asked anew,
because the halves of a number may be of two moments.
"""

from collections import OrderedDict

from quartier_drivers.modbus.frame import Answer, Request
from quartier_drivers.modbus.go import Go

# Most answers kept per table of a unit, and most tables.
ANSWERS_MAX = 64
TABLES_MAX = 64
_BITS, _REGISTERS = (1, 2), (3, 4)


class Held:
    """The answers of one line.  A write to a unit invalidates all its earlier answers."""

    def __init__(self) -> None:
        self._tables: dict[tuple[int, int], OrderedDict[tuple[int, int], tuple[bytes, int]]] = {}

    def took(self, go: Go) -> None:
        """Store the answered reads of a go."""
        for request, data, taken_ns in zip(go.requests, go.answers, go.taken_ns, strict=False):
            self._put(request, data, taken_ns)

    def saw(self, request: Request, answer: Answer, now_ns: int) -> None:
        """Handle a successful exchange."""
        if request.writes:
            self.forget(request.unit)
        elif not answer.exception:
            self._put(request, answer.data, now_ns)

    def forget(self, unit: int) -> None:
        """Forget the answers of a unit, which may have changed."""
        for key in [key for key in self._tables if key[0] == unit]:
            del self._tables[key]

    def find(self, request: Request, not_before_ns: int) -> bytes | None:
        """Return the data of a read, not older than ``not_before_ns``; None if there is none."""
        answers = self._tables.get((request.unit, request.function))
        if answers is None or request.raw:
            return None
        whole = answers.get((request.address, request.count))
        if whole is not None and whole[1] >= not_before_ns:
            return whole[0]
        for (first, count), (data, taken_ns) in reversed(answers.items()):
            before = request.address - first
            if taken_ns >= not_before_ns and before >= 0 and before + request.count <= count:
                return _part(request, data, before)
        return None

    def _put(self, request: Request, data: bytes, taken_ns: int) -> None:
        if request.function not in _BITS and request.function not in _REGISTERS:
            return
        key = request.unit, request.function
        answers = self._tables.get(key)
        if answers is None:
            if len(self._tables) >= TABLES_MAX:
                del self._tables[next(iter(self._tables))]
            answers = self._tables[key] = OrderedDict()
        place = request.address, request.count
        answers[place] = data, taken_ns
        answers.move_to_end(place)
        if len(answers) > ANSWERS_MAX:
            answers.popitem(last=False)


def _part(request: Request, data: bytes, before: int) -> bytes:
    if request.function in _REGISTERS:
        return data[2 * before : 2 * (before + request.count)]
    bits = int.from_bytes(data, "little") >> before & (1 << request.count) - 1
    return bits.to_bytes(request.data_size, "little")
