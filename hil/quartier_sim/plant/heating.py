"""Hot water, heat pumps (relay or SG Ready) and the substation of a geothermal loop (pure).

SG Ready (Bundesverband Waermepumpe, rules of the label 1.1): 1 blocked, 2 normal, 3 recommended, 4 forced.
The tank feeds the room through a valve that opens in proportion to what it is too cold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_sim.plant.asset_interface import EVEN_SHARES, PhaseShares, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Boiler:
    """``tank_wh_per_k`` is the heat of a K, ``loss_w_per_k`` what it loses to a room of ``room_c``.

    Its thermostat asks from below ``start_c`` on until ``stop_c`` is reached, relay or not.
    """

    name: str
    rated_w: float
    tank_wh_per_k: float = 350.0
    loss_w_per_k: float = 1.8
    room_c: float = 20.0
    start_c: float = 55.0
    stop_c: float = 62.0
    draw_share: float = 1.0
    tank_c: float = 55.0
    heat_requested: bool = False
    running_on: bool = False
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """Power of the heating rod, W."""
        return self.rated_w if self.running_on else 0.0

    @property
    def stored_wh(self) -> float:
        """Heat above the room, which is the electricity that it took."""
        return (self.tank_c - self.room_c) * self.tank_wh_per_k

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "Boiler":
        """Go on under ``relay_on``, while people draw their share of what is drawn."""
        asks = self.tank_c < (self.stop_c if self.heat_requested else self.start_c)
        running = asks and orders.get("relay_on", 1.0) > 0 and around.powered
        lost_w = self.loss_w_per_k * (self.tank_c - self.room_c)
        gained_w = self.rated_w * running - lost_w - self.draw_share * around.draw_w
        tank_c = self.tank_c + gained_w * dt_s / 3600.0 / self.tank_wh_per_k
        return replace(self, tank_c=max(tank_c, self.room_c), heat_requested=asks, running_on=running)

    def values(self) -> Mapping[str, float]:
        """Its temperature."""
        return {"tank_c": self.tank_c}


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
    """``running_on`` is the thermostat's request granted by the relay."""

    tank_c: float = 53.0
    running_on: bool = False
    power_w: float = 0.0
    starts_count: int = 0


def step_heat_pump(
    spec: HeatPumpSpec, state: HeatPumpState, draw_w: float, dt_s: float, *, relay_on: bool
) -> HeatPumpState:
    """Go on by ``dt_s`` while ``draw_w`` of heat is taken; runs only where ``relay_on`` allows it."""
    is_requested = state.tank_c < (spec.stop_c if state.running_on else spec.start_c)
    running = is_requested and relay_on
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


BLOCKED, NORMAL, RECOMMENDED, FORCED = 1, 2, 3, 4
_SETPOINT_RAISE_K = {RECOMMENDED: 4.0, FORCED: 8.0}
# A compressor of the rig starts at most so often by itself: its own protection.
MIN_OFF_S = 180.0
_VALVE_K = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SgReadyHeatPump:
    """Heat goes tank -> room -> outside; ``cop`` at 7 °C, 2.5 % less for each K that it is colder."""

    name: str
    rated_w: float
    cop: float = 3.5
    idle_w: float = 20.0
    tank_wh_per_k: float = 600.0
    room_wh_per_k: float = 6_000.0
    loss_w_per_k: float = 120.0
    valve_w: float = 9_000.0
    start_c: float = 42.0
    stop_c: float = 48.0
    room_wanted_c: float = 20.5
    tank_c: float = 45.0
    room_c: float = 20.5
    running_on: bool = False
    changed_s: float = -1e9
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """Electric power."""
        return self.rated_w if self.running_on else self.idle_w

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "SgReadyHeatPump":
        """Go on under ``sg_ready_state``, ``setpoint_shift_k`` or ``relay_on``."""
        state = int(orders.get("sg_ready_state", NORMAL))
        raised_k = _SETPOINT_RAISE_K.get(state, 0.0) + orders.get("setpoint_shift_k", 0.0)
        is_requested = self.tank_c < (self.stop_c if self.running_on else self.start_c) + raised_k
        running = is_requested and state != BLOCKED and orders.get("relay_on", 1.0) > 0 and around.powered
        rested = self.running_on or around.now_s - self.changed_s >= MIN_OFF_S
        running = running and rested
        cop = self.cop * (1.0 - 0.025 * (7.0 - around.outdoor_c))
        made_w = self.rated_w * max(cop, 1.0) if running else 0.0
        open_share = min(max((self.room_wanted_c - self.room_c) / _VALVE_K, 0.0), 1.0)
        warm_share = min(max((self.tank_c - self.room_c) / 20.0, 0.0), 1.0)
        given_w = self.valve_w * open_share * warm_share
        lost_w = self.loss_w_per_k * (self.room_c - around.outdoor_c)
        hours = dt_s / 3600.0
        return replace(
            self,
            tank_c=self.tank_c + (made_w - given_w) * hours / self.tank_wh_per_k,
            room_c=self.room_c + (given_w - lost_w) * hours / self.room_wh_per_k,
            running_on=running,
            changed_s=around.now_s if running != self.running_on else self.changed_s,
        )

    def values(self) -> Mapping[str, float]:
        """Both temperatures."""
        return {"tank_c": self.tank_c, "room_c": self.room_c}


