"""Converts units of meters to ours, exactly.  Pure.

Calories are the 15 °C ones of EN 1434-1 (4.1868 J), as heat meters count.
"""

from fractions import Fraction
from functools import lru_cache

_WH_J = 3600
_CAL_J = Fraction("4.1868")
_KILO, _MEGA, _GIGA = 1000, 1_000_000, 1_000_000_000

# Our unit -> the value in it of each unit of a meter.
_WORTH: dict[str, dict[str, Fraction]] = {
    "wh": {
        "Wh": Fraction(1),
        "kWh": Fraction(_KILO),
        "MWh": Fraction(_MEGA),
        "GWh": Fraction(_GIGA),
        "J": Fraction(1, _WH_J),
        "kJ": Fraction(_KILO, _WH_J),
        "MJ": Fraction(_MEGA, _WH_J),
        "GJ": Fraction(_GIGA, _WH_J),
        "TJ": Fraction(_GIGA * _KILO, _WH_J),
        "cal": _CAL_J / _WH_J,
        "kcal": _CAL_J * _KILO / _WH_J,
        "Mcal": _CAL_J * _MEGA / _WH_J,
        "Gcal": _CAL_J * _GIGA / _WH_J,
    },
    "w": {
        "mW": Fraction(1, _KILO),
        "W": Fraction(1),
        "kW": Fraction(_KILO),
        "MW": Fraction(_MEGA),
        "J/h": Fraction(1, _WH_J),
        "kJ/h": Fraction(_KILO, _WH_J),
        "MJ/h": Fraction(_MEGA, _WH_J),
        "GJ/h": Fraction(_GIGA, _WH_J),
    },
    "va": {"VA": Fraction(1), "kVA": Fraction(_KILO), "MVA": Fraction(_MEGA)},
    "varh": {"varh": Fraction(1), "kvarh": Fraction(_KILO), "Mvarh": Fraction(_MEGA)},
    "var": {"var": Fraction(1), "kvar": Fraction(_KILO), "Mvar": Fraction(_MEGA)},
    "v": {"mV": Fraction(1, _KILO), "V": Fraction(1), "kV": Fraction(_KILO)},
    "a": {"mA": Fraction(1, _KILO), "A": Fraction(1), "kA": Fraction(_KILO)},
    "hz": {"mHz": Fraction(1, _KILO), "Hz": Fraction(1)},
    "c": {"°C": Fraction(1), "C": Fraction(1), "Cel": Fraction(1), "m°C": Fraction(1, _KILO)},
    "k": {"K": Fraction(1), "mK": Fraction(1, _KILO)},
    "pa": {
        "Pa": Fraction(1),
        "hPa": Fraction(100),
        "kPa": Fraction(_KILO),
        "mbar": Fraction(100),
        "bar": Fraction(100_000),
    },
    "m3": {
        "m3": Fraction(1),
        "m³": Fraction(1),
        "m^3": Fraction(1),
        "l": Fraction(1, _KILO),
        "L": Fraction(1, _KILO),
        "dm3": Fraction(1, _KILO),
        "ml": Fraction(1, _MEGA),
        "cm3": Fraction(1, _MEGA),
        "dal": Fraction(1, 100),
    },
    "m3_per_h": {
        "m3/h": Fraction(1),
        "m³/h": Fraction(1),
        "m^3/h": Fraction(1),
        "m3/min": Fraction(60),
        "m3/s": Fraction(3600),
        "l/h": Fraction(1, _KILO),
        "l/min": Fraction(60, _KILO),
        "l/s": Fraction(3600, _KILO),
        "ml/h": Fraction(1, _MEGA),
        "ml/min": Fraction(60, _MEGA),
    },
    "s": {
        "ms": Fraction(1, _KILO),
        "s": Fraction(1),
        "min": Fraction(60),
        "h": Fraction(3600),
        "d": Fraction(86400),
        "days": Fraction(86400),
    },
    "pct": {"%": Fraction(1), "pct": Fraction(1)},
}


def _folded(table: dict[str, Fraction]) -> dict[str, Fraction]:
    """Return the names that are unambiguous in any case: kwh, KWH, but not mw."""
    found: dict[str, list[Fraction]] = {}
    for name, worth in table.items():
        found.setdefault(name.casefold(), []).append(worth)
    return {name: one[0] for name, one in found.items() if len(set(one)) == 1}


_FOLDED = {unit: _folded(table) for unit, table in _WORTH.items()}


@lru_cache(1024)
def worth(said: str, unit: str) -> Fraction | None:
    """Return the value of one ``said`` (``"kWh"``) in our ``unit`` (``"wh"``); None for an unknown pair.

    Case matters where it must (mW, MW) and is ignored elsewhere (kwh).
    """
    name = said.strip()
    exact = _WORTH.get(unit, {}).get(name)
    return _FOLDED.get(unit, {}).get(name.casefold()) if exact is None else exact


def known(unit: str) -> list[str]:
    """Return the units of meters that can be converted to our ``unit``."""
    return list(_WORTH.get(unit, {}))
