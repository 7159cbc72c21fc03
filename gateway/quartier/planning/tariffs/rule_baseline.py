"""Compare CO2 and daily peaks of the plan with the rule of self-consumption (pure).

A virtual battery follows the rule of self-consumption; the real one follows the plan. Where the plan is worse
than the rule, the weight of CO2, or of a day's largest import, rises until it is not. Where the plan is
better, the weight of CO2 falls. The price of a long-run constraint is found online by exponentiated steps
along its violation (Arora, Hazan and Kale 2012, The multiplicative weights update method, Theory of Computing
8). The deficit is a virtual queue as in Neely 2010, Stochastic network optimization.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from quartier.planning.horizon import BatteryModel

CREDIT_D = 0.5
"""Largest credit for being better than the rule, in usual days.

With it a plan may be worse for a while after a good season. The same amount of deficit is remembered at
least: a season's deficit beyond the largest weight still counts in the next.
"""
_USUAL_DAYS_COUNT = 90
"""Number of days in the mean of the usual day."""


@dataclass(slots=True)
class RuleDeficit:
    """Deficit of the plan in one quantity.

    ``days`` is by how much the plan is worse than the rule, in usual days without a battery; below zero it is
    better. For each ``step_d`` of it the weight is multiplied by e, within ``least`` to ``most``. The plan
    should be better by ``lead`` of the usual day.
    """

    step_d: float
    least: float
    most: float
    lead: float
    days: float = 0.0
    usual: float = 0.0
    seen: float = 0.0

    def learn(self, ours: float, rules: float, bare: float) -> None:
        """Learn a finished day: the quantity with the plan, by the rule, and without a battery."""
        self.seen = min(self.seen + 1.0, float(_USUAL_DAYS_COUNT))
        self.usual += (bare - self.usual) / self.seen
        if self.usual > 0.0:
            self.days += (ours - rules) / self.usual + self.lead
            self.days = min(max(self.days, -CREDIT_D), self.days_max)

    @property
    def days_max(self) -> float:
        """Return the largest deficit, in usual days."""
        return max(CREDIT_D, self.step_d * math.log(self.most))

    @property
    def factor(self) -> float:
        """Return the factor on the weight: 1 without a deficit."""
        return min(self.most, max(self.least, math.exp(self.days / self.step_d)))


@dataclass(slots=True)
class RuleBattery:
    """A virtual battery that follows the rule, and the grid power that results."""

    battery: BatteryModel
    energy_wh: float = 0.0
    target_w: float = 0.0
    """Grid power that the rule aims for."""

    def grid_w(self, net_w: float, hours: float) -> float:
        """Return the mean grid power of a step in which the site takes ``net_w`` without a battery."""
        unit = self.battery
        self.energy_wh = min(max(self.energy_wh, unit.reserve_wh), unit.capacity_wh)
        room_w = (unit.capacity_wh - self.energy_wh) / (unit.charge_efficiency * hours)
        there_w = (self.energy_wh - unit.reserve_wh) * unit.discharge_efficiency / hours
        low_w, high_w = -min(unit.discharge_max_w, there_w), min(unit.charge_max_w, room_w)
        power_w = min(max(self.target_w - net_w, low_w), high_w)
        share = unit.charge_efficiency if power_w > 0.0 else 1.0 / unit.discharge_efficiency
        self.energy_wh += power_w * share * hours
        return net_w + power_w


@dataclass(slots=True)
class RuleBaseline:
    """Both quantities, hour by hour; its size does not grow.

    A deficit of a fiftieth of a day changes the weight of CO2 by an eighth. It changes slowly and by the
    season, since a weight that swings costs more than a constant one.
    """

    co2: RuleDeficit = field(default_factory=lambda: RuleDeficit(1.0 / 6.0, 0.25, 8.0, 0.0007))
    day_peak: RuleDeficit = field(default_factory=lambda: RuleDeficit(1.0 / 4.0, 1.0, 4.0, 0.001))
    day: float = math.nan
    grams: list[float] = field(default_factory=lambda: [0.0] * 3)
    tops_w: list[float] = field(default_factory=lambda: [0.0] * 3)

    def learn(self, day: int, grids_w: tuple[float, float, float], g_per_wh: float, hours: float) -> None:
        """Learn a finished step: grid power with the plan, by the rule, and without a battery.

        ``g_per_wh`` is NaN where the carbon is unknown. A day without any import adds no deficit.
        """
        if day != self.day:
            for debt, sums in ((self.co2, self.grams), (self.day_peak, self.tops_w)):
                if any(sums):
                    debt.learn(*sums)
            self.day, self.grams, self.tops_w = float(day), [0.0] * 3, [0.0] * 3
        for at, grid_w in enumerate(grids_w):
            import_w = max(grid_w, 0.0)
            self.grams[at] += 0.0 if math.isnan(g_per_wh) else import_w * hours * g_per_wh
            self.tops_w[at] = max(self.tops_w[at], import_w)

    def keep(self) -> dict[str, float]:
        """Return the state of the finished days, JSON-ready."""
        return {f"{name}_{key}": getattr(one, key) for name, one in self._deficits for key in _KEYS}

    def recall(self, stored: Any) -> None:
        """Restore the state that ``keep`` returned; ignore invalid data and start fresh."""
        table = stored if isinstance(stored, dict) else {}
        names = [f"{name}_{key}" for name, _ in self._deficits for key in _KEYS]
        values = {name: float(table[name]) for name in names if isinstance(table.get(name), int | float)}
        if len(values) < len(names) or not all(map(math.isfinite, values.values())):
            return
        for name, one in self._deficits:
            one.usual, one.seen = max(0.0, values[f"{name}_usual"]), max(0.0, values[f"{name}_seen"])
            one.days = min(max(values[f"{name}_days"], -CREDIT_D), one.days_max)

    @property
    def _deficits(self) -> tuple[tuple[str, RuleDeficit], tuple[str, RuleDeficit]]:
        return ("co2", self.co2), ("crest", self.day_peak)


_KEYS = ("days", "usual", "seen")