WATER_WH_PER_M3K = 1_163.0
SETTLING_TIME_S = 300.0
# So much more heat a building draws for each K by which its supply set-point is raised.
DRAW_PER_K = 0.04
VALVE_FULL_POWER_W = 80_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GeothermalSubstation:
    """The affinity laws: flow goes with the speed, power with its third power.

    ``demand_w`` is the heat that the buildings take from the loop; ``source_c`` what comes from the ground.
    ``slack`` counts seconds in which the flow was below ``flow_min_pct``: what must never be.
    """

    name: str
    rated_w: float
    flow_m3_per_h: float = 20.0
    flow_min_pct: float = 40.0
    source_c: float = 12.0
    demand_w: float = 60_000.0
    pump_pct: float = 100.0
    supply_c: float = 12.0
    return_c: float = 8.0
    shift_k: float = 0.0
    slack_s: float = 0.0
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """Power of the pump, W."""
        return self.rated_w * (self.pump_pct / 100.0) ** 3

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "GeothermalSubstation":
        """Follow the speed ``pump_pct`` and ``setpoint_shift_k``; temperatures settle in some minutes."""
        speed_pct = min(max(orders.get("pump_pct", 100.0), 0.0), 100.0) if around.powered else 0.0
        flow = max(self.flow_m3_per_h * speed_pct / 100.0, 0.1)
        shift_k = orders.get("setpoint_shift_k", 0.0)
        goal_c = self.supply_c - self._drawn_w(shift_k) / (flow * WATER_WH_PER_M3K)
        share = min(dt_s / SETTLING_TIME_S, 1.0)
        return replace(
            self,
            pump_pct=speed_pct,
            shift_k=shift_k,
            supply_c=self.supply_c + share * (self.source_c - self.supply_c),
            return_c=self.return_c + share * (goal_c - self.return_c),
            slack_s=self.slack_s + (dt_s if speed_pct < self.flow_min_pct else 0.0),
        )

    def _drawn_w(self, shift_k: float) -> float:
        return self.demand_w * max(1.0 + DRAW_PER_K * shift_k, 0.0)

    @property
    def heat_w(self) -> float:
        """The heat that the flow leaves in the building."""
        flow = self.flow_m3_per_h * self.pump_pct / 100.0
        return max(self.supply_c - self.return_c, 0.0) * flow * WATER_WH_PER_M3K

    def values(self) -> Mapping[str, float]:
        """Both temperatures of the loop, flow, speed of the pump, heat given, and how far the valve is open.

        The valve is open in proportion to the heat that the building draws.
        """
        return {
            "supply_c": self.supply_c,
            "return_c": self.return_c,
            "flow_m3_per_h": self.flow_m3_per_h * self.pump_pct / 100.0,
            "speed_pct": self.pump_pct,
            "heat_w": self.heat_w,
            "valve_pct": min(100.0 * self._drawn_w(self.shift_k) / VALVE_FULL_POWER_W, 100.0),
        }
