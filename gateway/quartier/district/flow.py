"""Limits how much history is on its way to the district, and its rate (pure).

Two limits hold at once.  The window bounds the messages of history that no watermark covers yet, so that a
district that stands still gets no more than that.  The rate follows how late the district is: history waits
in the district's queue together with live data, so it must not be sent faster than the district takes it.

A district may say in its watermarks how late live data is there (``late_s``).  Otherwise the age of the
oldest message of history that a watermark does not cover is the measure.
"""

_S = 1_000_000_000
WINDOW = 20.0
"""Messages ahead of the watermark at the start of a connection."""
STANDSTILL_S = 60.0
"""The window is halved where the watermark makes no progress for so long, or for two of its intervals."""
# Where the district reports late live data, the rate is lowered at most once in this time.
_RELAX_S = 5.0
_INTERVAL_S, _INTERVAL_MIN_S, _INTERVAL_MAX_S = 30.0, 1.0, 60.0
# Live data may be 2 s old at the district: history gives way at half of that, and grows below a quarter.
LATE_S = 1.0
_EARLY = 0.5
# Where the district reports how late live data is, history may wait there for this time.
_QUEUED_S = 5.0
# Messages in the first interval of the watermark.
_FIRST = 3.0
# The lowest rate is one message of history in this time.
_SLOWEST_S = 60.0
# Growth of the rate until it is lowered once, where the district says how late it is and where not; then.
_TOLD, _UNTOLD = 2.0, 1.5
_SLOWLY, _FASTER, _GROWTH_MAX = 1.1, 1.5, 1.5


class Pace:
    """A token bucket of ``per_s`` messages a second; it holds those of two seconds, and at least one."""

    def __init__(self, per_s: float, saved: float = 0.0) -> None:
        self.per_s = per_s
        self._tokens = saved
        self._at_ns: int | None = None

    def earn(self, now_ns: int, *, counts: bool) -> None:
        """Add the tokens of the time that passed; where ``counts`` is false, keep at most one.

        A caller with a long period gets the tokens of its whole period.
        """
        earned = 0.0 if self._at_ns is None else self.per_s * (now_ns - self._at_ns) / _S
        self._at_ns = now_ns
        saved = min(self._tokens, max(1.0, 2 * self.per_s)) + earned
        self._tokens = saved if counts else min(1.0, saved)

    @property
    def allows(self) -> bool:
        """Whether a message may go now."""
        return self._tokens >= 1.0

    def spend(self) -> None:
        """Take the token of a sent message."""
        self._tokens -= 1.0

    def hold(self, tokens: float) -> None:
        """Keep at most ``tokens``."""
        self._tokens = min(self._tokens, tokens)


