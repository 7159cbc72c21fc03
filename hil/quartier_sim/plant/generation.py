"""Generators: PV systems, and combined heat and power with its own controller (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

from quartier_sim.plant.asset_interface import EVEN_SHARES, PhaseShares, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class SolarSpec:
    """``rated_w`` is the peak power of the modules; ``ramp_max_w_per_s`` limits a curtailment's speed."""

    rated_w: float = 6_000.0
    ramp_max_w_per_s: float = 2_000.0


def step_pv(
    spec: SolarSpec, power_w: float, available_w: float, generation_max_w: float, dt_s: float
) -> float:
    """Power after ``dt_s``, never plus: falls at once with the sun, follows a limit by its ramp."""
    available_w = min(max(available_w, 0.0), spec.rated_w)
    goal_w = min(available_w, max(generation_max_w, 0.0))
    ramp_w = spec.ramp_max_w_per_s * dt_s
    given_w = min(max(goal_w, -power_w - ramp_w), -power_w + ramp_w)
    return -min(given_w, available_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class PvAsset:
    """Follows the sun, and ``generation_max_w``; a relay that is off (``relay_on`` 0) cuts it off."""

    name: str
    spec: SolarSpec
    generated_w: float = 0.0
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """Never plus."""
        return self.generated_w

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "PvAsset":
        """Give what the sun allows, or less where that is ordered."""
        limit_w = orders.get("generation_max_w", inf)
        if not around.powered or orders.get("relay_on", 1.0) <= 0:
            limit_w = 0.0
        available_w = around.solar_w_per_kw * self.spec.rated_w / 1_000.0
        return replace(self, generated_w=step_pv(self.spec, self.generated_w, available_w, limit_w, dt_s))

    def values(self) -> Mapping[str, float]:
        """Nothing more."""
        return {}


MIN_RUN_S, MIN_REST_S = 1_800.0, 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cogeneration:
    """``rated_w`` is electric; ``heat_share`` times as much is heat, into a tank that a house draws from.

    ``request_on`` asks it to run where the tank has room; its own controller starts it when the tank is cold
    and stops it when the tank is hot.
    """

    name: str
    rated_w: float
    heat_share: float = 2.0
    tank_wh_per_k: float = 400.0
    draw_w: float = 4_000.0
    start_s: float = 120.0
    start_c: float = 55.0
    stop_c: float = 78.0
    tank_c: float = 60.0
    running_on: bool = False
    changed_s: float = -1e9
    since_s: float = 0.0
    runs_count: int = 0
    shares: PhaseShares = EVEN_SHARES

    @property
    def power_w(self) -> float:
        """Minus what it gives, once it has started."""
        return -self.rated_w if self.running_on and self.since_s >= self.start_s else 0.0

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> "Cogeneration":
        """Its own controller, with the request ``request_on``."""
        asked = orders.get("request_on", 0.0) > 0 or orders.get("relay_on", 0.0) > 0
        stood_s = around.now_s - self.changed_s
        running = self.running_on
        if not running and stood_s >= MIN_REST_S:
            running = self.tank_c < self.start_c or (asked and self.tank_c < self.stop_c - 5.0)
        elif running and stood_s >= MIN_RUN_S:
            running = self.tank_c < self.stop_c and (asked or self.tank_c < self.start_c + 15.0)
        running = running and around.powered and self.tank_c < self.stop_c + 8.0
        changed = running != self.running_on
        heat_w = self.rated_w * self.heat_share if self.power_w < 0 else 0.0
        return replace(
            self,
            tank_c=self.tank_c + (heat_w - self.draw_w) * dt_s / 3600.0 / self.tank_wh_per_k,
            running_on=running,
            changed_s=around.now_s if changed else self.changed_s,
            since_s=0.0 if changed else self.since_s + dt_s,
            runs_count=self.runs_count + (changed and running),
        )

    def values(self) -> Mapping[str, float]:
        """Its tank, and whether it runs."""
        return {"tank_c": self.tank_c, "engine_on": float(self.running_on)}
