"""Units that say an answer twice: on a serial line nothing tells the second from the next answer.  Pure.

What can be seen is that it holds the same data as the last answer, to a question for as much elsewhere.
Two blocks that hold the same are rare, but there are some (nothing but noughts): so whoever doubts listens
on for a while, and no longer doubts a unit from which nothing more ever came.
"""

from quartier_drivers.modbus.frame import Answer, Request

# So often nothing came behind an answer in doubt: the unit's blocks do hold the same.
_ALONE_MAX = 3


class Doubles:
    """What each unit of a line said last."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[Request, bytes]] = {}
        self._alone_count: dict[int, int] = {}

    def doubts(self, request: Request, answer: Answer) -> bool:
        """Return whether it may be the unit's last answer once more."""
        last = self._last.get(request.unit)
        if last is None or last[1] != answer.data or answer.exception or not request.gives:
            return False
        before = last[0]
        alike = (before.function, before.count) == (request.function, request.count)
        elsewhere = before.address != request.address
        return alike and elsewhere and self._alone_count.get(request.unit, 0) < _ALONE_MAX

    def took(self, request: Request, answer: Answer) -> None:
        """This is what the unit said."""
        self._last[request.unit] = request, answer.data

    def alone(self, unit: int) -> None:
        """Nothing came behind an answer in doubt."""
        self._alone_count[unit] = self._alone_count.get(unit, 0) + 1

    def seen(self, unit: int) -> None:
        """The unit said more than it was asked for."""
        self._alone_count.pop(unit, None)
