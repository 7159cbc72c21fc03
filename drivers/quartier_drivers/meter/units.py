"""OBIS names, COSEM units, and the factor from a meter's unit to ours (pure).

IEC 62056-6-1 (OBIS); DLMS UA Blue Book, physical units.

Calories are the 15 °C ones of EN 1434-1 (4.1868 J), as heat meters count.
"""

from fractions import Fraction
from functools import lru_cache

OBIS_SIZE = 6
# 10 (currency), 254 (other) and 255 (no unit) have no meaning here.
COSEM_UNITS = {
    1: "a",
    2: "mo",
    3: "wk",
    4: "d",
    5: "h",
    6: "min",
    7: "s",
    8: "°",
    9: "°C",
    11: "m",
    12: "m/s",
    13: "m3",
    14: "m3",
    15: "m3/h",
    16: "m3/h",
    17: "m3/d",
    18: "m3/d",
    19: "l",
    20: "kg",
    21: "N",
    22: "Nm",
    23: "Pa",
    24: "bar",
    25: "J",
    26: "J/h",
    27: "W",
    28: "VA",
    29: "var",
    30: "Wh",
    31: "VAh",
    32: "varh",
    33: "A",
    34: "As",
    35: "V",
    36: "V/m",
    37: "F",
    38: "Ω",
    39: "Ω m2/m",
    40: "Wb",
    41: "T",
    42: "A/m",
    43: "H",
    44: "Hz",
    45: "1/Wh",
    46: "1/varh",
    47: "1/VAh",
    48: "V2h",
    49: "A2h",
    50: "kg/s",
    51: "S",
    52: "K",
    53: "1/V2h",
    54: "1/A2h",
    55: "1/m3",
    56: "%",
    57: "Ah",
    60: "Wh/m3",
    61: "J/m3",
    62: "mol%",
    63: "g/m3",
    64: "Pa s",
    65: "J/kg",
    66: "g/cm2",
    67: "atm",
    70: "dBm",
    71: "dBµV",
    72: "dB",
}


def render_obis(name: bytes) -> str:
    """Return six bytes in the usual notation: ``1-0:1.8.0``, with ``*F`` only if F has a meaning."""
    media, channel, quantity, process, tariff, billing = name
    short = f"{media}-{channel}:{quantity}.{process}.{tariff}"
    return short if billing == 0xFF else f"{short}*{billing}"


_WH_J = 3600
_CAL_J = Fraction("4.1868")
_KILO, _MEGA, _GIGA = 1000, 1_000_000, 1_000_000_000
# Our unit -> the value in it of each unit of a meter.
_FACTORS: dict[str, dict[str, Fraction]] = {
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


def _fold_case(table: dict[str, Fraction]) -> dict[str, Fraction]:
    """Return the names that are unambiguous in any case: kwh, KWH, but not mw."""
    found: dict[str, list[Fraction]] = {}
    for name, worth in table.items():
        found.setdefault(name.casefold(), []).append(worth)
    return {name: one[0] for name, one in found.items() if len(set(one)) == 1}


_FOLDED_FACTORS = {unit: _fold_case(table) for unit, table in _FACTORS.items()}


@lru_cache(1024)
def find_factor(said: str, unit: str) -> Fraction | None:
    """Return the value of one ``said`` (``"kWh"``) in our ``unit`` (``"wh"``); None for an unknown pair.

    Case matters where it must (mW, MW) and is ignored elsewhere (kwh).
    """
    name = said.strip()
    exact = _FACTORS.get(unit, {}).get(name)
    return _FOLDED_FACTORS.get(unit, {}).get(name.casefold()) if exact is None else exact


def list_units(unit: str) -> list[str]:
    """Return the units of meters that can be converted to our ``unit``."""
    return list(_FACTORS.get(unit, {}))
