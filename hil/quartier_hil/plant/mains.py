"""The public grid at the connection point: plausible voltage and frequency (pure)."""

import math
from dataclasses import dataclass, replace

NOMINAL_V = 230.0
NOMINAL_HZ = 50.0
# A low-voltage feeder of some hundred metres: 0.1 ohm a phase lifts the voltage 1 V for each 2.3 kW.
FEEDER_OHM = 0.1
GONE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Mains:
    """State of the grid that a scenario sets.

    The frequency is ``off_hz`` from a quiet day's and goes to ``to_hz`` off it by ``hz_per_s``; ``level_v``
    is the voltage of each phase before the feeder's drop.
    """

    off_hz: float = 0.0
    to_hz: float = 0.0
    hz_per_s: float = math.inf
    level_v: tuple[float, float, float] = (NOMINAL_V, NOMINAL_V, NOMINAL_V)

    @property
    def is_gone(self) -> bool:
        """Return whether nothing runs: no phase has half its voltage."""
        return max(self.level_v) < GONE_SHARE * NOMINAL_V


def step(mains: Mains, dt_s: float) -> Mains:
    """Go on by ``dt_s``."""
    way_hz = mains.hz_per_s * dt_s
    off_hz = min(max(mains.to_hz, mains.off_hz - way_hz), mains.off_hz + way_hz)
    return replace(mains, off_hz=off_hz)


def headed(mains: Mains, hz: float, hz_per_s: float | None) -> Mains:
    """The frequency goes to ``hz`` from now, by ``hz_per_s``; at once where that is None."""
    return replace(mains, to_hz=hz - NOMINAL_HZ, hz_per_s=math.inf if hz_per_s is None else hz_per_s)


def levelled(mains: Mains, volts: float, phases: tuple[int, ...]) -> Mains:
    """The voltage of ``phases`` (1..3) is ``volts`` from now."""
    return replace(
        mains,
        level_v=tuple(volts if n in phases else v for n, v in enumerate(mains.level_v, 1)),  # type: ignore[arg-type]  # three stay three
    )


def frequency_hz(now_s: float) -> float:
    """Within 49.95..50.05 Hz: three slow waves, like a quiet day of the synchronous area."""
    waves = (
        0.020 * math.sin(now_s / 97.0) + 0.015 * math.sin(now_s / 311.0) + 0.010 * math.sin(now_s / 1_913.0)
    )
    return NOMINAL_HZ + waves


def voltage_v(grid_power_w: float, phases_count: int = 3) -> float:
    """Voltage of a phase when the building imports ``grid_power_w`` evenly over its phases."""
    current_a = grid_power_w / phases_count / NOMINAL_V
    return NOMINAL_V - FEEDER_OHM * current_a
