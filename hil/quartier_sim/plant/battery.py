"""A battery: efficiency both ways, state of charge, ramp and a delay before an order acts (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from quartier_sim.plant.asset_interface import EVEN_SHARES, PhaseShares, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class BatterySpec:
    """Properties of the battery.  ``efficiency_pct`` is that of each way: 95 gives 90 for the round trip."""

    capacity_wh: float = 10_000.0
    charge_max_w: float = 5_000.0
    discharge_max_w: float = 5_000.0
    efficiency_pct: float = 96.0
    ramp_max_w_per_s: float = 1_500.0
    delay_s: float = 1.0


@dataclass(frozen=True, slots=True)
class BatteryState:
    """``power_w`` at the terminals (plus charges); ``waiting`` are orders with the second they act at."""

    energy_wh: float
    power_w: float = 0.0
    target_w: float = 0.0
    waiting: tuple[tuple[float, float], ...] = field(default=())

    def soc_pct(self, spec: BatterySpec) -> float:
        """State of charge, 0..100."""
        return 100.0 * self.energy_wh / spec.capacity_wh


def _queue_order(spec: BatterySpec, state: BatteryState, order_w: float, now_s: float) -> BatteryState:
    newest_w = state.waiting[-1][1] if state.waiting else state.target_w
    waiting = state.waiting
    if order_w != newest_w:
        waiting = (*waiting, (now_s + spec.delay_s, order_w))
    due = [target_w for at_s, target_w in waiting if at_s <= now_s]
    rest = tuple(item for item in waiting if item[0] > now_s)
    return replace(state, target_w=due[-1] if due else state.target_w, waiting=rest)


def step_battery(
    spec: BatterySpec, state: BatteryState, order_w: float, now_s: float, dt_s: float
) -> BatteryState:
    """Go on by ``dt_s`` with ``order_w`` as the last order received; power is constant within the step.

    The energy never leaves 0..capacity: the battery protects itself by giving or taking less.
    """
    state = _queue_order(spec, state, order_w, now_s)
    target_w = min(max(state.target_w, -spec.discharge_max_w), spec.charge_max_w)
    ramp_w = spec.ramp_max_w_per_s * dt_s
    power_w = min(max(target_w, state.power_w - ramp_w), state.power_w + ramp_w)
    efficiency = spec.efficiency_pct / 100.0
    hours = dt_s / 3600.0
    room_w = (spec.capacity_wh - state.energy_wh) / (hours * efficiency)
    left_w = state.energy_wh * efficiency / hours
    power_w = min(max(power_w, -left_w), room_w)
    flow_w = power_w * efficiency if power_w > 0 else power_w / efficiency
    energy_wh = min(max(state.energy_wh + flow_w * hours, 0.0), spec.capacity_wh)
    return replace(state, energy_wh=energy_wh, power_w=power_w)


# Terminals of a 16-cell pack, empty and full (LiFePO4: 3.0 to 3.5 V a cell).
_EMPTY_V, _FULL_V = 48.0, 56.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryAsset:
    """Battery that follows ``setpoint_w``, plus charges; it rests without an order."""

    name: str
    spec: BatterySpec
    state: BatteryState
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """At its terminals; plus: it charges."""
        return self.state.power_w

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "BatteryAsset":
        """Charge or discharge as ordered, within what it is."""
        order_w = orders.get("setpoint_w", 0.0) if around.powered else 0.0
        return replace(self, state=step_battery(self.spec, self.state, order_w, around.now_s, dt_s))

    def values(self) -> Mapping[str, float]:
        """State of charge and the voltage that goes with it."""
        soc_pct = self.state.soc_pct(self.spec)
        return {"soc_pct": soc_pct, "voltage_v": _EMPTY_V + (_FULL_V - _EMPTY_V) * soc_pct / 100.0}
