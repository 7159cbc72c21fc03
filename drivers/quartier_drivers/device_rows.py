"""The table that ``quartier read`` prints: one line per point, for any protocol; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from quartier_drivers.points import parse_quantity
from quartier_drivers.ranges import is_value_possible
from quartier_drivers.readings import Quality, Reading, Value

if TYPE_CHECKING:
    from quartier_drivers.device_profile.loading import Profile

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
DOUBTFUL = "DOUBTFUL"
"""The quality of a value that was read from a device that does not look like its profile."""


class DeviceRow(NamedTuple):
    """One line of the table; ``value`` is None if there is none to show."""

    point: str
    value: Value | None
    unit: str
    raw: str
    quality: str


@dataclass(frozen=True, slots=True)
class DeviceReadout:
    """The values read from a device, and those that contradict the profile of the reading."""

    rows: Sequence[DeviceRow]
    contradictions: Sequence[str] = ()


_P = TypeVar("_P", bound="Profile")


def drop_profile_names(profile: _P) -> _P:
    """Return the profile without maker and model: a driver then states what the device itself states."""
    return replace(profile, head=profile.head.model_copy(update={"maker": "", "model": ""}))


def make_readout(rows: Sequence[DeviceRow], contradictions: Sequence[str]) -> DeviceReadout:
    """Return the rows; if the device contradicts the profile, no value of it is good."""
    if not contradictions:
        return DeviceReadout(rows)
    good = Quality.GOOD.name
    doubtful = [one._replace(quality=DOUBTFUL) if one.quality == good else one for one in rows]
    return DeviceReadout(doubtful, contradictions)


def make_rows(
    identity: Mapping[str, str], found: Mapping[str, Reading], points: Iterable[str]
) -> list[DeviceRow]:
    """Return the identity that the device states, then a row per point.

    ``found`` maps full names to readings.
    """
    heads = [DeviceRow(f"identity.{key}", text, "", "", "") for key, text in identity.items() if text]
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
