"""Back-test plans against the rule of self-consumption with two virtual batteries (pure).

Two virtual batteries run through every measured hour: one follows the aim of a plan made from the forecast of
that time, the other follows the rule. The difference of their bills decides whether plans are trusted. The
bills fade, so that plans are followed again once the forecast is good again.
"""

import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from quartier.control.reason import NO_REASON
from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.predictions import make_forecast
from quartier.planning.forecast.scenarios import make_scenarios
from quartier.planning.horizon import BatteryModel, Contract, Outlook, RefusedError
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.plan_aims import make_aims
from quartier.planning.tariffs.energy_prices import MeterTariffState, Prices, Tariff, find_prices
from quartier.planning.tariffs.price_history import PriceHistory
from quartier.planning.tariffs.rule_baseline import RuleBattery
from quartier.site.records import replace

BACKTEST_HORIZON_H = 24
"""Horizon of each back-tested plan in hours, as far as prices are known."""
KNOWN_PRICES_MIN_H = 4
"""Fewer hours of known prices are too few to plan with."""
_KEPT_PER_HOUR = 1.0 - 1.0 / (7 * 24)
"""Share of a bill that is kept from hour to hour: time constant of one week."""
BACKTEST_MIN_H = 72
"""There is no verdict before this many hours."""
DEARER_SHARE_MAX = 0.01
"""A plan may cost more than the rule by this share of the bill without a battery."""
LEFT_ENERGY_SHARE = 0.9
"""Value of a Wh that is left at the end, as a share of the cheapest import: it may not be needed."""
_ENERGY_CONTRACT = Contract()
"""Contract of the back-tested plans: the energy price alone, as in their evaluation.

A plan that reduces the month peak or carbon costs more energy for good reason.
"""
_HOUR_S = 3_600


@dataclass(slots=True)
class VirtualBattery:
    """A virtual battery: its stored energy and its fading bill."""

    energy_wh: float
    cost_eur: float = 0.0


