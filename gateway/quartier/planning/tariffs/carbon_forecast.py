"""Forecast the CO2 of imported energy from the last seven days (pure).

The forecast is the mean of the last seven days at the same time plus today's deviation from it, which fades
over a day. A signal for the hours ahead is better than this forecast.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CARBON_DAYS_COUNT = 7
_FADE_H = 24.0


@dataclass(slots=True)
class CarbonForecast:
    """Values of the last days by slot, in g/Wh; a slot is a whole number of ``slot_s`` since 1970."""

    slot_s: int = 3_600
    values: list[float] = field(default_factory=list)
    newest: float = math.nan

    def __post_init__(self) -> None:
        self.values = [math.nan] * (CARBON_DAYS_COUNT * self.day)

    @property
    def day(self) -> int:
        """Return the number of slots of a day."""
        return 86_400 // self.slot_s

    def learn(self, slot: int, g_per_wh: float) -> None:
        """Learn the emission of the current or a past slot; ignore slots older than the newest."""
        if slot < self.newest:
            return
        if not math.isnan(self.newest):
            for missed in range(max(int(self.newest) + 1, slot - len(self.values)), slot):
                self.values[missed % len(self.values)] = math.nan
        self.values[slot % len(self.values)] = g_per_wh
        self.newest = float(slot)

    def ahead(self, count: int) -> Sequence[float]:
        """Return the newest slot and ``count - 1`` more; empty if nothing was learned."""
        if math.isnan(self.newest):
            return ()
        newest = int(self.newest)
        now = self.values[newest % len(self.values)]
        off = now - self._find_usual(newest, now)
        fade = [math.exp(-at * self.slot_s / (3_600.0 * _FADE_H)) for at in range(count)]
        return [now, *(self._find_usual(newest + at, now - off) + off * fade[at] for at in range(1, count))]

    def at(self, slots: Sequence[int]) -> Sequence[float]:
        """Return the forecast for ascending slots; empty if the newest value is a day old or more."""
        if not slots or not 0 <= slots[0] - self.newest < self.day:
            return ()
        newest = int(self.newest)
        found = self.ahead(slots[-1] - newest + 1)
        return [found[slot - newest] for slot in slots]

    def of(self, slot: int) -> float:
        """Return the emission of a learned slot; NaN if unknown."""
        is_kept = self.newest - len(self.values) < slot <= self.newest
        return self.values[slot % len(self.values)] if is_kept else math.nan

    @property
    def days(self) -> int:
        """Return the number of days with known values."""
        days = range(0, len(self.values), self.day)
        return sum(any(not math.isnan(value) for value in self.values[at : at + self.day]) for at in days)

    def keep(self) -> dict[str, Any]:
        """Return all state, JSON-ready."""
        newest = None if math.isnan(self.newest) else self.newest
        values = [None if math.isnan(value) else value for value in self.values]
        return {"slot_s": self.slot_s, "newest": newest, "values": values}

    def recall(self, stored: Any) -> None:
        """Restore the state that ``keep`` returned. Raises ValueError if it is invalid."""
        table = stored if isinstance(stored, dict) else {}
        values, newest = table.get("values"), table.get("newest")
        if table.get("slot_s") != self.slot_s or not isinstance(values, list):
            raise ValueError("carbon: expected its slots")
        if len(values) != len(self.values) or not all(map(_is_known, [*values, newest])):
            raise ValueError("carbon: expected numbers of a week")
        self.values = [math.nan if value is None else float(value) for value in values]
        self.newest = math.nan if newest is None else float(newest)

    def _find_usual(self, slot: int, default: float) -> float:
        """Return the mean at that time of day over the days before the newest slot."""
        size, newest = len(self.values), int(self.newest)
        days = (slot - self.day * back for back in range(1, 2 * CARBON_DAYS_COUNT + 1))
        past = [self.values[at % size] for at in days if newest - size < at < newest]
        known = [value for value in past if not math.isnan(value)]
        return sum(known) / len(known) if known else default


def _is_known(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value))


def fill_carbon(signalled: Sequence[float], forecast: Sequence[float]) -> Sequence[float]:
    """Return the signalled values, and where they are NaN the forecast, in g/Wh per step.

    Without a forecast such steps get the mean of the others; without any value they get 0.
    """
    known = [value for value in signalled if not math.isnan(value)]
    if len(known) == len(signalled):
        return signalled
    if forecast:
        return [
            guess if math.isnan(value) else value for value, guess in zip(signalled, forecast, strict=False)
        ]
    mean = sum(known) / len(known) if known else 0.0
    return [mean if math.isnan(value) else value for value in signalled]
