"""Series as meters give them, in the resolution of the meters, for the comparison of codecs."""

import math
import random
import struct
from array import array
from collections.abc import Callable, Mapping

PERIOD_MS = 10_000
JITTER_MS = 12.0
START_MS = 1_764_075_600_000

RandomSource = random.Random


def _generate_power_w(count: int, source: RandomSource, step_w: float = 1.0) -> list[float]:
    """Return a site's power: noise around a level that jumps when a load is switched."""
    level_w, values = 1500.0, []
    for _ in range(count):
        if source.random() < 0.02:
            level_w = source.choice((200, 800, 1500, 3200, 7400)) + source.random() * 50
        values.append(round((level_w + source.gauss(0, 8)) / step_w) / round(1 / step_w))
    return values


def _generate_energy_wh(count: int, source: RandomSource) -> list[float]:
    """A counter that shows whole Wh, 0.001 kWh."""
    energy_wh, power_w, values = 18_234_567.0, 1500.0, []
    for _ in range(count):
        if source.random() < 0.02:
            power_w = source.choice((200, 800, 1500, 3200, 7400))
        energy_wh += power_w * PERIOD_MS / 3_600_000 * (1 + source.gauss(0, 0.02))
        values.append(float(int(energy_wh)))
    return values


def _generate_voltage_v(count: int, source: RandomSource) -> list[float]:
    level_v, values = 231.0, []
    for _ in range(count):
        level_v += source.gauss(0, 0.15) + (231 - level_v) * 0.02
        values.append(round(level_v * 10) / 10)
    return values


def _round_to_float32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _generate_temperature_c(count: int, source: RandomSource) -> list[float]:
    return [
        round((21 + 3 * math.sin(index / 300) + source.gauss(0, 0.04)) * 10) / 10 for index in range(count)
    ]


def _generate_switch(count: int, source: RandomSource) -> list[float]:
    state, values = False, []
    for _ in range(count):
        state ^= source.random() < 0.03
        values.append(float(state))
    return values


SERIES_KINDS: Mapping[str, Callable[[int, RandomSource], list[float]]] = {
    "power of 1 W": _generate_power_w,
    "power of 0.1 W": lambda count, source: _generate_power_w(count, source, 0.1),
    "energy of 1 Wh": _generate_energy_wh,
    "energy in kWh, three decimals": lambda count, source: [
        wh / 1000 for wh in _generate_energy_wh(count, source)
    ],
    "voltage of 0.1 V": _generate_voltage_v,
    "voltage of a float register": lambda count, source: [
        _round_to_float32(volts) for volts in _generate_voltage_v(count, source)
    ],
    "voltage times a scale": lambda count, source: [
        round(volts * 10) * 0.1 for volts in _generate_voltage_v(count, source)
    ],
    "current of 0.01 A": lambda count, source: [
        round((6.5 + source.gauss(0, 0.05)) * 100) / 100 for _ in range(count)
    ],
    "temperature of 0.1 degrees": _generate_temperature_c,
    "state of charge of 1 %": lambda count, _: [
        float(int(50 + 40 * math.sin(index / 800))) for index in range(count)
    ],
    "constant": lambda count, _: [50.0] * count,
    "switch": _generate_switch,
}
"""Each kind of series and what gives ``count`` values of it."""


def generate_series(kind: str, count: int, *, jittered: bool) -> tuple["array[int]", "array[float]"]:
    """Times in ms, every 10 s, and values of one of the ``KINDS``."""
    source = random.Random(f"{kind} {count}")  # noqa: S311 - noise of a meter, no secret
    values = SERIES_KINDS[kind](count, source)
    jitter = (round(source.gauss(0, JITTER_MS)) if jittered else 0 for _ in range(count))
    return array("q", [START_MS + index * PERIOD_MS + late for index, late in enumerate(jitter)]), array(
        "d", values
    )
