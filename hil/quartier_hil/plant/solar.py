"""A PV system: its power is that of the sun, or less by an order (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SolarSpec:
    """``rated_w`` is the peak power of the modules; ``ramp_max_w_per_s`` limits a curtailment's speed."""

    rated_w: float = 6_000.0
    ramp_max_w_per_s: float = 2_000.0


def step(spec: SolarSpec, power_w: float, available_w: float, generation_max_w: float, dt_s: float) -> float:
    """Power after ``dt_s``, never plus: falls at once with the sun, follows a limit by its ramp."""
    available_w = min(max(available_w, 0.0), spec.rated_w)
    goal_w = min(available_w, max(generation_max_w, 0.0))
    ramp_w = spec.ramp_max_w_per_s * dt_s
    given_w = min(max(goal_w, -power_w - ramp_w), -power_w + ramp_w)
    return -min(given_w, available_w)
