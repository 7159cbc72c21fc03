"""What ``quartier read`` prints of a device: a line for each point, whatever it speaks (pure)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from quartier_drivers.contract import Quality, Reading, Value
from quartier_drivers.points import word
from quartier_drivers.ranges import can_be

# Unit of a point's name -> what people write.
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
# The owner that a device of one part gets while it is read; it does not show.
OWNER = "device"


class Row(NamedTuple):
    """One line of the table; ``value`` is None when there is none to show."""

    point: str
    value: Value | None
    unit: str
    raw: str
    quality: str


def rows(identity: Mapping[str, str], found: Mapping[str, Reading], points: Iterable[str]) -> list[Row]:
    """Return who the device is, then each of its points, by full name, with what was ``found`` of it."""
    heads = [Row(f"identity.{key}", text, "", "", "") for key, text in identity.items()]
    return heads + [row(name, found.get(name)) for name in points]


def row(name: str, reading: Reading | None) -> Row:
    """Return what is shown of a point; ``name`` is its full one."""
    shown = name.removeprefix(f"{OWNER}.")
    suffix = word(name.partition(".")[2]).unit
    unit = _SYMBOLS.get(suffix, suffix)
    if reading is None:
        return Row(shown, None, unit, "no reply", Quality.BAD.name)
    is_possible = can_be(name.rpartition(".")[2], reading.value)
    quality = reading.quality if is_possible else Quality.BAD
    value = reading.value if quality is Quality.GOOD else None
    return Row(shown, value, unit, reading.raw, quality.name)
