"""Hot water with a heating rod: a tank with a thermostat of its own, behind a relay (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_hil.plant.piece import EVENLY, Around, Shares


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
    asks_on: bool = False
    running_on: bool = False
    shares: Shares = EVENLY

    @property
    def power_w(self) -> float:
        """Power of the heating rod, W."""
        return self.rated_w if self.running_on else 0.0

    @property
    def stored_wh(self) -> float:
        """Heat above the room, which is the electricity that it took."""
        return (self.tank_c - self.room_c) * self.tank_wh_per_k

    def step(self, orders: Mapping[str, float], around: Around, dt_s: float) -> "Boiler":
        """Go on under ``relay_on``, while people draw their share of what is drawn."""
        asks = self.tank_c < (self.stop_c if self.asks_on else self.start_c)
        running = asks and orders.get("relay_on", 1.0) > 0 and around.powered
        lost_w = self.loss_w_per_k * (self.tank_c - self.room_c)
        gained_w = self.rated_w * running - lost_w - self.draw_share * around.draw_w
        tank_c = self.tank_c + gained_w * dt_s / 3600.0 / self.tank_wh_per_k
        return replace(self, tank_c=max(tank_c, self.room_c), asks_on=asks, running_on=running)

    def values(self) -> Mapping[str, float]:
        """Its temperature."""
        return {"tank_c": self.tank_c}
