"""Detects units that send an answer twice: on a serial line nothing marks the second copy.  Pure.

The only sign is that an answer has the same data as the last one, to a request for as much elsewhere. Two
blocks with equal content are rare, but exist (all zeros): so in doubt the line listens on for a while, and no
longer doubts a unit from which nothing more ever came.
"""

from quartier_drivers.modbus.frame import Answer, Request

# After this many doubtful answers with nothing behind them, the unit's blocks do have equal content.
_ALONE_MAX = 3


class Doubles:
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

    def took(self, request: Request, answer: Answer) -> None:
        """Record the answer of the unit."""
        self._last[request.unit] = request, answer.data

    def alone(self, unit: int) -> None:
        """Note that nothing came after a doubtful answer."""
        self._alone_count[unit] = self._alone_count.get(unit, 0) + 1

    def seen(self, unit: int) -> None:
        """Note that the unit sent more than it was asked for."""
        self._alone_count.pop(unit, None)
