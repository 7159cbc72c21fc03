"""Answers requests that got no answer before with an exception for a while, and spares the wire; pure.

A request that a device does not answer, or after which it ends the connection, is suppressed alone: its
client sends valid ones too.  After a few of them in a row the unit is suppressed for this client.
"""

from collections.abc import Hashable

from quartier_drivers.modbus.frame import Request

FIRST_S, MOST_S = 2.0, 60.0
IN_A_ROW_MAX = 3
KEPT_MAX = 256


class Hush:
    """Suppressed requests by client: each failure doubles the time.  Times are of one monotonic clock."""

    def __init__(self) -> None:
        self._until_s: dict[Hashable, tuple[float, float]] = {}
        self._in_a_row: dict[tuple[str, int], int] = {}

    def holds(self, who: str, request: Request, now_s: float) -> bool:
        """Return whether the request is expected to fail."""
        return any(now_s < self._until_s.get(key, (0.0, 0.0))[0] for key in _keys(who, request))

    def asked_in_vain(self, who: str, request: Request, now_s: float) -> None:
        """Note that there was no answer."""
        question, unit = _keys(who, request)
        self._hold(question, now_s)
        count = self._in_a_row.pop(unit, 0) + 1
        if count >= IN_A_ROW_MAX:
            self._hold(unit, now_s)
        if len(self._in_a_row) >= KEPT_MAX:
            del self._in_a_row[next(iter(self._in_a_row))]
        self._in_a_row[unit] = count

    def answered(self, who: str, request: Request) -> None:
        """Note that there was an answer."""
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
