"""Back-test plans against the rule of self-consumption with two virtual batteries (pure).

Two imagined batteries live through every hour that was measured: one by the aim that a plan of that moment
gives, made of the forecast as it was then, the other by the rule.  What their bills differ by decides whether
plans are to be trusted; it fades, so that a forecast that became good again is followed again.
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
"""How far ahead each of its plans looks, where prices are known so far."""
KNOWN_PRICES_MIN_H = 4
"""Prices that are known no further are too few to plan by."""
_KEPT_PER_HOUR = 1.0 - 1.0 / (7 * 24)
"""What is kept of a bill from hour to hour: a week counts."""
BACKTEST_MIN_H = 72
"""Before so many hours nothing is said."""
DEARER_SHARE_MAX = 0.01
"""By so much of what the house pays without a battery a plan may be dearer than the rule."""
LEFT_ENERGY_SHARE = 0.9
"""Of what the cheapest import costs, what a Wh that is left at the end is worth: it may not be wanted."""
_ENERGY_CONTRACT = Contract()
"""Its plans are made as they are judged, by the price of energy alone: one that spares a month's peak, or
carbon, is dearer by right.
"""
_HOUR_S = 3_600


@dataclass(slots=True)
class VirtualBattery:
    """A battery that never was: what is in it, and its fading bill."""

    energy_wh: float
    cost_eur: float = 0.0


@dataclass(slots=True)
class PlanBacktest:
    """Hours that were tried, and the bills; ``battery`` and ``tariff`` are the site's."""

    battery: BatteryModel
    tariff: Tariff
    import_max_w: float
    export_max_w: float
    target_w: float = 0.0
    hours: float = 0.0
    bare_eur: float = 0.0
    """Without a battery."""
    worth_eur_per_wh: float = 0.0
    quoted: PriceHistory = field(default_factory=PriceHistory)
    """Past prices, where they come by signal."""
    by_plan: VirtualBattery = field(init=False)
    by_rule: VirtualBattery = field(init=False)

    def __post_init__(self) -> None:
        self.by_plan, self.by_rule = (VirtualBattery(self.battery.reserve_wh) for _ in range(2))

    def step(self, learner: Learner, slot: int, load_w: float | None, sun_w: float | None) -> None:
        """An hour is over that ``learner`` has not seen yet; nothing where it, or its price, is not known,
        where it cannot have been, or no plan can be made of its numbers.
        """
        if load_w is None or sun_w is None or learner.grid.slot_s != _HOUR_S:
            return
        if load_w > learner.load_sound.most_w or sun_w > learner.sun_sound.most_w:
            return  # a jump of a counter: a bill of it would hide what all other hours cost
        start_s = float(slot * _HOUR_S)
        known, billed = self._find_prices(slot)
        if known.count < KNOWN_PRICES_MIN_H or billed is None:
            return
        count = known.count
        foretold = make_forecast(learner, start_s, count * _HOUR_S, _HOUR_S)
        load, sun = [load_w, *foretold.load.mean_w[1:]], [max(sun_w, 0.0), *foretold.generated.mean_w[1:]]
        outlook = Outlook(
            step_s=_HOUR_S,
            load_w=load,
            pv_w=sun,
            import_eur_per_wh=known.import_eur_per_wh,
            export_eur_per_wh=known.export_eur_per_wh,
            import_max_w=[self.import_max_w] * count,
            export_max_w=[self.export_max_w] * count,
            samples=[(), *make_scenarios(foretold)[1:]],
        )
        worth = self.battery.discharge_efficiency * max(0.0, min(known.import_eur_per_wh))
        unit = replace(
            self.battery,
            energy_wh=self.by_plan.energy_wh,
            worth_eur_per_wh=LEFT_ENERGY_SHARE * worth,
        )
        try:
            plan = plan_battery(unit, outlook, _ENERGY_CONTRACT)
        except RefusedError:  # an hour that was measured so must not keep those after it from being learnt
            return
        aim = make_aims(plan, unit, outlook, _ENERGY_CONTRACT, [NO_REASON] * count, self.target_w)[0]
        self.worth_eur_per_wh = worth
        net_w = load_w - sun_w
        bought, sold = billed
        self._live(self.by_plan, net_w, aim.asked_w(net_w), bought, sold)
        self._live(self.by_rule, net_w, self.target_w - net_w, bought, sold)
        self.bare_eur = _KEPT_PER_HOUR * self.bare_eur + _find_bill_eur(net_w, bought, sold)
        self.hours += 1.0

    def _find_prices(self, slot: int) -> tuple[Prices, tuple[float, float] | None]:
        """Return what a plan of that hour knew of prices, and what the hour cost in the end."""
        if self.tariff.kind != "signal":
            known = find_prices(
                self.tariff, MeterTariffState(), (), slot * float(_HOUR_S), _HOUR_S, BACKTEST_HORIZON_H
            )
            return known, (known.import_eur_per_wh[0], known.export_eur_per_wh[0])
        row = self.quoted.find_final_price(slot)
        billed = None if row is None else (row.import_eur_per_wh, row.export_eur_per_wh)
        return self.quoted.find_known_prices(slot, BACKTEST_HORIZON_H), billed

    def make_rule_battery(self) -> RuleBattery:
        """Its battery anew, living by the rule."""
        return RuleBattery(self.battery, self.battery.reserve_wh, self.target_w)

    def _live(self, one: VirtualBattery, net_w: float, wanted_w: float, bought: float, sold: float) -> None:
        """One hour, inside what the battery can do."""
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
        """By how much the plan was dearer than the rule of late, what is in the batteries counted."""
        more_wh = self.by_plan.energy_wh - self.by_rule.energy_wh
        return self.by_plan.cost_eur - self.by_rule.cost_eur - more_wh * self.worth_eur_per_wh

    @property
    def why_not(self) -> str:
        """Return why plans are not to be trusted; empty while nothing speaks against them."""
        if self.hours < BACKTEST_MIN_H or self.dearer_eur <= DEARER_SHARE_MAX * abs(self.bare_eur):
            return ""
        return f"in its back-test of the last week a plan cost {self.dearer_eur:.2f} EUR more than the rule"

    def keep(self) -> dict[str, Any]:
        """All that it remembers, JSON-ready."""
        both = {"plan": self.by_plan, "rule": self.by_rule}
        bills = {f"{name}_{key}": getattr(one, key) for name, one in both.items() for key in _BATTERY_KEYS}
        own = {name: getattr(self, name) for name in _OWN_KEYS}
        return {**bills, **own, "quoted": self.quoted.keep()}

    def recall(self, told: Any) -> None:
        """Go on with what ``keep`` gave; what is no such thing is left out, and it begins anew."""
        names = [f"{name}_{key}" for name in ("plan", "rule") for key in _BATTERY_KEYS] + list(_OWN_KEYS)
        table = told if isinstance(told, dict) else {}
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
