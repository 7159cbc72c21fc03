"""A heat pump on a hot-water tank: a thermal load with its own thermostat behind a relay (pure)."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatPumpSpec:
    """``cop`` is heat per electricity; the tank loses ``loss_w_per_k`` to a room of 20 °C."""

    power_w: float = 2_500.0
    idle_w: float = 15.0
    cop: float = 3.0
    tank_wh_per_k: float = 350.0
    loss_w_per_k: float = 4.0
    start_c: float = 50.0
    stop_c: float = 56.0
    room_c: float = 20.0


@dataclass(frozen=True, slots=True)
class HeatPumpState:
    """``running_on`` is the thermostat's wish granted by the relay."""

    tank_c: float = 53.0
    running_on: bool = False
    power_w: float = 0.0
    starts_count: int = 0


def step(
    spec: HeatPumpSpec, state: HeatPumpState, draw_w: float, dt_s: float, *, relay_on: bool
) -> HeatPumpState:
    """Go on by ``dt_s`` while ``draw_w`` of heat is taken; runs only where ``relay_on`` allows it."""
    wants = state.tank_c < (spec.stop_c if state.running_on else spec.start_c)
    running = wants and relay_on
    power_w = spec.power_w if running else spec.idle_w
    heat_w = spec.power_w * spec.cop if running else 0.0
    loss_w = spec.loss_w_per_k * (state.tank_c - spec.room_c)
    tank_c = state.tank_c + (heat_w - loss_w - draw_w) * dt_s / 3600.0 / spec.tank_wh_per_k
    started = running and not state.running_on
    return replace(
        state,
        tank_c=max(tank_c, spec.room_c),
        running_on=running,
        power_w=power_w,
        starts_count=state.starts_count + started,
    )
