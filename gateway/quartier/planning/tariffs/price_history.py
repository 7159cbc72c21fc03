"""Keep the prices that were signalled for each hour, with the time of each signal (pure)."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from quartier.planning.tariffs.energy_prices import Prices, PriceSignal, Tariff, find_hour_prices

KEPT_PAST_H, KEPT_AHEAD_H = 9 * 24, 7 * 24
"""Hours kept in the past (the back-test at a start, and a day), and hours accepted ahead."""
PRICE_CHANGES_MAX = 8
"""Number of signalled prices kept per hour; of more changes only the newest are kept."""
HOUR_S = 3_600
_COLUMNS_COUNT = 4


class SignalledPrice(NamedTuple):
    """Price of an hour as signalled from ``signal_s`` (UTC) on."""

    signal_s: float
    import_eur_per_wh: float
    export_eur_per_wh: float


class PriceHistory:
    """Prices by hour since 1970; each hour has its signalled prices, the newest last."""

    def __init__(self) -> None:
        self._hours: dict[int, tuple[SignalledPrice, ...]] = {}

    def hear(self, tariff: Tariff, quotes: Sequence[PriceSignal], utc_s: float) -> None:
        """Store the present signals for hours that have not ended; discard hours that are too old."""
        first = int(utc_s // HOUR_S)
        end_s = max((quote.end_utc_s for quote in quotes), default=0.0)
        for slot in range(first, min(int(end_s // HOUR_S) + 1, first + KEPT_AHEAD_H)):
            found = find_hour_prices(tariff, quotes, slot * HOUR_S)
            known = self._hours.get(slot, ())
            if found is not None and (not known or known[-1][1:] != found[:2]):
                self._hours[slot] = (*known[-PRICE_CHANGES_MAX + 1 :], SignalledPrice(utc_s, *found[:2]))
        self._hours = {slot: rows for slot, rows in self._hours.items() if slot >= first - KEPT_PAST_H}

    def find_final_price(self, slot: int) -> SignalledPrice | None:
        """Return the last signalled price of an hour; None if there was no signal."""
        rows = self._hours.get(slot)
        return rows[-1] if rows else None

    def find_known_prices(self, slot: int, count: int) -> Prices:
        """Return the prices known at the beginning of an hour for it and the next ones; without CO2."""
        known: list[SignalledPrice] = []
        for step in range(count):
            rows = self._hours.get(slot + step, ())
            heard = [row for row in rows if row.signal_s <= slot * HOUR_S] or (rows[:1] if step == 0 else [])
            if not heard:
                break
            known.append(heard[-1])
        bought, sold = (tuple(row[column] for row in known) for column in (1, 2))
        return Prices(bought, sold, (math.nan,) * len(known))

    def keep(self) -> list[list[float]]:
        """Return all state, JSON-ready."""
        return [[float(slot), *row] for slot, rows in sorted(self._hours.items()) for row in rows]

    def recall(self, stored: Iterable[Any]) -> None:
        """Restore the state that ``keep`` returned. Raises ValueError or TypeError if it is invalid."""
        found: dict[int, tuple[SignalledPrice, ...]] = {}
        for line in stored:
            slot, *row = (float(value) for value in line)
            if len(row) != _COLUMNS_COUNT - 1 or not all(map(math.isfinite, (slot, *row))):
                raise ValueError(line)
            found[int(slot)] = (*found.get(int(slot), ()), SignalledPrice(*row))
        self._hours = found
