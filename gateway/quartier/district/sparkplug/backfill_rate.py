"""Limit the window and rate of history on its way to the district (pure).

Three limits apply at once. The window bounds the messages of history that no watermark covers yet, so that a
district that is stuck gets no more than that. The rate follows the delay of the district: history waits in
the district's queue together with live data, so it must not be sent faster than the district takes it. While
the oldest message in flight is older than it can be in a district without a queue, history is sent at the
lowest rate: a queue then drains by itself, and little is repeated after a broken connection.

A district may state in its watermarks how late live data is there (``late_s``). Otherwise the measure is the
age of the oldest message of history that a watermark does not cover.
"""

from typing import NamedTuple

from quartier.district.sparkplug.data_messages import MESSAGE_METRICS_MAX

_S = 1_000_000_000
WINDOW_MESSAGES = 20.0
"""Messages ahead of the watermark at the start of a connection."""
STANDSTILL_S = 60.0
"""The window is halved if the watermark makes no progress for this long, or for two of its intervals."""
# If the district reports late live data, the rate is lowered at most once in this time.
_SLOW_DOWN_PAUSE_S = 5.0
_INTERVAL_S, _INTERVAL_MIN_S, _INTERVAL_MAX_S = 30.0, 1.0, 60.0
# Smallest first interval: the first two watermarks may come right after each other.
_INTERVAL_FIRST_S = 2.0
# Live data may be 2 s old at the district: history yields at half of that.
LATE_MAX_S = 1.0
# A slow rate is sent in this many messages per watermark interval, each of at least this many samples.
_MESSAGES_PER_INTERVAL, _PORTION_MIN_SAMPLES = 2, 100
# The lowest rate is one full message of history in this time.
_MESSAGE_PERIOD_MAX_S = 60.0
# Growth of the rate after it was lowered once: the first factor, the growth of the factor, the largest
# factor.
_GROWTH_SLOW, _GROWTH_STEP, _GROWTH_MAX = 1.2, 1.5, 2.0
# The rate may rise this far above what the district took.
_ABOVE_TAKEN_MAX = 1.5
# A rate is lowered by at least this factor.
_LOWER_FACTOR_MAX = 0.95
# Weight of the last interval in the mean of what the district takes.
_TAKEN_WEIGHT = 0.3
# The wait for a lost message in watermark intervals, if the district states how late it is.
_LOST_INTERVALS = 2.5


class _Tuning(NamedTuple):
    """Parameters of the rate.

    ``first_per_s``: full messages a second at the start. ``queued_s``: how long history may wait. ``ahead``:
    the lowest rate applies while the oldest message in flight is older than ``queued_s`` plus this many
    watermark intervals. ``early``: the rate grows while both delays are below this share of their limits,
    ``queued_s`` and LATE_MAX_S. ``growth``: factor of the rate until it is lowered once.
    """

    first_per_s: float
    queued_s: float
    ahead: float
    early: float
    growth: float


# For a district that states how late live data is, and for one that does not.
_WITH_LATE_S = _Tuning(first_per_s=0.2, queued_s=2.0, ahead=1.25, early=1.0, growth=2.0)
_WITHOUT_LATE_S = _Tuning(first_per_s=0.05, queued_s=LATE_MAX_S, ahead=1.0, early=0.5, growth=1.5)


class TokenBucket:
    """A token bucket of ``per_s`` messages a second; it holds two seconds of them, and at least one.

    A message smaller than a full one costs less than 1.
    """

    def __init__(self, per_s: float, saved: float = 0.0) -> None:
        self.per_s = per_s
        self._tokens = saved
        self._at_ns: int | None = None

    def add_tokens(self, now_ns: int, *, counts: bool, cost: float = 1.0) -> None:
        """Add the tokens of the time that passed; if ``counts`` is false, keep at most one message.

        A caller with a long period gets the tokens of its whole period.
        """
        earned = 0.0 if self._at_ns is None else self.per_s * (now_ns - self._at_ns) / _S
        self._at_ns = now_ns
        saved = min(self._tokens, max(cost, 2 * self.per_s)) + earned
        self._tokens = saved if counts else min(cost, saved)

    def allows(self, cost: float = 1.0) -> bool:
        """Return whether a message may be sent now."""
        return self._tokens >= cost

    def spend(self, cost: float = 1.0) -> None:
        """Take the tokens of a sent message."""
        self._tokens -= cost

    def hold(self, tokens: float) -> None:
        """Keep at most ``tokens``."""
        self._tokens = min(self._tokens, tokens)


