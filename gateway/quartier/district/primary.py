"""Which STATE messages of the primary host count (pure).

Source: Eclipse Sparkplug 3.0.0, chapter 5, "Edge Node Session Establishment" and "Termination".
"""


class PrimaryHost:
    """The last word of one host on each server: it has a session, and so a time, of its own on each.

    ``server`` is the one of the list that is connected now.
    """

    def __init__(self) -> None:
        self.server = 0
        self._latest_ms: dict[int, int] = {}

    def hear(self, *, online: bool, timestamp_ms: int) -> bool | None:
        """Whether the host is online here; None where the message is older than the last that counted.

        A host's Will carries the time of its birth: the same time counts.
        """
        if timestamp_ms < self._latest_ms.get(self.server, 0):
            return None
        self._latest_ms[self.server] = timestamp_ms
        return online
