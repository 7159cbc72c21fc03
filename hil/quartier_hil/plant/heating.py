"""A heat pump with a tank and a house behind it, on SG Ready (pure).

SG Ready (Bundesverband Waermepumpe, rules of the label 1.1): 1 blocked, 2 normal, 3 recommended, 4 forced.
The tank feeds the room through a valve that opens in proportion to what it is too cold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_hil.plant.piece import EVENLY, Around, Shares

BLOCKED, NORMAL, RECOMMENDED, FORCED = 1, 2, 3, 4
_RAISED_K = {RECOMMENDED: 4.0, FORCED: 8.0}
# A compressor of the rig starts at most so often by itself: its own protection.
MIN_OFF_S = 180.0
_VALVE_K = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heating:
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
    shares: Shares = EVENLY

    @property
    def power_w(self) -> float:
        """Electric power."""
        return self.rated_w if self.running_on else self.idle_w

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "Heating":
        """Go on under ``sg_ready_state``, ``setpoint_shift_k`` or ``relay_on``."""
        state = int(orders.get("sg_ready_state", NORMAL))
        raised_k = _RAISED_K.get(state, 0.0) + orders.get("setpoint_shift_k", 0.0)
        wants = self.tank_c < (self.stop_c if self.running_on else self.start_c) + raised_k
        running = wants and state != BLOCKED and orders.get("relay_on", 1.0) > 0 and around.powered
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
