"""Render items, times and OBIS names of DLMS/COSEM (pure)."""

import re
from collections.abc import Mapping
from datetime import date, datetime

from quartier_drivers.meter import units
from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms.axdr import Item
from quartier_drivers.meter.telegrams import GroupValue
from quartier_drivers.meter.units import OBIS_SIZE

_UNSPECIFIED = 0xFF
_UNSPECIFIED_YEAR = 0xFFFF
_UNSPECIFIED_DEVIATION = -0x8000
_YEARS = range(1970, 2200)
DATE_TIME_SIZE = 12


def render_iso_time(octets: bytes) -> str:  # noqa: PLR0911 - one for each thing not said
    """Return a date-time (12 bytes), date (5) or time (4) as the meter states it; empty if it is incomplete.

    ``deviation`` counts minutes from local time to UTC, so UTC+1 is sent as -60.
    """
    if len(octets) == 5:
        return _render_date(octets)
    if len(octets) == 4:
        return _render_clock_time(octets)
    if len(octets) != DATE_TIME_SIZE:
        return ""
    day, clock = _render_date(octets[:5]), _render_clock_time(octets[5:9])
    if not day or not clock:
        return ""
    deviation = int.from_bytes(octets[9:11], "big", signed=True)
    if deviation == _UNSPECIFIED_DEVIATION:
        return f"{day}T{clock}"
    if not -720 <= deviation <= 840:
        return ""
    sign = "-" if deviation > 0 else "+"
    hours, minutes = divmod(abs(deviation), 60)
    return f"{day}T{clock}{sign}{hours:02}:{minutes:02}"


def render_whole_time(octets: bytes) -> str:
    """Return a date-time of 12 bytes; empty for anything else."""
    return render_iso_time(octets) if len(octets) == DATE_TIME_SIZE else ""


def read_clock_status(octets: bytes) -> Mapping[str, int]:
    """Return the flags in the clock's status byte: ``summer``, ``doubtful`` (Blue Book 4.1.6.1)."""
    if len(octets) != DATE_TIME_SIZE or octets[11] == _UNSPECIFIED:
        return {}
    status = octets[11]
    found = {"summer": 1} if status & 0x80 else {}
    if status & 0x0F:
        found["doubtful"] = 1
    return found


def encode_time(moment: datetime) -> bytes:
    """Encode a moment as date-time, for the ends of a range; without deviation if it has no time zone."""
    offset = moment.utcoffset()
    deviation = _UNSPECIFIED_DEVIATION if offset is None else -int(offset.total_seconds() // 60)
    head = moment.year.to_bytes(2, "big") + bytes([moment.month, moment.day, moment.isoweekday()])
    clock = bytes([moment.hour, moment.minute, moment.second, 0])
    return head + clock + deviation.to_bytes(2, "big", signed=True) + b"\0"


def _render_date(octets: bytes) -> str:
    year = int.from_bytes(octets[:2], "big")
    if year == _UNSPECIFIED_YEAR or year not in _YEARS:
        return ""
    try:
        return date(year, octets[2], octets[3]).isoformat()
    except ValueError:
        return ""


def _render_clock_time(octets: bytes) -> str:
    hour, minute, second, hundredths = octets
    second = 0 if second == _UNSPECIFIED else second
    if hour > 23 or minute > 59 or second > 59:
        return ""
    fraction = f".{hundredths:02}" if 0 < hundredths < 100 else ""
    return f"{hour:02}:{minute:02}:{second:02}{fraction}"


CLOCK_NAME = bytes([0, 0, 1, 0, 0, 255])
_LABEL = re.compile(r"(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:[*.](\d{1,3}))?")


def is_obis_name(octets: bytes) -> bool:
    """Return whether the bytes can be the name of an object: six of them, media 0 to 15, so no text."""
    return len(octets) == OBIS_SIZE and octets[0] <= 15 and (octets[5] == 0xFF or octets[5] < 128)


def parse_obis(text: str) -> bytes:
    """Return the six bytes of a label; raises ValueError."""
    found = _LABEL.fullmatch(text)
    parts = [int(part) for part in found.groups("255")] if found else [256]
    if max(parts) > 255:
        raise ValueError(f"{text!r} is no OBIS name; expected A-B:C.D.E or A-B:C.D.E*F")
    return bytes(parts)


_EXACT_MAX = 30
_TEXT_MAX = 256


def parse_scaler(item: Item | None) -> tuple[int, str] | None:
    """Return power of ten and unit of a scaler_unit structure; None if the item is none."""
    if item is None or item.tag != axdr.STRUCTURE or len(item.items) != 2:
        return None
    power, unit = item.items
    if power.tag != axdr.INT8 or unit.tag != axdr.ENUM:
        return None
    assert isinstance(power.value, int)
    assert isinstance(unit.value, int)
    return power.value, units.COSEM_UNITS.get(unit.value, "")


def scale_number(number: float, power: int) -> int | float:
    """Return a number times a power of ten: whole numbers exactly, else the nearest float."""
    if power == 0:
        return number
    if isinstance(number, int) and abs(power) <= _EXACT_MAX:
        factor: int = 10 ** abs(power)
        return number * factor if power > 0 else number / factor
    return number * 10.0**power


def read_quantity(item: Item, scaler: Item | None) -> tuple[GroupValue | None, str]:
    """Return a value with its unit; None if nothing was stated."""
    value = render_item(item)
    scale = parse_scaler(scaler)
    if scale is None:
        return value, ""
    if isinstance(value, str) or value is None:
        return value, scale[1]
    return scale_number(value, scale[0]), scale[1]


def render_item(item: Item) -> GroupValue | None:  # noqa: PLR0911 - one for each kind of value
    """Return an unscaled item: number, text or date; a list as text; None if nothing is stated."""
    value = item.value
    if value is None:
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, int):
        return value
    if isinstance(value, bytes):
        return render_octets(value) if item.tag == axdr.OCTETS else render_iso_time(value) or value.hex()
    if isinstance(value, str):
        return _keep_printable(value.rstrip("\0 "))
    if isinstance(value, tuple):
        return units.render_obis(value[1])
    return "[" + " ".join(str(render_item(part)) for part in value)[:_TEXT_MAX] + "]"


def render_octets(octets: bytes) -> str:
    """Return an octet string as a date if it is one, as printable text, as a name, else in hex digits."""
    if found := render_whole_time(octets):
        return found
    bare = octets.rstrip(b"\0 ")
    if all(0x20 <= byte < 0x7F for byte in bare):
        return bare.decode("ascii").lstrip()
    return units.render_obis(octets) if is_obis_name(octets) else octets.hex()


def _keep_printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