class TakenRate:
    """Rate at which the district stores our history: full messages a second, a mean over its watermarks."""

    def __init__(self, now_ns: int) -> None:
        self.per_s: float | None = None
        self._at_ns = now_ns
        self._count = 0

    def count_samples(self, now_ns: int, count: int, interval_s: float) -> None:
        """Count ``count`` more samples that a watermark covers."""
        self._count += count
        passed_s = (now_ns - self._at_ns) / _S
        if passed_s < interval_s / 2:
            return
        per_s = self._count / MESSAGE_METRICS_MAX / passed_s
        self.per_s = per_s if self.per_s is None else self.per_s + _TAKEN_WEIGHT * (per_s - self.per_s)
        self._at_ns, self._count = now_ns, 0


class BackfillRate:
    """The window and the rate of one connection.

    ``most_per_s`` is the configured rate. ``phase`` of 0..1 spreads gateways that wait for the same
    watermark. Without watermarks (``is_acknowledged`` false) nothing is known of the district: the configured
    rate applies.
    """

    def __init__(self, most_per_s: float, *, is_acknowledged: bool = True, phase: float = 0.0) -> None:
        self._most_per_s = most_per_s
        self._is_acknowledged = is_acknowledged
        self._phase = phase
        self._interval_s = _INTERVAL_S
        self._is_measured = False
        self._per_s = most_per_s
        self._last_per_s = 2 * most_per_s
        self._watermark_ns: int | None = None
        self.begin(0)

    def begin(self, now_ns: int) -> None:
        """Begin a new connection: only the interval of the district's watermarks is still known.

        History begins slowly, with at most half of the last connection's rate.
        """
        self.window = WINDOW_MESSAGES
        is_probed = self._is_acknowledged  # with one message
        if self._watermark_ns is not None:
            self._last_per_s = self._per_s
        self._tuning = _WITHOUT_LATE_S
        self._per_s = self._first_per_s if is_probed else self._most_per_s
        self._pace = TokenBucket(self._per_s, 1.0 if is_probed else 0.0)
        self._pace.add_tokens(now_ns, counts=False)
        self._was_halved = self._was_slowed = self._gives_way = self._is_held = False
        self._growth = _GROWTH_SLOW
        self._watermark_ns = None
        self._progress_ns = self._grown_ns = self._slowed_ns = now_ns
        self._sent_count = 0
        self._wants = False
        self._stored_rate = TakenRate(now_ns)

    @property
    def per_s(self) -> float:
        """Return the rate in full messages a second."""
        return self._per_s

    @property
    def _first_per_s(self) -> float:
        return self._limit_rate(min(self._tuning.first_per_s, self._last_per_s / 2))

    def _limit_rate(self, per_s: float) -> float:
        return min(self._most_per_s, max(per_s, 1 / _MESSAGE_PERIOD_MAX_S))

    @property
    def portion(self) -> int:
        """Return the samples of the next message: a slow rate uses small messages.

        So each watermark shows whether the district still takes what is sent.
        """
        if not self._is_acknowledged:
            return MESSAGE_METRICS_MAX
        each_s = max(self._interval_s / _MESSAGES_PER_INTERVAL, 1 / self._most_per_s)
        return max(
            _PORTION_MIN_SAMPLES, min(MESSAGE_METRICS_MAX, round(MESSAGE_METRICS_MAX * self._per_s * each_s))
        )

    @property
    def _cost(self) -> float:
        """Return the tokens of a message; one shorter than ``portion`` costs as much as a whole portion."""
        return max(self.portion / MESSAGE_METRICS_MAX, self._per_s / self._most_per_s)

    @property
    def _ahead_s(self) -> float:
        return self._tuning.ahead * self._interval_s + self._tuning.queued_s

    def find_loss_wait_s(self, most_s: float) -> float:
        """Return how long a stream's watermark must stop before a message before that message counts as lost.

        With ``late_s`` a few intervals are enough.
        """
        if self._tuning is _WITHOUT_LATE_S:
            return most_s
        return min(most_s, _LOST_INTERVALS * self._interval_s + self._tuning.queued_s)

    def advance(self, now_ns: int, *, counts: bool, flying_count: int, flying_s: float = 0.0) -> None:
        """Advance to ``now_ns``; ``flying_count`` messages of history are in flight.

        ``counts``: history waits and may be sent. ``flying_s``: age of the oldest message in flight.
        """
        was_held, self._is_held = self._is_held, self._is_acknowledged and flying_s > self._ahead_s
        if self._is_held and not was_held:
            self._pace.hold(0.0)
        self._pace.per_s = self._limit_rate(0.0) if self._gives_way or self._is_held else self._per_s
        self._pace.add_tokens(now_ns, counts=counts, cost=self._cost)
        self._wants = counts and not self._pace.allows(self._cost)
        if not flying_count:
            self._progress_ns = now_ns
        elif self._is_acknowledged and now_ns - self._progress_ns >= self._standstill_ns:
            self._progress_ns = now_ns
            self._was_halved = self._was_slowed = True
            self.window = max(1.0, self.window / 2)
            self._per_s = self._limit_rate(self._per_s / 2)

    @property
    def _standstill_ns(self) -> int:
        return round(max(STANDSTILL_S, 2 * self._interval_s) * _S)

    def allows(self, flying_count: int) -> bool:
        """Return whether a message of history may be sent now."""
        is_open = not self._is_acknowledged or flying_count < int(self.window)
        return is_open and self._pace.allows(self._cost)

    def spend(self) -> None:
        """Count a sent message of history."""
        self._pace.spend(self._cost)
        self._sent_count += 1

    def process_watermark(
        self, now_ns: int, *, is_moved: bool, queued_s: float, late_s: float | None, taken_count: int = 0
    ) -> None:
        """Adjust window and rate to a watermark.

        ``is_moved``: it covers more than the last one. ``queued_s``: age of the oldest message of history
        that it should cover but does not. ``late_s``: how late live data is, by the district.
        ``taken_count``: samples of history that it covers more than the last one.
        """
        self._note_interval(now_ns, taken_count, has_late_s=late_s is not None)
        if is_moved:
            self._progress_ns = now_ns
        live = 0.0 if late_s is None else late_s / LATE_MAX_S
        queue = queued_s / self._tuning.queued_s
        gave_way, self._gives_way = self._gives_way, (queue if late_s is None else live) > 2.0
        if gave_way and not self._gives_way:
            self._pace.hold((1.0 - self._phase) * self._cost)
        # Messages sent before the rate was lowered say nothing about the lower rate.
        is_queued = queue > 1.0 and now_ns - round(queued_s * _S) > self._slowed_ns
        if is_queued or (live > 1.0 and now_ns - self._slowed_ns >= _SLOW_DOWN_PAUSE_S * _S):
            self._slow_down(now_ns, max(live, queue), queued_s)
        elif max(live, queue) < self._tuning.early and now_ns - self._grown_ns >= self._growth_ns:
            self._grow(now_ns, is_moved=is_moved)

    def _note_interval(self, now_ns: int, taken_count: int, *, has_late_s: bool) -> None:
        self._tuning = _WITH_LATE_S if has_late_s else _WITHOUT_LATE_S
        if self._watermark_ns is None:
            if self._is_acknowledged:
                self._per_s = self._first_per_s
        else:
            gap_s = (now_ns - self._watermark_ns) / _S
            mean_s = 0.7 * self._interval_s + 0.3 * gap_s if self._is_measured else gap_s
            least_s = _INTERVAL_MIN_S if self._is_measured else _INTERVAL_FIRST_S
            self._interval_s = min(max(mean_s, least_s), _INTERVAL_MAX_S)
            self._is_measured = True
        self._watermark_ns = now_ns
        self._stored_rate.count_samples(now_ns, taken_count, self._interval_s)

    @property
    def _growth_ns(self) -> int:
        return round(0.8 * self._interval_s * _S)

    def _slow_down(self, now_ns: int, excess: float, queued_s: float) -> None:
        """Lower the rate to what the district takes, and below while history waits; by half at most."""
        rest_s = max(0.0, queued_s - self._tuning.queued_s)
        share = 1 - min(0.5, rest_s / (2 * (self._interval_s + self._tuning.queued_s)))
        per_s = self._per_s / excess if self._stored_rate.per_s is None else self._stored_rate.per_s * share
        self._per_s = self._limit_rate(min(_LOWER_FACTOR_MAX * self._per_s, max(self._per_s / 2, per_s)))
        self._was_slowed, self._growth = True, _GROWTH_SLOW
        self._slowed_ns = self._grown_ns = now_ns
        self._sent_count = 0

    def _grow(self, now_ns: int, *, is_moved: bool) -> None:
        """Raise window and rate, but only if they were used: an unused limit proves nothing.

        A district that does not state ``late_s`` must also have stored a message.
        """
        has_late_s = self._tuning is _WITH_LATE_S
        is_used = self._wants or self._sent_count > 0
        if not is_used or not (has_late_s or is_moved):
            return
        self._grown_ns, self._sent_count = now_ns, 0
        most = max(WINDOW_MESSAGES, 2 * self._most_per_s * self._interval_s)
        if is_moved:
            self.window = min(self.window + 1 if self._was_halved else 2 * self.window, most)
        if not self._was_slowed:
            factor = self._tuning.growth
        else:
            factor = self._growth
            self._growth = min(_GROWTH_MAX, 1 + (factor - 1) * _GROWTH_STEP)
        per_s, taken_per_s = self._per_s, self._stored_rate.per_s or 0.0
        raised = max(per_s, min(taken_per_s, 2 * per_s)) * factor
        if has_late_s and self._stored_rate.per_s is not None:
            raised = min(raised, max(per_s, _ABOVE_TAKEN_MAX * taken_per_s * factor))
        self._per_s = self._limit_rate(raised)
