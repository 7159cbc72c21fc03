"""A battery: efficiency both ways, state of charge, ramp and a delay before an order acts (pure)."""

from dataclasses import dataclass, field, replace


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


def _heard(spec: BatterySpec, state: BatteryState, order_w: float, now_s: float) -> BatteryState:
    newest_w = state.waiting[-1][1] if state.waiting else state.target_w
    waiting = state.waiting
    if order_w != newest_w:
        waiting = (*waiting, (now_s + spec.delay_s, order_w))
    due = [target_w for at_s, target_w in waiting if at_s <= now_s]
    rest = tuple(item for item in waiting if item[0] > now_s)
    return replace(state, target_w=due[-1] if due else state.target_w, waiting=rest)


def step(spec: BatterySpec, state: BatteryState, order_w: float, now_s: float, dt_s: float) -> BatteryState:
    """Go on by ``dt_s`` with ``order_w`` as the last order received; power is constant within the step.

    The energy never leaves 0..capacity: the battery protects itself by giving or taking less.
    """
    state = _heard(spec, state, order_w, now_s)
    want_w = min(max(state.target_w, -spec.discharge_max_w), spec.charge_max_w)
    ramp_w = spec.ramp_max_w_per_s * dt_s
    power_w = min(max(want_w, state.power_w - ramp_w), state.power_w + ramp_w)
    efficiency = spec.efficiency_pct / 100.0
    hours = dt_s / 3600.0
    room_w = (spec.capacity_wh - state.energy_wh) / (hours * efficiency)
    left_w = state.energy_wh * efficiency / hours
    power_w = min(max(power_w, -left_w), room_w)
    flow_w = power_w * efficiency if power_w > 0 else power_w / efficiency
    energy_wh = min(max(state.energy_wh + flow_w * hours, 0.0), spec.capacity_wh)
    return replace(state, energy_wh=energy_wh, power_w=power_w)
