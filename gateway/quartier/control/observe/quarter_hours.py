"""Means of quarter hours over the last day, for the forecast that tomorrow is like today (pure).

Slots are those of UTC; a slot counts if half of it was seen. ``forecast_persistence`` is the simplest
possible forecast; it is used until there is a better one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

SLOT_MS = 900_000
DAY_SLOTS = 96
_SEEN_SHARE = 0.5


@dataclass(slots=True)
class QuarterHourMeans:
    """The means by asset, ``means[slot % 96]`` with the slot's number; ``_sums`` are of the running slot."""

    means: dict[str, list[tuple[int, float] | None]] = field(default_factory=dict)
    _slot: int = -1
    _sums: dict[str, tuple[float, float]] = field(default_factory=dict)
    _dumped_means: dict[str, Any] = field(default_factory=dict)

    def see(self, powers_w: Mapping[str, float], dt_s: float, utc_ms: int) -> None:
        """Add the present power of each asset, for ``dt_s``."""
        slot = utc_ms // SLOT_MS
        if slot != self._slot:
            self._close(slot)
        for name, watts in powers_w.items():
            energy_ws, seen_s = self._sums.get(name, (0.0, 0.0))
            self._sums[name] = (energy_ws + watts * dt_s, seen_s + dt_s)

    def _close(self, slot: int) -> None:
        for name, (energy_ws, seen_s) in self._sums.items():
            if seen_s >= _SEEN_SHARE * SLOT_MS / 1000:
                rows = self.means.setdefault(name, [None] * DAY_SLOTS)
                rows[self._slot % DAY_SLOTS] = (self._slot, round(energy_ws / seen_s, 1))
        self._slot, self._sums = slot, {}
        self._dumped_means = {name: list(rows) for name, rows in self.means.items()}

    def forecast_persistence(self, name: str, utc_ms: int) -> list[float | None]:
        """Return the next 96 quarter hours from the running one, each as a day before; None: not known."""
        first = utc_ms // SLOT_MS
        rows = self.means.get(name, [None] * DAY_SLOTS)
        known = ((rows[slot % DAY_SLOTS], slot) for slot in range(first, first + DAY_SLOTS))
        return [row[1] if row is not None and row[0] >= slot - DAY_SLOTS else None for row, slot in known]

    def dump_means(self) -> dict[str, Any]:
        """Return the day as JSON-ready data: the same object until a quarter of an hour ends."""
        return self._dumped_means

    def recall(self, data: object) -> None:
        """Load the result of ``dump_means``; broken rows are left out."""
        for name, rows in data.items() if isinstance(data, dict) else ():
            if isinstance(rows, list) and len(rows) == DAY_SLOTS:
                self.means[str(name)] = [_row(row) for row in rows]
        self._dumped_means = {name: list(rows) for name, rows in self.means.items()}


def _row(row: object) -> tuple[int, float] | None:
    match row:
        case [int(slot), int() | float() as watts] if isfinite(watts):
            return slot, float(watts)
        case _:
            return None
