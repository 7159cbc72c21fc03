"""A substation of a geothermal loop: the pump's flow carries heat, temperatures follow (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_hil.plant.piece import EVENLY, Around, Shares

WATER_WH_PER_M3K = 1_163.0
SETTLE_S = 300.0
# So much more heat a building draws for each K by which its supply set-point is raised.
DRAW_PER_K = 0.04
VALVE_OPEN_W = 80_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
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
    shares: Shares = EVENLY

    @property
    def power_w(self) -> float:
        """Power of the pump, W."""
        return self.rated_w * (self.pump_pct / 100.0) ** 3

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "Loop":
        """Follow the speed ``pump_pct`` and ``setpoint_shift_k``; temperatures settle in some minutes."""
        speed_pct = min(max(orders.get("pump_pct", 100.0), 0.0), 100.0) if around.powered else 0.0
        flow = max(self.flow_m3_per_h * speed_pct / 100.0, 0.1)
        shift_k = orders.get("setpoint_shift_k", 0.0)
        goal_c = self.supply_c - self._drawn_w(shift_k) / (flow * WATER_WH_PER_M3K)
        share = min(dt_s / SETTLE_S, 1.0)
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
            "valve_pct": min(100.0 * self._drawn_w(self.shift_k) / VALVE_OPEN_W, 100.0),
        }
