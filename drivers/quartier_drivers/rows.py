"""The table that ``quartier read`` prints: one line per point, for any protocol; pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from quartier_drivers.contract import Quality, Reading, Value
from quartier_drivers.points import word
from quartier_drivers.ranges import can_be

# Unit suffix of a point's name -> symbol for people.
_SYMBOLS = {
    "w": "W",
    "wh": "Wh",
    "varh": "varh",
    "va": "VA",
    "v": "V",
    "a": "A",
    "hz": "Hz",
    "pct": "%",
    "ppm": "ppm",
    "c": "°C",
    "k": "K",
    "pa": "Pa",
    "m3": "m³",
    "m3_per_h": "m³/h",
    "w_per_s": "W/s",
}
# Owner of the points of a device of one part while it is read; not shown.
OWNER = "device"


class Row(NamedTuple):
    """One line of the table; ``value`` is None if there is none to show."""

    point: str
    value: Value | None
    unit: str
    raw: str
    quality: str


def rows(identity: Mapping[str, str], found: Mapping[str, Reading], points: Iterable[str]) -> list[Row]:
    """Return the identity of the device, then a row per point; ``found`` maps full names to readings."""
    heads = [Row(f"identity.{key}", text, "", "", "") for key, text in identity.items()]
    return heads + [row(name, found.get(name)) for name in points]


def row(name: str, reading: Reading | None) -> Row:
    """Return the row of a point; ``name`` is its full name."""
    shown = name.removeprefix(f"{OWNER}.")
    suffix = word(name.partition(".")[2]).unit
    unit = _SYMBOLS.get(suffix, suffix)
    if reading is None:
        return Row(shown, None, unit, "no reply", Quality.BAD.name)
    is_possible = can_be(name.rpartition(".")[2], reading.value)
    quality = reading.quality if is_possible else Quality.BAD
    value = reading.value if quality is Quality.GOOD else None
    return Row(shown, value, unit, reading.raw, quality.name)