@dataclass(slots=True)
class PlanBacktest:
    """Hours tried and the bills; ``battery`` and ``tariff`` are those of the site."""

    battery: BatteryModel
    tariff: Tariff
    import_max_w: float
    export_max_w: float
    target_w: float = 0.0
    hours: float = 0.0
    bare_eur: float = 0.0
    """Bill without a battery."""
    worth_eur_per_wh: float = 0.0
    quoted: PriceHistory = field(default_factory=PriceHistory)
    """Past prices, where the district signals them."""
    by_plan: VirtualBattery = field(init=False)
    by_rule: VirtualBattery = field(init=False)

    def __post_init__(self) -> None:
        self.by_plan, self.by_rule = (VirtualBattery(self.battery.reserve_wh) for _ in range(2))

    def step(self, learner: Learner, slot: int, load_w: float | None, sun_w: float | None) -> None:
        """Evaluate a finished hour that ``learner`` has not learned yet.

        Do nothing if the hour or its price is not known, if its values are implausible, or if no plan can be
        made from them.
        """
        if load_w is None or sun_w is None or learner.grid.slot_s != _HOUR_S:
            return
        if load_w > learner.load_sound.most_w or sun_w > learner.sun_sound.most_w:
            return  # a counter jump: its bill would hide the cost of all other hours
        start_s = float(slot * _HOUR_S)
        known, billed = self._find_prices(slot)
        if known.count < KNOWN_PRICES_MIN_H or billed is None:
            return
        count = known.count
        forecast = make_forecast(learner, start_s, count * _HOUR_S, _HOUR_S)
        load, sun = [load_w, *forecast.load.mean_w[1:]], [max(sun_w, 0.0), *forecast.generated.mean_w[1:]]
        outlook = Outlook(
            step_s=_HOUR_S,
            load_w=load,
            pv_w=sun,
            import_eur_per_wh=known.import_eur_per_wh,
            export_eur_per_wh=known.export_eur_per_wh,
            import_max_w=[self.import_max_w] * count,
            export_max_w=[self.export_max_w] * count,
            samples=[(), *make_scenarios(forecast)[1:]],
        )
        worth = self.battery.discharge_efficiency * max(0.0, min(known.import_eur_per_wh))
        unit = replace(
            self.battery,
            energy_wh=self.by_plan.energy_wh,
            worth_eur_per_wh=LEFT_ENERGY_SHARE * worth,
        )
        try:
            plan = plan_battery(unit, outlook, _ENERGY_CONTRACT)
        except RefusedError:  # such an hour must not prevent later hours from being learned
            return
        aim = make_aims(plan, unit, outlook, _ENERGY_CONTRACT, [NO_REASON] * count, self.target_w)[0]
        self.worth_eur_per_wh = worth
        net_w = load_w - sun_w
        bought, sold = billed
        self._live(self.by_plan, net_w, aim.find_power_w(net_w), bought, sold)
        self._live(self.by_rule, net_w, self.target_w - net_w, bought, sold)
        self.bare_eur = _KEPT_PER_HOUR * self.bare_eur + _find_bill_eur(net_w, bought, sold)
        self.hours += 1.0

    def _find_prices(self, slot: int) -> tuple[Prices, tuple[float, float] | None]:
        """Return the prices known to a plan of that hour, and the final prices of the hour."""
        if self.tariff.kind != "signal":
            known = find_prices(
                self.tariff, MeterTariffState(), (), slot * float(_HOUR_S), _HOUR_S, BACKTEST_HORIZON_H
            )
            return known, (known.import_eur_per_wh[0], known.export_eur_per_wh[0])
        row = self.quoted.find_final_price(slot)
        billed = None if row is None else (row.import_eur_per_wh, row.export_eur_per_wh)
        return self.quoted.find_known_prices(slot, BACKTEST_HORIZON_H), billed

    def make_rule_battery(self) -> RuleBattery:
        """Return a new battery of the site that follows the rule."""
        return RuleBattery(self.battery, self.battery.reserve_wh, self.target_w)

    def _live(self, one: VirtualBattery, net_w: float, wanted_w: float, bought: float, sold: float) -> None:
        """Simulate one hour within the limits of the battery."""
        unit = self.battery
        room_wh = max(0.0, unit.capacity_wh - one.energy_wh) / unit.charge_efficiency
        there_wh = max(0.0, one.energy_wh - unit.reserve_wh) * unit.discharge_efficiency
        low_w, high_w = -min(unit.discharge_max_w, there_wh), min(unit.charge_max_w, room_wh)
        power_w = min(max(wanted_w, low_w), high_w)
        moved_wh = power_w * unit.charge_efficiency if power_w > 0.0 else power_w / unit.discharge_efficiency
        one.energy_wh += moved_wh
        wear_eur = unit.wear_eur_per_wh * abs(moved_wh)
        one.cost_eur = (
            _KEPT_PER_HOUR * one.cost_eur + _find_bill_eur(net_w + power_w, bought, sold) + wear_eur
        )

    @property
    def dearer_eur(self) -> float:
        """Return the recent extra cost of the plan over the rule in EUR, corrected by the stored energy."""
        more_wh = self.by_plan.energy_wh - self.by_rule.energy_wh
        return self.by_plan.cost_eur - self.by_rule.cost_eur - more_wh * self.worth_eur_per_wh

    @property
    def why_not(self) -> str:
        """Return why plans are not trusted; empty if they are."""
        if self.hours < BACKTEST_MIN_H or self.dearer_eur <= DEARER_SHARE_MAX * abs(self.bare_eur):
            return ""
        return f"in its back-test of the last week a plan cost {self.dearer_eur:.2f} EUR more than the rule"

    def keep(self) -> dict[str, Any]:
        """Return all state, JSON-ready."""
        both = {"plan": self.by_plan, "rule": self.by_rule}
        bills = {f"{name}_{key}": getattr(one, key) for name, one in both.items() for key in _BATTERY_KEYS}
        own = {name: getattr(self, name) for name in _OWN_KEYS}
        return {**bills, **own, "quoted": self.quoted.keep()}

    def recall(self, stored: Any) -> None:
        """Restore the state that ``keep`` returned; ignore invalid data and start fresh."""
        names = [f"{name}_{key}" for name in ("plan", "rule") for key in _BATTERY_KEYS] + list(_OWN_KEYS)
        table = stored if isinstance(stored, dict) else {}
        with suppress(TypeError, ValueError):
            self.quoted.recall(table.get("quoted", ()))
        values = {name: float(table[name]) for name in names if isinstance(table.get(name), int | float)}
        if len(values) < len(names) or not all(map(math.isfinite, values.values())):
            return
        for name, one in (("plan", self.by_plan), ("rule", self.by_rule)):
            one.energy_wh, one.cost_eur = values[f"{name}_energy_wh"], values[f"{name}_cost_eur"]
            one.energy_wh = min(max(one.energy_wh, self.battery.reserve_wh), self.battery.capacity_wh)
        for name in _OWN_KEYS:
            setattr(self, name, values[name])


_BATTERY_KEYS = ("energy_wh", "cost_eur")
_OWN_KEYS = ("hours", "bare_eur", "worth_eur_per_wh")


def _find_bill_eur(grid_w: float, bought: float, sold: float) -> float:
    return bought * max(grid_w, 0.0) - sold * max(-grid_w, 0.0)
