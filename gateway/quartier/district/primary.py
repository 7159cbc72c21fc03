"""Which STATE messages of the primary host count (pure).

Source: Eclipse Sparkplug 3.0.0, chapter 5, "Edge Node Session Establishment" and "Termination".
"""

from quartier.house.now import Now

# A host's clock may be ahead of ours by so much; what it says beyond that is not held against its next word.
AHEAD_MAX_MS = 60_000


class PrimaryHost:
    """The last word of one host on each server: it has a session, and so a time, of its own on each.

    ``server`` is the one of the list that is connected now.
    """

    def __init__(self) -> None:
        self.server = 0
        self._latest_ms: dict[int, int] = {}

    def hear(self, now: Now, *, online: bool, timestamp_ms: int) -> bool | None:
        """Whether the host is online here; None where the message is older than the last that counted.

        A host's Will carries the time of its birth: the same time counts.  A time of the future would shut
        out a host whose clock is set right again: it counts as ours, as soon as that is trusted.
        """
        if timestamp_ms < _believed(self._latest_ms.get(self.server, 0), now):
            return None
        self._latest_ms[self.server] = _believed(timestamp_ms, now)
        return online


def _believed(utc_ms: int, now: Now) -> int:
    return min(utc_ms, now.utc_ms + AHEAD_MAX_MS) if now.synced else utc_ms
