"""Ventilation and cooling of rooms (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier_sim.plant.asset_interface import EVEN_SHARES, PhaseShares, Surroundings

OUTDOOR_PPM = 420.0
# Light work: 20 litres of CO2 an hour and person (EN 16798-1, annex).
CO2_PER_PERSON_M3_PER_H = 0.020
# A good plate or wheel exchanger (EN 308, dry).
HEAT_RECOVERY_SHARE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Ventilation:
    """``people`` are there from 8 to 18 h; ``flow_m3_per_h`` is the air at full speed.

    A heat exchanger brings the outdoor air to within a fifth of what the extract air is warmer.
    """

    name: str
    rated_w: float
    flow_m3_per_h: float = 3_000.0
    volume_m3: float = 1_500.0
    people: float = 60.0
    speed_pct: float = 100.0
    co2_ppm: float = 600.0
    extract_c: float = 22.0
    outdoor_c: float = 15.0
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """The affinity laws: the third power of the speed."""
        return self.rated_w * (self.speed_pct / 100.0) ** 3

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "Ventilation":
        """Follow ``speed_pct``."""
        speed_pct = min(max(orders.get("speed_pct", 100.0), 0.0), 100.0) if around.powered else 0.0
        hour = around.day_s % 86_400.0 / 3600.0
        breath = self.people * CO2_PER_PERSON_M3_PER_H * 1e6 if 8 <= hour < 18 else 0.0
        away = self.flow_m3_per_h * speed_pct / 100.0 * (self.co2_ppm - OUTDOOR_PPM)
        change = (breath - away) / self.volume_m3 * dt_s / 3600.0
        co2_ppm = max(self.co2_ppm + change, OUTDOOR_PPM)
        return replace(self, speed_pct=speed_pct, co2_ppm=co2_ppm, outdoor_c=around.outdoor_c)

    def values(self) -> Mapping[str, float]:
        """Return the CO2 concentration, the speed of the fans and the temperatures of the air."""
        supply_c = self.outdoor_c + HEAT_RECOVERY_SHARE * (self.extract_c - self.outdoor_c)
        return {
            "co2_ppm": self.co2_ppm,
            "speed_pct": self.speed_pct,
            "supply_c": supply_c,
            "extract_c": self.extract_c,
            "outdoor_c": self.outdoor_c,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooling:
    """A room that is kept between ``start_c`` and ``stop_c``, both moved by ``setpoint_shift_k``."""

    name: str
    rated_w: float
    cop: float = 3.0
    room_wh_per_k: float = 2_000.0
    gain_w_per_k: float = 250.0
    start_c: float = 25.0
    stop_c: float = 24.0
    room_c: float = 24.5
    running_on: bool = False
    changed_s: float = -1e9
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """Power of the compressor, W."""
        return self.rated_w if self.running_on else 0.0

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "Cooling":
        """Follow ``setpoint_shift_k`` (plus is warmer), or ``relay_on``."""
        shift_k = orders.get("setpoint_shift_k", 0.0)
        is_requested = self.room_c > (self.stop_c if self.running_on else self.start_c) + shift_k
        rested = self.running_on or around.now_s - self.changed_s >= 180.0
        running = is_requested and rested and orders.get("relay_on", 1.0) > 0 and around.powered
        gain_w = self.gain_w_per_k * (around.outdoor_c - self.room_c) + 1_500.0
        cold_w = self.rated_w * self.cop if running else 0.0
        return replace(
            self,
            room_c=self.room_c + (gain_w - cold_w) * dt_s / 3600.0 / self.room_wh_per_k,
            running_on=running,
            changed_s=around.now_s if running != self.running_on else self.changed_s,
        )

    def values(self) -> Mapping[str, float]:
        """The room."""
        return {"room_c": self.room_c}
