"""Decide which STATE messages of the primary host count (pure).

Source: Eclipse Sparkplug 3.0.0, chapter 5, "Edge Node Session Establishment" and "Termination".
"""

from quartier.district.records import Note
from quartier.site.records import Now

# A host's clock may be ahead of ours by this much; a time beyond that does not outdate its next message.
HOST_AHEAD_MAX_MS = 60_000
# An online message must be the broker's last one for this long to override an earlier one with a later time.
CONTESTED_S = 60.0


def list_state_topics(namespace: str, host: str) -> tuple[str, str]:
    """Return the topics of a host's STATE: in Sparkplug spelling, and in RabbitMQ's for a retained one.

    RabbitMQ's ``mqtt.sparkplug = true`` returns the dot of the namespace as a slash in retained messages.
    """
    return f"{namespace}/STATE/{host}", f"{namespace.replace('.', '/')}/STATE/{host}"


class PrimaryHost:
    """The last STATE of one host on each server: it has a session, and so a time, of its own on each.

    STATE is not signed: a message that declares a host offline at a future time must not block it for good.
    """

    def __init__(self) -> None:
        self._server = 0
        self._latest_ms: dict[int, int] = {}
        self._online_ms = 0
        self._contested_ns: int | None = None

    def begin(self, server: int) -> None:
        """Start a new connection to this server of the list."""
        self._server = server
        self._contested_ns = None

    def hear(self, now: Now, *, online: bool, timestamp_ms: int) -> bool | None:
        """Return whether the host is online here; None if the message is older than the last that counted.

        A host's Will carries the time of its birth: the same time counts. A future time would block a host
        whose clock is corrected later: it counts as our time, as soon as that is trusted.
        """
        if timestamp_ms < _limit_ahead(self._latest_ms.get(self._server, 0), now):
            self._contested_ns, self._online_ms = (now.ns if online else None), timestamp_ms
            return None
        self._contested_ns = None
        self._latest_ms[self._server] = _limit_ahead(timestamp_ms, now)
        return online

    def accept_contested(self, now: Now) -> Note | None:
        """Accept an online message that was too old, once it was the last one for a minute, and report it."""
        if self._contested_ns is None or now.ns - self._contested_ns < CONTESTED_S * 1e9:
            return None
        self._contested_ns = None
        self._latest_ms[self._server] = self._online_ms
        text = (
            "the primary host is online by its last message, an earlier one had a later time: births are sent"
        )
        return Note("district.state_contested", text, alarm=True)


def _limit_ahead(utc_ms: int, now: Now) -> int:
    return min(utc_ms, now.utc_ms + HOST_AHEAD_MAX_MS) if now.synced else utc_ms