class Flow:
    """The window and the rate of one connection.

    ``most_per_s`` is the settable pace.  ``phase`` of 0..1 spreads gateways that wait for the same watermark.
    Without watermarks (``is_acknowledged`` false) nothing is known of the district: the settable pace holds.
    """

    def __init__(self, most_per_s: float, *, is_acknowledged: bool = True, phase: float = 0.0) -> None:
        self._most_per_s = most_per_s
        self._is_acknowledged = is_acknowledged
        self._phase = phase
        self._interval_s = _INTERVAL_S
        self.begin(0)

    def begin(self, now_ns: int) -> None:
        """A new connection: nothing is known of the district."""
        self.window = WINDOW
        is_probed = self._is_acknowledged  # by one message
        self._per_s = self._bound(_FIRST / self._interval_s) if is_probed else self._most_per_s
        self._pace = Pace(self._per_s, 1.0 if is_probed else 0.0)
        self._pace.earn(now_ns, counts=False)
        self._was_halved = self._was_slowed = self._gives_way = False
        self._growth = _SLOWLY
        self._heard_ns: int | None = None
        self._moved_ns = self._grown_ns = self._slowed_ns = now_ns
        self._sent_count = 0
        self._wants = False

    @property
    def per_s(self) -> float:
        """The rate in messages a second."""
        return self._per_s

    def _bound(self, per_s: float) -> float:
        return min(self._most_per_s, max(per_s, 1 / _SLOWEST_S))

    def earn(self, now_ns: int, *, counts: bool, flying_count: int) -> None:
        """Advance to ``now_ns``; ``flying_count`` messages of history are on their way.

        ``counts``: history waits and may go.
        """
        self._pace.per_s = self._bound(0.0) if self._gives_way else self._per_s
        self._pace.earn(now_ns, counts=counts)
        self._wants = counts and not self._pace.allows
        if not flying_count:
            self._moved_ns = now_ns
        elif self._is_acknowledged and now_ns - self._moved_ns >= self._standstill_ns:
            self._moved_ns = now_ns
            self._was_halved = self._was_slowed = True
            self.window = max(1.0, self.window / 2)
            self._per_s = self._bound(self._per_s / 2)

    @property
    def _standstill_ns(self) -> int:
        return round(max(STANDSTILL_S, 2 * self._interval_s) * _S)

    def allows(self, flying_count: int) -> bool:
        """Whether a message of history may go now."""
        if not self._is_acknowledged:
            return self._pace.allows
        return self._pace.allows and flying_count < int(self.window)

    def spend(self) -> None:
        """Count a sent message of history."""
        self._pace.spend()
        self._sent_count += 1

    def heard(self, now_ns: int, *, is_moved: bool, queued_s: float, late_s: float | None) -> None:
        """Adjust window and rate to a watermark.

        ``is_moved``: it covers more than the last one.  ``queued_s``: the age of the oldest message of
        history that it should cover and does not.  ``late_s``: how late live data is, by the district.
        """
        self._measure_interval(now_ns)
        if is_moved:
            self._moved_ns = now_ns
        is_told = late_s is not None
        live = 0.0 if late_s is None else late_s / LATE_S
        queue = queued_s / (_QUEUED_S if is_told else LATE_S)
        gave_way, self._gives_way = self._gives_way, (live if is_told else queue) > 2.0
        if gave_way and not self._gives_way:
            self._pace.hold(1.0 - self._phase)
        # What was sent before the rate was lowered says nothing about the lower rate.
        is_queued = queue > 1.0 and now_ns - round(queued_s * _S) > self._slowed_ns
        if is_queued or (live > 1.0 and now_ns - self._slowed_ns >= _RELAX_S * _S):
            self._slow_down(now_ns, max(live, queue))
        elif max(live, queue) < _EARLY and now_ns - self._grown_ns >= self._growth_ns:
            self._grow(now_ns, is_told=is_told, is_moved=is_moved)

    def _measure_interval(self, now_ns: int) -> None:
        if self._heard_ns is not None:
            gap_s = (now_ns - self._heard_ns) / _S
            mean_s = 0.7 * self._interval_s + 0.3 * gap_s
            self._interval_s = min(max(mean_s, _INTERVAL_MIN_S), _INTERVAL_MAX_S)
        self._heard_ns = now_ns

    @property
    def _growth_ns(self) -> int:
        return round(0.8 * self._interval_s * _S)

    def _slow_down(self, now_ns: int, excess: float) -> None:
        """Lower the rate in proportion, by half at most."""
        self._per_s = self._bound(self._per_s * max(0.5, 1 / excess))
        self._was_slowed, self._growth = True, _SLOWLY
        self._slowed_ns = self._grown_ns = now_ns
        self._sent_count = 0

    def _grow(self, now_ns: int, *, is_told: bool, is_moved: bool) -> None:
        """Raise window and rate, but only where they were used: an unused limit proves nothing.

        A district that does not state ``late_s`` must also have stored a message.
        """
        is_used = self._wants or self._sent_count > 0
        if not is_used or not (is_told or is_moved):
            return
        self._grown_ns, self._sent_count = now_ns, 0
        most = max(WINDOW, 2 * self._most_per_s * self._interval_s)
        if is_moved:
            self.window = min(self.window + 1 if self._was_halved else 2 * self.window, most)
        if not self._was_slowed:
            factor = _TOLD if is_told else _UNTOLD
        else:
            factor = self._growth
            self._growth = min(_GROWTH_MAX, 1 + (factor - 1) * _FASTER)
        self._per_s = self._bound(self._per_s * factor)
