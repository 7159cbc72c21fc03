"""A rate limit: so many per second on average, a few more at once; pure."""


class Allowance:
    """Allows ``most`` at once after a rest, then ``per_s`` per second.  ``now_ns`` is any monotonic clock."""

    __slots__ = ("_left", "_most", "_per_ns", "_seen_ns")

    def __init__(self, per_s: float, most: float, now_ns: int) -> None:
        self._per_ns = per_s / 1e9
        self._most = max(1.0, most)
        self._left = self._most
        self._seen_ns = now_ns

    def take(self, now_ns: int) -> bool:
        """Take one; return whether there was one."""
        self._left = min(self._most, self._left + (now_ns - self._seen_ns) * self._per_ns)
        self._seen_ns = now_ns
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
