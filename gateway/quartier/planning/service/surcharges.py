"""Costs of import beyond the energy price: day peak, month peak, carbon.

An unknown import does not count as a reached peak, and unknown carbon is left out. Everything here runs in
the planner's thread; readers for display read whole numbers.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from quartier.planning.service.plan_request import PlanRequest
from quartier.planning.tariffs.carbon_forecast import CarbonForecast
from quartier.planning.tariffs.energy_prices import PriceSignal
from quartier.planning.tariffs.peak_history import PeakHistory
from quartier.planning.tariffs.rule_baseline import RuleBaseline, RuleBattery, RuleDeficit

_HOUR_S, _STEP_S = 3_600, 300
_CO2_QUANTITY = "import_g_per_wh"


class Surcharges:
    """Surcharges of a site.

    ``day_peak_eur_per_w`` is the price of a W of a day's largest hourly mean import. With ``by_month``, the
    import that a month has reached so far is free for the rest of it. ``rule`` is the site's battery under
    the rule; carbon and day peak are weighted by how far plans lag behind it. With None the weights stay at
    1.
    """

    def __init__(
        self,
        zone: str,
        day_peak_eur_per_w: float = 0.0,
        rule: RuleBattery | None = None,
        *,
        by_month: bool = False,
    ) -> None:
        self.peak_history, self.carbon = PeakHistory(), CarbonForecast()
        self.rule_baseline, self.rule = RuleBaseline(), rule
        self.month, self.month_w = 0, 0.0
        self._by_month = by_month
        self.newest = math.nan
        """Hour since 1970 whose import was learned last, known or not."""
        self._zone = ZoneInfo(zone)
        self._price = day_peak_eur_per_w

    def learn(self, hour: int, import_w: float | None, battery_w: float | None = None) -> None:
        """Learn the mean import of a finished hour, and the mean power of the batteries in it, in W.

        An hour with an unknown import adds neither a peak nor a deficit.
        """
        if hour <= self.newest:
            return
        self.newest = float(hour)
        if import_w is None:
            return
        day, month = self._find_day(hour * _HOUR_S), self._find_month(hour * _HOUR_S)
        self.peak_history.learn(day, import_w)
        if month != self.month:
            self.month, self.month_w = month, 0.0
        self.month_w = max(self.month_w, import_w)
        if self.rule is not None and battery_w is not None:
            bare_w = import_w - battery_w
            grids_w = import_w, self.rule.grid_w(bare_w, 1.0), bare_w
            self.rule_baseline.learn(day, grids_w, self.carbon.of(hour), 1.0)

    def forget(self, utc_s: float) -> None:
        """Discard what was learned of hours that begin later than ``utc_s``: they have not happened."""
        if self.newest * _HOUR_S > utc_s:
            self.peak_history, self.newest = PeakHistory(), math.nan
            self.month, self.month_w = 0, 0.0
        if self.carbon.newest * _HOUR_S > utc_s:
            self.carbon = CarbonForecast()

    def hear(self, quotes: Iterable[PriceSignal], utc_s: float) -> None:
        """Learn the carbon signalled for the current hour."""
        hour = int(utc_s // _HOUR_S)
        moments = range(hour * _HOUR_S, (hour + 1) * _HOUR_S, _STEP_S)
        signals = [quote for quote in quotes if _CO2_QUANTITY in quote.values]
        found = [
            quote.values[_CO2_QUANTITY]
            for at_s in moments
            for quote in signals
            if quote.begin_utc_s < at_s + _STEP_S and at_s < quote.end_utc_s
        ]
        if found:
            # Equally clean hours must not differ, not even by the last bit.
            self.carbon.learn(hour, found[0] if min(found) == max(found) else sum(found) / len(found))

    def add_surcharges(self, question: PlanRequest) -> PlanRequest:
        """Return the question with all surcharges added."""
        count, step_s, start_s = question.count, question.step_s, question.start_utc_s
        middles_s = [start_s + (at + 0.5) * step_s for at in range(count)]
        days = [self._find_day(at_s) for at_s in middles_s]
        free_w = question.contract.peak_free_w
        if self._by_month and {self._find_month(at_s) for at_s in middles_s} == {self.month}:
            free_w = max(free_w, self.month_w)  # a future month has reached nothing
        contract = replace(
            question.contract,
            peak_free_w=free_w,
            surcharges=self.peak_history.surcharges(
                days, self._price * self._find_factor(self.rule_baseline.day_peak)
            ),
            co2_eur_per_g=question.contract.co2_eur_per_g * self._find_factor(self.rule_baseline.co2),
        )
        co2: Sequence[float] = self.carbon.at([int(at_s // _HOUR_S) for at_s in middles_s])
        return replace(question, contract=contract, co2_g_per_wh=co2)

    def _find_factor(self, debt: RuleDeficit) -> float:
        return 1.0 if self.rule is None else debt.factor

    def render_surcharges(self, question: PlanRequest, utc_s: float) -> dict[str, Any]:
        """Return how each surcharge counts in a planned question, JSON-ready.

        A surcharge that does not count is None.
        """
        rendered = {"day_peak": self._render_day_peak(question, utc_s), "co2": self._render_co2(question)}
        rendered |= {"month_peak": self._render_month_peak(question, utc_s)}
        return rendered if self.rule is None else rendered | {"held": self._render_weights()}

    def _render_weights(self) -> dict[str, Any]:
        """Return how far plans lag behind the rule, in usual days, and the resulting weight factors."""
        debts = {"co2": self.rule_baseline.co2, "day_peak": self.rule_baseline.day_peak}
        return {name: {"behind_days": one.days, "factor": one.factor} for name, one in debts.items()}

    def _render_month_peak(self, question: PlanRequest, utc_s: float) -> dict[str, Any] | None:
        if not self._by_month:
            return None
        return {
            "eur_per_w": question.contract.peak_eur_per_w,
            "month_w": round(self.find_month_peak_w(utc_s), 1),
            "free_w": round(question.contract.peak_free_w, 1),
        }

    def find_month_peak_w(self, utc_s: float) -> float:
        """Return the largest import of the month of that instant so far, in W."""
        return self.month_w if self._find_month(utc_s) == self.month else 0.0

    def _render_day_peak(self, question: PlanRequest, utc_s: float) -> dict[str, Any] | None:
        if self._price <= 0.0:
            return None
        surcharges = question.contract.surcharges
        return {
            "eur_per_w": self._price * self._find_factor(self.rule_baseline.day_peak),
            "today_w": round(self.peak_history.find_day_peak_w(self._find_day(utc_s)), 1),
            "days_count": len(self.peak_history.days_w),
            "above_w": [round(one.above_w[0], 1) for one in surcharges],
            "eur_per_wh": [one.eur_per_wh for one in surcharges],
        }

    def _render_co2(self, question: PlanRequest) -> dict[str, Any] | None:
        if question.contract.co2_eur_per_g <= 0.0:
            return None
        ends_s = [quote.end_utc_s for quote in question.quotes if _CO2_QUANTITY in quote.values]
        signalled_s = max(0.0, max(ends_s, default=question.start_utc_s) - question.start_utc_s)
        return {
            "eur_per_g": question.contract.co2_eur_per_g,
            "signalled_s": min(signalled_s, question.count * question.step_s),
            "is_forecast": bool(question.co2_g_per_wh),
            "days_count": self.carbon.days,
        }

    def _find_day(self, utc_s: float) -> int:
        return datetime.fromtimestamp(utc_s, self._zone).toordinal()

    def _find_month(self, utc_s: float) -> int:
        local = datetime.fromtimestamp(utc_s, self._zone)
        return 12 * local.year + local.month

    def keep(self) -> dict[str, Any]:
        """Return all state, JSON-ready."""
        newest = None if math.isnan(self.newest) else self.newest
        known = {"newest": newest, "crests": self.peak_history.keep(), "carbon": self.carbon.keep()}
        known |= {"month": {"number": self.month, "top_w": self.month_w}}
        stored = {} if self.rule is None else {"rule_wh": self.rule.energy_wh}
        return known | {"account": self.rule_baseline.keep()} | stored

    def recall(self, stored: Any) -> None:
        """Restore the state that ``keep`` returned; invalid parts are learned again from the history."""
        table = stored if isinstance(stored, dict) else {}
        peaks, carbon, newest = PeakHistory(), CarbonForecast(), table.get("newest")
        self.rule_baseline.recall(table.get("account"))
        stored_wh = table.get("rule_wh")
        if self.rule is not None and isinstance(stored_wh, int | float) and math.isfinite(stored_wh):
            self.rule.energy_wh = float(stored_wh)
        try:
            carbon.recall(table.get("carbon"))
            self.carbon = carbon
            peaks.recall(table.get("crests"))
            month = _load_month(table.get("month"))
        except ValueError:
            return
        if isinstance(newest, int | float) and math.isfinite(newest):
            self.peak_history, self.newest = peaks, float(newest)
            self.month, self.month_w = month


def _load_month(stored: Any) -> tuple[int, float]:
    if stored is None:
        return 0, 0.0
    table = stored if isinstance(stored, dict) else {}
    number, top_w = table.get("number"), table.get("top_w")
    if not isinstance(number, int) or not isinstance(top_w, int | float) or not 0.0 <= top_w < math.inf:
        raise ValueError("month: expected its number and what it has reached")
    return number, float(top_w)
