"""What somebody asks in vain: he is answered for it for a while, and the wire is spared; pure.

A question that a device leaves unanswered, or ends the connection for, is held back alone: whoever asks it
asks sound ones too.  After a few of them in a row the unit is held back from who asks.
"""

from collections.abc import Hashable

from quartier_drivers.modbus.frame import Request

FIRST_S, MOST_S = 2.0, 60.0
IN_A_ROW_MAX = 3
KEPT_MAX = 256


class Hush:
    """By who asks: each time in vain, twice as long.  Times are of one monotonic clock."""

    def __init__(self) -> None:
        self._until_s: dict[Hashable, tuple[float, float]] = {}
        self._in_a_row: dict[tuple[str, int], int] = {}

    def holds(self, who: str, request: Request, now_s: float) -> bool:
        """Return whether asking would be in vain, as far as is known."""
        return any(now_s < self._until_s.get(key, (0.0, 0.0))[0] for key in _keys(who, request))

    def asked_in_vain(self, who: str, request: Request, now_s: float) -> None:
        """There was no answer."""
        question, unit = _keys(who, request)
        self._hold(question, now_s)
        count = self._in_a_row.pop(unit, 0) + 1
        if count >= IN_A_ROW_MAX:
            self._hold(unit, now_s)
        if len(self._in_a_row) >= KEPT_MAX:
            del self._in_a_row[next(iter(self._in_a_row))]
        self._in_a_row[unit] = count

    def answered(self, who: str, request: Request) -> None:
        """There was one."""
        for key in _keys(who, request):
            self._until_s.pop(key, None)
        self._in_a_row.pop((who, request.unit), None)

    def _hold(self, key: Hashable, now_s: float) -> None:
        _, before_s = self._until_s.pop(key, (0.0, 0.0))
        pause_s = min(2 * before_s, MOST_S) if before_s else FIRST_S
        if len(self._until_s) >= KEPT_MAX:
            del self._until_s[next(iter(self._until_s))]
        self._until_s[key] = now_s + pause_s, pause_s


def _keys(who: str, request: Request) -> tuple[Hashable, tuple[str, int]]:
    return (who, request.unit, request.pdu), (who, request.unit)
