"""The table that ``quartier read`` prints: one line per point, for any protocol; pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from quartier_drivers.points import parse_quantity
from quartier_drivers.ranges import is_value_possible
from quartier_drivers.readings import Quality, Reading, Value

# Unit suffix of a point's name -> symbol for people.
_UNIT_SYMBOLS = {
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
DEVICE_OWNER = "device"


class DeviceRow(NamedTuple):
    """One line of the table; ``value`` is None if there is none to show."""

    point: str
    value: Value | None
    unit: str
    raw: str
    quality: str


def make_rows(
    identity: Mapping[str, str], found: Mapping[str, Reading], points: Iterable[str]
) -> list[DeviceRow]:
    """Return the identity of the device, then a row per point; ``found`` maps full names to readings."""
    heads = [DeviceRow(f"identity.{key}", text, "", "", "") for key, text in identity.items()]
    return heads + [make_row(name, found.get(name)) for name in points]


def make_row(name: str, reading: Reading | None) -> DeviceRow:
    """Return the row of a point; ``name`` is its full name."""
    shown = name.removeprefix(f"{DEVICE_OWNER}.")
    suffix = parse_quantity(name.partition(".")[2]).unit
    unit = _UNIT_SYMBOLS.get(suffix, suffix)
    if reading is None:
        return DeviceRow(shown, None, unit, "no reply", Quality.BAD.name)
    is_possible = is_value_possible(name.rpartition(".")[2], reading.value)
    quality = reading.quality if is_possible else Quality.BAD
    value = reading.value if quality is Quality.GOOD else None
    return DeviceRow(shown, value, unit, reading.raw, quality.name)
