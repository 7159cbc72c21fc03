"""The public grid at the connection point: plausible voltage and frequency (pure)."""

import math

NOMINAL_V = 230.0
NOMINAL_HZ = 50.0
# A low-voltage feeder of some hundred metres: 0.1 ohm a phase lifts the voltage 1 V for each 2.3 kW.
FEEDER_OHM = 0.1


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
