"""What an import costs beside its price: the day's largest, and its carbon, as far as they were learnt.

What is not known is not counted as reached, and of carbon that nobody knows nothing is said.  Everything here
runs in the planner's thread; who shows it reads whole numbers.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from quartier.planning.carbon import Carbon
from quartier.planning.crests import Crests
from quartier.planning.question import Question
from quartier.planning.tariff import Quote

_HOUR_S, _GRAIN_S = 3_600, 300
_CO2 = "import_g_per_wh"


class Tolls:
    """``day_peak_eur_per_w`` is the price of a W of a day's largest import, which is the mean of an hour."""

    def __init__(self, zone: str, day_peak_eur_per_w: float = 0.0) -> None:
        self.crests, self.carbon = Crests(), Carbon()
        self.newest = math.nan
        """The hour since 1970 whose import was learnt last, known or not."""
        self._zone = ZoneInfo(zone)
        self._price = day_peak_eur_per_w

    def learn(self, hour: int, import_w: float | None) -> None:
        """Take in the mean import of an hour that is over; of one that nobody knows nothing is reached."""
        if hour <= self.newest:
            return
        self.newest = float(hour)
        if import_w is not None:
            self.crests.learn(self._day(hour * _HOUR_S), import_w)

    def hear(self, quotes: Iterable[Quote], utc_s: float) -> None:
        """Take in the carbon that is signalled for the hour that runs."""
        hour = int(utc_s // _HOUR_S)
        moments = range(hour * _HOUR_S, (hour + 1) * _HOUR_S, _GRAIN_S)
        told = [quote for quote in quotes if _CO2 in quote.values]
        found = [
            quote.values[_CO2]
            for at_s in moments
            for quote in told
            if quote.begin_utc_s < at_s + _GRAIN_S and at_s < quote.end_utc_s
        ]
        if found:
            # What is as clean must not seem to differ, by the last bit either.
            self.carbon.learn(hour, found[0] if min(found) == max(found) else sum(found) / len(found))

    def counted(self, question: Question) -> Question:
        """The same question with both."""
        count, step_s, start_s = question.count, question.step_s, question.start_utc_s
        middles_s = [start_s + (at + 0.5) * step_s for at in range(count)]
        days = [self._day(at_s) for at_s in middles_s]
        surcharges = self.crests.surcharges(days, self._price)
        co2: Sequence[float] = self.carbon.at([int(at_s // _HOUR_S) for at_s in middles_s])
        return replace(question, contract=replace(question.contract, surcharges=surcharges), co2_g_per_wh=co2)

    def shown(self, question: Question, utc_s: float) -> dict[str, Any]:
        """How both count in a question that was planned, JSON-ready; None where one does not."""
        return {"day_peak": self._peak(question, utc_s), "co2": self._co2(question)}

    def _peak(self, question: Question, utc_s: float) -> dict[str, Any] | None:
        if self._price <= 0.0:
            return None
        surcharges = question.contract.surcharges
        return {
            "eur_per_w": self._price,
            "today_w": round(self.crests.reached_w(self._day(utc_s)), 1),
            "days_count": len(self.crests.days_w),
            "above_w": [round(one.above_w[0], 1) for one in surcharges],
            "eur_per_wh": [one.eur_per_wh for one in surcharges],
        }

    def _co2(self, question: Question) -> dict[str, Any] | None:
        if question.contract.co2_eur_per_g <= 0.0:
            return None
        ends_s = [quote.end_utc_s for quote in question.quotes if _CO2 in quote.values]
        told_s = max(0.0, max(ends_s, default=question.start_utc_s) - question.start_utc_s)
        return {
            "eur_per_g": question.contract.co2_eur_per_g,
            "signalled_s": min(told_s, question.count * question.step_s),
            "is_foretold": bool(question.co2_g_per_wh),
            "days_count": self.carbon.days,
        }

    def _day(self, utc_s: float) -> int:
        return datetime.fromtimestamp(utc_s, self._zone).toordinal()

    def keep(self) -> dict[str, Any]:
        """All that it remembers, JSON-ready."""
        newest = None if math.isnan(self.newest) else self.newest
        return {"newest": newest, "crests": self.crests.keep(), "carbon": self.carbon.keep()}

    def recall(self, told: Any) -> None:
        """Go on with what ``keep`` gave; what is no such thing is learnt anew from the history."""
        table = told if isinstance(told, dict) else {}
        crests, carbon, newest = Crests(), Carbon(), table.get("newest")
        try:
            carbon.recall(table.get("carbon"))
            self.carbon = carbon
            crests.recall(table.get("crests"))
        except ValueError:
            return
        if isinstance(newest, int | float) and math.isfinite(newest):
            self.crests, self.newest = crests, float(newest)
