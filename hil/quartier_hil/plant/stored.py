"""A battery as a further asset of the plant: the physics of the usual one, any number of them (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_hil.plant import battery
from quartier_hil.plant.battery import BatterySpec, BatteryState
from quartier_hil.plant.piece import EVENLY, Around, Shares

# Terminals of a 16-cell pack, empty and full (LiFePO4: 3.0 to 3.5 V a cell).
_EMPTY_V, _FULL_V = 48.0, 56.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Battery that follows ``setpoint_w``, plus charges; it rests without an order."""

    name: str
    spec: BatterySpec
    state: BatteryState
    shares: Shares = EVENLY

    @property
    def power_w(self) -> float:
        """At its terminals; plus: it charges."""
        return self.state.power_w

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "Stored":
        """Charge or discharge as ordered, within what it is."""
        order_w = orders.get("setpoint_w", 0.0) if around.powered else 0.0
        return replace(self, state=battery.step(self.spec, self.state, order_w, around.now_s, dt_s))

    def values(self) -> Mapping[str, float]:
        """State of charge and the voltage that goes with it."""
        soc_pct = self.state.soc_pct(self.spec)
        return {"soc_pct": soc_pct, "voltage_v": _EMPTY_V + (_FULL_V - _EMPTY_V) * soc_pct / 100.0}
