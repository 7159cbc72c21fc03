"""Engineering units on the wire and what they are worth in the house's (ASHRAE 135-2020 clause 21).  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NO_UNITS = 95


@dataclass(frozen=True, slots=True)
class Worth:
    """House value = ``factor`` times what stands on the wire, plus ``offset``; ``unit`` as names of points
    end.
    """

    unit: str
    factor: float
    offset: float = 0.0


_BTU_WH = 0.29307107
_TABLE: tuple[tuple[int, str, str, float, float], ...] = (
    (2, "milliamperes", "a", 0.001, 0.0),
    (3, "amperes", "a", 1.0, 0.0),
    (124, "millivolts", "v", 0.001, 0.0),
    (5, "volts", "v", 1.0, 0.0),
    (6, "kilovolts", "v", 1e3, 0.0),
    (7, "megavolts", "v", 1e6, 0.0),
    (8, "volt-amperes", "va", 1.0, 0.0),
    (9, "kilovolt-amperes", "va", 1e3, 0.0),
    (10, "megavolt-amperes", "va", 1e6, 0.0),
    (11, "volt-amperes-reactive", "var", 1.0, 0.0),
    (12, "kilovolt-amperes-reactive", "var", 1e3, 0.0),
    (13, "megavolt-amperes-reactive", "var", 1e6, 0.0),
    (132, "milliwatts", "w", 0.001, 0.0),
    (47, "watts", "w", 1.0, 0.0),
    (48, "kilowatts", "w", 1e3, 0.0),
    (49, "megawatts", "w", 1e6, 0.0),
    (50, "btus-per-hour", "w", _BTU_WH, 0.0),
    (157, "kilo-btus-per-hour", "w", 1e3 * _BTU_WH, 0.0),
    (51, "horsepower", "w", 745.69987, 0.0),
    (52, "tons-refrigeration", "w", 3516.8528, 0.0),
    (16, "joules", "wh", 1 / 3600, 0.0),
    (17, "kilojoules", "wh", 1 / 3.6, 0.0),
    (126, "megajoules", "wh", 1e3 / 3.6, 0.0),
    (18, "watt-hours", "wh", 1.0, 0.0),
    (19, "kilowatt-hours", "wh", 1e3, 0.0),
    (146, "megawatt-hours", "wh", 1e6, 0.0),
    (20, "btus", "wh", _BTU_WH, 0.0),
    (147, "kilo-btus", "wh", 1e3 * _BTU_WH, 0.0),
    (148, "mega-btus", "wh", 1e6 * _BTU_WH, 0.0),
    (203, "watt-hours-reactive", "varh", 1.0, 0.0),
    (204, "kilowatt-hours-reactive", "varh", 1e3, 0.0),
    (205, "megawatt-hours-reactive", "varh", 1e6, 0.0),
    (25, "cycles-per-hour", "hz", 1 / 3600, 0.0),
    (26, "cycles-per-minute", "hz", 1 / 60, 0.0),
    (27, "hertz", "hz", 1.0, 0.0),
    (129, "kilohertz", "hz", 1e3, 0.0),
    (104, "revolutions-per-minute", "hz", 1 / 60, 0.0),
    (29, "percent-relative-humidity", "pct", 1.0, 0.0),
    (98, "percent", "pct", 1.0, 0.0),
    (15, "power-factor", "pct", 100.0, 0.0),
    (96, "parts-per-million", "ppm", 1.0, 0.0),
    (97, "parts-per-billion", "ppm", 0.001, 0.0),
    (62, "degrees-celsius", "c", 1.0, 0.0),
    (63, "degrees-kelvin", "c", 1.0, -273.15),
    (64, "degrees-fahrenheit", "c", 5 / 9, -160 / 9),
    (63, "degrees-kelvin", "k", 1.0, 0.0),
    (121, "delta-degrees-kelvin", "k", 1.0, 0.0),
    (120, "delta-degrees-fahrenheit", "k", 5 / 9, 0.0),
    (53, "pascals", "pa", 1.0, 0.0),
    (133, "hectopascals", "pa", 100.0, 0.0),
    (54, "kilopascals", "pa", 1e3, 0.0),
    (134, "millibars", "pa", 100.0, 0.0),
    (55, "bars", "pa", 1e5, 0.0),
    (56, "pounds-force-per-square-inch", "pa", 6894.7573, 0.0),
    (57, "centimeters-of-water", "pa", 98.0665, 0.0),
    (58, "inches-of-water", "pa", 249.08891, 0.0),
    (59, "millimeters-of-mercury", "pa", 133.32239, 0.0),
    (61, "inches-of-mercury", "pa", 3386.3886, 0.0),
    (79, "cubic-feet", "m3", 0.028316846592, 0.0),
    (80, "cubic-meters", "m3", 1.0, 0.0),
    (82, "liters", "m3", 0.001, 0.0),
    (83, "us-gallons", "m3", 0.003785411784, 0.0),
    (85, "cubic-meters-per-second", "m3_per_h", 3600.0, 0.0),
    (165, "cubic-meters-per-minute", "m3_per_h", 60.0, 0.0),
    (135, "cubic-meters-per-hour", "m3_per_h", 1.0, 0.0),
    (87, "liters-per-second", "m3_per_h", 3.6, 0.0),
    (88, "liters-per-minute", "m3_per_h", 0.06, 0.0),
    (136, "liters-per-hour", "m3_per_h", 0.001, 0.0),
    (84, "cubic-feet-per-minute", "m3_per_h", 1.69901079552, 0.0),
    (89, "us-gallons-per-minute", "m3_per_h", 0.22712470704, 0.0),
    (70, "days", "s", 86400.0, 0.0),
    (71, "hours", "s", 3600.0, 0.0),
    (72, "minutes", "s", 60.0, 0.0),
    (73, "seconds", "s", 1.0, 0.0),
    (158, "hundredths-seconds", "s", 0.01, 0.0),
    (159, "milliseconds", "s", 0.001, 0.0),
)

NUMBERS: Mapping[str, int] = MappingProxyType(
    {word: number for number, word, *_ in _TABLE} | {"no-units": NO_UNITS}
)
"""The number of each unit that the house knows the worth of."""
_WORDS = {number: word for word, number in NUMBERS.items()}
_WORTH = {(number, unit): Worth(unit, factor, offset) for number, _, unit, factor, offset in _TABLE}


def worth(number: int, unit: str) -> Worth | None:
    """Return what an engineering unit is worth in ``unit``; None where it is no such thing."""
    return _WORTH.get((number, unit))


def unit_word(number: int) -> str:
    """``kilowatts``; the number where the house does not know its worth."""
    return _WORDS.get(number, str(number))


def known(unit: str) -> list[str]:
    """The engineering units that are worth something in ``unit``."""
    return [word for number, word, of, *_ in _TABLE if of == unit]
