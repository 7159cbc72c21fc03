"""Which units somebody asks in vain: he is answered for them for a while, and the wire is spared; pure."""

FIRST_S, MOST_S = 2.0, 60.0
KEPT_MAX = 256


class Hush:
    """By who asks and whom: each time in vain, twice as long.  Times are of one monotonic clock."""

    def __init__(self) -> None:
        self._until_s: dict[tuple[str, int], tuple[float, float]] = {}

    def holds(self, who: str, unit: int, now_s: float) -> bool:
        """Whether asking would be in vain, as far as is known."""
        return now_s < self._until_s.get((who, unit), (0.0, 0.0))[0]

    def silent(self, who: str, unit: int, now_s: float) -> None:
        """It was asked, and did not answer."""
        _, before_s = self._until_s.pop((who, unit), (0.0, 0.0))
        pause_s = min(2 * before_s, MOST_S) if before_s else FIRST_S
        if len(self._until_s) >= KEPT_MAX:
            del self._until_s[next(iter(self._until_s))]
        self._until_s[who, unit] = now_s + pause_s, pause_s

    def heard(self, who: str, unit: int) -> None:
        """It answered."""
        self._until_s.pop((who, unit), None)
