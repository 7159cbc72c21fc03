"""Means of a power over quarter hours, from values that come when they change (pure)."""

from collections import OrderedDict
from dataclasses import dataclass, field

QUARTER_MS = 900_000
KEPT_COUNT = 192
# A value stands so long without another word; counters come each minute.
_STANDS_MS = 120_000


@dataclass
class Quarters:
    """``means_w`` by the start of their quarter; one that was not seen whole is not there."""

    means_w: "OrderedDict[int, float]" = field(default_factory=OrderedDict)
    _value_w: float | None = None
    _since_ms: int = 0
    _seen_ms: int = 0
    _sum: float = 0.0

    def see(self, value_w: float, now_ms: int) -> None:
        """The value from now on."""
        self._go_on(now_ms)
        self._value_w, self._since_ms = value_w, now_ms

    def lose(self) -> None:
        """Nothing is known any more until the next value."""
        self._value_w = None
        self._seen_ms, self._sum = 0, 0.0

    def _go_on(self, now_ms: int) -> None:
        """Let the last value stand until now; a gap makes its quarters unknown."""
        if self._value_w is None or not 0 <= now_ms - self._since_ms <= _STANDS_MS:
            self._seen_ms, self._sum = 0, 0.0
            return
        at_ms = self._since_ms
        while at_ms < now_ms:
            end_ms = min((at_ms // QUARTER_MS + 1) * QUARTER_MS, now_ms)
            self._sum += self._value_w * (end_ms - at_ms)
            self._seen_ms += end_ms - at_ms
            if end_ms % QUARTER_MS == 0:
                self._close(end_ms - QUARTER_MS)
            at_ms = end_ms

    def _close(self, start_ms: int) -> None:
        if self._seen_ms == QUARTER_MS:
            self.means_w[start_ms] = self._sum / QUARTER_MS
            while len(self.means_w) > KEPT_COUNT:
                self.means_w.popitem(last=False)
        self._seen_ms, self._sum = 0, 0.0
