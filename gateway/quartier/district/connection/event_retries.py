"""Decide which events are sent again (pure).

A broker confirms QoS 1 even if nobody subscribes, and may crash with messages that it confirmed.
"""

from quartier.district.records import has_reached
from quartier.site.records import Now
from quartier.site.samples import StreamPosition

_S = 1_000_000_000
# A refused event is sent again after the first time, then after twice as long each time, up to the second.
_RETRY_S, _RETRY_MAX_S = 60.0, 900.0


class EventArrival:
    """Arrival check of one stream.

    ``wait_s``: an event that was sent this long ago and is not stored was lost on the way. The wait doubles,
    up to ``wait_max_s``, while nothing arrives, for a host that stores no events.
    """

    def __init__(self, wait_s: float, wait_max_s: float) -> None:
        self._least_s = self._wait_s = wait_s
        self._most_s = wait_max_s
        self._sent: StreamPosition | None = None
        self._sent_ns = 0

    def begin(self) -> None:
        """Start on a new connection: events above the watermark are sent again anyway."""
        self._sent = None

    def check_lost(self, sent: StreamPosition | None, held: StreamPosition | None, now: Now) -> bool:
        """Return whether events were lost, at a watermark.

        All events up to ``sent`` are sent by now, and the district has stored events up to ``held``.
        """
        if self._sent is not None and now.ns - self._sent_ns >= self._wait_s * _S:
            is_lost = not has_reached(held, self._sent)
            self._wait_s = min(2 * self._wait_s, self._most_s) if is_lost else self._least_s
            self._sent = None
            if is_lost:
                return True
        if self._sent is None and sent is not None and not has_reached(held, sent):
            self._sent, self._sent_ns = sent, now.ns
        return False


class RefusedEvents:
    """The oldest event that the broker refused; no later event counts as delivered before it is accepted."""

    def __init__(self) -> None:
        self._oldest: StreamPosition | None = None
        self._again_ns: int | None = None
        self._wait_s = _RETRY_S

    def note_refused(self, event: StreamPosition, now: Now) -> None:
        """Note that the broker refused this event."""
        if self._oldest is None or not has_reached(event, self._oldest):
            self._oldest = event
        if self._again_ns is None:
            self._again_ns = now.ns + int(self._wait_s * _S)
            self._wait_s = min(2 * self._wait_s, _RETRY_MAX_S)

    def due(self, now: Now) -> StreamPosition | None:
        """Return the mark above which events are sent again, once, when it is time; else None."""
        if self._oldest is None or self._again_ns is None or now.ns < self._again_ns:
            return None
        self._again_ns = None
        return StreamPosition(self._oldest.boot, self._oldest.seq - 1)

    def passes(self, event: StreamPosition) -> bool:
        """Return whether this event, which the broker accepted, counts as delivered now."""
        if self._oldest is None or not has_reached(event, self._oldest):
            return True
        if event != self._oldest:
            return False
        self._oldest = self._again_ns = None
        self._wait_s = _RETRY_S
        return True
