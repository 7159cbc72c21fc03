"""Keep the largest import of each of the last days; make surcharges for high imports (pure).

The largest import of a day couples all of its steps, and its mean over scenarios cannot be divided among
them. The tractable form: an import costs the price's share of those past days that did not reach so high,
because on these days it would have been the largest. What the day has reached already is free.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from quartier.planning.horizon import Surcharge

PEAK_DAYS_COUNT = 28
"""Number of days whose largest imports are kept."""
QUANTILE_SHARES = {0.1: 0.3, 0.5: 0.4, 0.9: 0.3}
"""Distribution of the days in three steps: quantile and share.

Source: Swanson's rule (Hurst, Brown and Swanson 2000).
"""


@dataclass(slots=True)
class PeakHistory:
    """Largest import of each of the last days, in W; its size does not grow.

    ``today`` is any day number that increases by one each day (``date.toordinal()``).
    """

    days_w: list[float] = field(default_factory=list)
    today: float = math.nan
    top_w: float = 0.0

    def learn(self, day: int, import_w: float) -> None:
        """Learn the mean import of an hour (or a shorter step) of that day; export counts as zero."""
        if day != self.today:
            if not math.isnan(self.today):
                self.days_w = [*self.days_w, self.top_w][-PEAK_DAYS_COUNT:]
            self.today, self.top_w = float(day), 0.0
        self.top_w = max(self.top_w, import_w)

    def surcharges(self, days: Sequence[int], eur_per_w: float) -> tuple[Surcharge, ...]:
        """Return the surcharges for steps that lie in ``days``; none before a whole day is known.

        ``eur_per_w`` is the price of a W of a day's largest import. An hour above the largest import of all
        days pays as much as if it were today's largest.
        """
        if not self.days_w or eur_per_w <= 0.0:
            return ()
        sorted_w = sorted(self.days_w)
        return tuple(
            Surcharge(self._find_thresholds_w(_find_quantile(sorted_w, level), days), share * eur_per_w)
            for level, share in QUANTILE_SHARES.items()
        )

    def find_day_peak_w(self, day: int) -> float:
        """Return the largest import of ``day`` so far, in W; 0 if nothing is known of it."""
        return self.top_w if day == self.today else 0.0

    def keep(self) -> dict[str, Any]:
        """Return all state, JSON-ready."""
        today = None if math.isnan(self.today) else self.today
        return {"days_w": self.days_w, "today": today, "top_w": self.top_w}

    def recall(self, stored: Any) -> None:
        """Restore the state that ``keep`` returned. Raises ValueError if it is invalid."""
        table = stored if isinstance(stored, dict) else {}
        days_w, today, top_w = (table.get(name) for name in ("days_w", "today", "top_w"))
        if not isinstance(days_w, list) or not all(map(_is_power, [*days_w, top_w])):
            raise ValueError("peak history: expected powers")
        if today is not None and not _is_power(today):
            raise ValueError("peak history: expected a day")
        self.days_w = [float(one) for one in days_w][-PEAK_DAYS_COUNT:]
        self.today = math.nan if today is None else float(today)
        self.top_w = float(top_w) if isinstance(top_w, int | float) else 0.0

    def _find_thresholds_w(self, usual_w: float, days: Sequence[int]) -> list[float]:
        return [max(usual_w, self.find_day_peak_w(day)) for day in days]


def _is_power(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0.0


def _find_quantile(sorted_w: Sequence[float], level: float) -> float:
    place = level * (len(sorted_w) - 1)
    at = min(int(place), max(len(sorted_w) - 2, 0))
    after_w = sorted_w[min(at + 1, len(sorted_w) - 1)]
    return sorted_w[at] + (place - at) * (after_w - sorted_w[at])
