"""Figures of a run from the values of the plant: energy, cost, switchings, largest hourly imports (pure).
An hour counts as a peak price counts it: the mean of a whole hour.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from quartier_hil.scenario.supply_contract import FEED_IN_EUR_PER_WH


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Costs of a day with a plan and without.

    ``stored_wh`` is the energy that the battery has more with the plan at the end.  ``heat_wh`` is the
    electricity for the extra heat in hot water.  ``price_eur_per_wh`` is the price of the last
    moment, at which stored energy counts.  ``top_w`` are the largest imports of an hour (None: not measured),
    ``tops_eur`` the costs of the largest imports; both are pairs (with the plan, without).
    """

    planned_eur: float
    unplanned_eur: float
    stored_wh: float
    price_eur_per_wh: float
    heat_wh: float = 0.0
    top_w: tuple[float, float] | None = None
    tops_eur: tuple[float, float] = (0.0, 0.0)

    @property
    def saving_eur(self) -> float:
        """The amount that the plan saved, EUR."""
        stored_eur = (self.stored_wh + self.heat_wh) * self.price_eur_per_wh
        return self.unplanned_eur - self.planned_eur + self.tops_eur[1] - self.tops_eur[0] + stored_eur


@dataclass
class TariffPeriod:
    """Import in a period of the supply contract, and its cost."""

    import_wh: float = 0.0
    cost_eur: float = 0.0


@dataclass
class RunFigures:
    """Sums over the steps; every energy is the integral of powers that are constant within a step.

    ``periods`` are those of the supply contract, where the site states one.
    """

    import_wh: float = 0.0
    export_wh: float = 0.0
    generated_wh: float = 0.0
    consumed_wh: float = 0.0
    charged_wh: float = 0.0
    discharged_wh: float = 0.0
    cost_eur: float = 0.0
    import_max_w: float = 0.0
    over_cap_s: float = 0.0
    switchings_count: int = 0
    periods: dict[str, TariffPeriod] = field(default_factory=dict)
    _switches: dict[str, bool] = field(default_factory=dict)

    def step(
        self,
        values: Mapping[str, float],
        cap_w: float,
        price_eur_per_wh: float,
        dt_s: float,
        period: str = "",
    ) -> None:
        """Take one step of the plant; ``period`` of the supply contract, where there is one."""
        hours = dt_s / 3600.0
        grid_w, battery_w = values["grid.power_w"], values["bat1.power_w"]
        imported_wh, exported_wh = max(grid_w, 0.0) * hours, max(-grid_w, 0.0) * hours
        self.import_wh += imported_wh
        self.export_wh += exported_wh
        self.generated_wh += -values["pv1.power_w"] * hours
        # What the connection, the battery and the PV do not explain; a CHP's own generation is taken off.
        self.consumed_wh += (grid_w - battery_w - values["pv1.power_w"]) * hours
        self.charged_wh += max(battery_w, 0.0) * hours
        self.discharged_wh += max(-battery_w, 0.0) * hours
        self.cost_eur += imported_wh * price_eur_per_wh - exported_wh * FEED_IN_EUR_PER_WH
        if period:
            drawn = self.periods.setdefault(period, TariffPeriod())
            drawn.import_wh += imported_wh
            drawn.cost_eur += imported_wh * price_eur_per_wh
        self.import_max_w = max(self.import_max_w, grid_w)
        self.over_cap_s += dt_s if grid_w > cap_w * 1.001 + 1.0 else 0.0
        for name, on in (
            ("relay", values.get("order.relay_on", 1.0) > 0),
            ("car", values.get("order.current_max_a", 16.0) > 0),
        ):
            self.switchings_count += self._switches.get(name, on) != on
            self._switches[name] = on

    @property
    def self_consumption_pct(self) -> float:
        """Share of the PV energy that stayed in the building; 100 when there was none."""
        if self.generated_wh <= 0:
            return 100.0
        return 100.0 * max(self.generated_wh - self.export_wh, 0.0) / self.generated_wh

    @property
    def self_sufficiency_pct(self) -> float:
        """Share of the consumption that did not come from the grid."""
        if self.consumed_wh <= 0:
            return 100.0
        return 100.0 * max(1.0 - self.import_wh / self.consumed_wh, 0.0)

    def table(self) -> dict[str, float]:
        """Return the figures by name."""
        return {
            "import_wh": self.import_wh,
            "export_wh": self.export_wh,
            "generated_wh": self.generated_wh,
            "consumed_wh": self.consumed_wh,
            "charged_wh": self.charged_wh,
            "discharged_wh": self.discharged_wh,
            "cost_eur": self.cost_eur,
            "self_consumption_pct": self.self_consumption_pct,
            "self_sufficiency_pct": self.self_sufficiency_pct,
            "import_max_w": self.import_max_w,
            "over_cap_s": self.over_cap_s,
            "switchings_count": self.switchings_count,
            **{f"import_{name}_wh": period.import_wh for name, period in self.periods.items()},
            **{f"cost_{name}_eur": period.cost_eur for name, period in self.periods.items()},
        }


_HOUR_S, _DAY_H = 3_600.0, 24


@dataclass
class HourlyPeaks:
    """Largest imports by day: ``days_w``, in W.  An hour that was not simulated whole does not count."""

    days_w: dict[int, float] = field(default_factory=dict)
    _hour: int = -1
    _import_wh: float = 0.0
    _simulated_s: float = 0.0

    @property
    def top_w(self) -> float:
        """The largest import of all days, W."""
        return max(self.days_w.values(), default=0.0)

    def step(self, day_s: float, grid_w: float, dt_s: float) -> None:
        """Take the step that ended ``day_s`` after the midnight before the beginning; export counts minus."""
        hour = int((day_s - 0.5 * dt_s) // _HOUR_S)
        if hour != self._hour:
            self._hour, self._import_wh, self._simulated_s = hour, 0.0, 0.0
        self._import_wh += grid_w * dt_s / _HOUR_S
        self._simulated_s += dt_s
        if self._simulated_s >= _HOUR_S - 0.5 * dt_s:
            day = hour // _DAY_H
            self.days_w[day] = max(self.days_w.get(day, 0.0), self._import_wh)
