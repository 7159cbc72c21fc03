"""What a Wh from the grid will emit in the next days, by what it emitted in the last ones (pure).

The mean of the last seven days at the same time, and today's distance from it, which fades over a day.  No
signal carries the carbon of hours to come; where one does, it is better than this.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

DAYS = 7
_FADE_H = 24.0


@dataclass(slots=True)
class Carbon:
    """The last days, slot by slot, in g/Wh; a slot is a whole number of ``slot_s`` since 1970."""

    slot_s: int = 3_600
    values: list[float] = field(default_factory=list)
    newest: float = math.nan

    def __post_init__(self) -> None:
        self.values = [math.nan] * (DAYS * self.day)

    @property
    def day(self) -> int:
        """Slots of a day."""
        return 86_400 // self.slot_s

    def learn(self, slot: int, g_per_wh: float) -> None:
        """Take in what the running slot, or one that is over, emits; what is older than known is left out."""
        if slot < self.newest:
            return
        if not math.isnan(self.newest):
            for missed in range(max(int(self.newest) + 1, slot - len(self.values)), slot):
                self.values[missed % len(self.values)] = math.nan
        self.values[slot % len(self.values)] = g_per_wh
        self.newest = float(slot)

    def ahead(self, count: int) -> Sequence[float]:
        """The newest slot as it is, then ``count - 1`` more; empty where nothing was ever learnt."""
        if math.isnan(self.newest):
            return ()
        newest = int(self.newest)
        now = self.values[newest % len(self.values)]
        off = now - self._usual(newest, now)
        fade = [math.exp(-at * self.slot_s / (3_600.0 * _FADE_H)) for at in range(count)]
        return [now, *(self._usual(newest + at, now - off) + off * fade[at] for at in range(1, count))]

    def _usual(self, slot: int, default: float) -> float:
        """The mean at that time of the days before the newest slot."""
        size, newest = len(self.values), int(self.newest)
        days = (slot - self.day * back for back in range(1, 2 * DAYS + 1))
        past = [self.values[at % size] for at in days if newest - size < at < newest]
        known = [value for value in past if not math.isnan(value)]
        return sum(known) / len(known) if known else default
