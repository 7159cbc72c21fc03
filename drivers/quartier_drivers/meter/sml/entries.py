"""Converts entries of an SML list to groups; pure.

BSI TR-03109-1, annex IV part b, 6.2.7.2 (SML_GetList.Res): name, status, time, unit, scaler, value,
signature.  This is the general way; entries in the usual forms of nearly all meters are read by
``quartier_native.read_listings``, with the same result.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

from quartier_drivers.meter.obis import UNITS
from quartier_drivers.meter.sml.elements import Element, Whole
from quartier_drivers.meter.sml.quantities import label, text
from quartier_drivers.meter.telegram import Group, Said

_NAME_AT, _STATUS, _TIME, _UNIT, _SCALER, _VALUE, _SIGNATURE = range(7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_MAX = 1 << 32
_OFFSET_MAX_MIN = 24 * 60
_SEC_INDEX, _TIMESTAMP, _LOCAL = 1, 2, 3
_NO_MORE: Mapping[str, Said] = MappingProxyType({})
NARROW = 0x53
"""TL field of a signed number of two bytes."""


def scaled(number: int, scaler: int) -> int | float:
    """Return ``number`` × 10^``scaler``, rounded once."""
    ten: int = 10 ** abs(scaler)
    return number / ten if scaler < 0 else number * ten


def _told(status: Element, moment: Element) -> tuple[str, Mapping[str, Said]]:
    """Return the time of a value (ISO 8601), and the meter's other data about it."""
    when, index = time_of(moment)
    more: dict[str, Said] = {}
    if isinstance(status, Whole):
        more["status"] = status.value
    if index is not None:
        more["sec_index"] = index
    return when, MappingProxyType(more) if more else _NO_MORE


def time_of(moment: Element) -> tuple[str, int | None]:
    """Return an SML_Time as ISO 8601, or as seconds on the meter's own clock (secIndex).

    Holley and some EMH meters send the seconds without the tag that says so.
    """
    if isinstance(moment, Whole):
        return "", moment.value
    if not isinstance(moment, list) or len(moment) != 2 or not isinstance(moment[0], Whole):
        return "", None
    tag, told = moment[0].value, moment[1]
    if tag == _SEC_INDEX and isinstance(told, Whole):
        return "", told.value
    if tag == _TIMESTAMP and isinstance(told, Whole):
        return _iso(told.value, 0), None
    if tag == _LOCAL and isinstance(told, list) and len(told) == 3:
        seconds, *offsets = (part.value if isinstance(part, Whole) else 0 for part in told)
        return _iso(seconds, sum(offsets)), None
    return "", None


def _iso(seconds: int, offset_min: int) -> str:
    if not (0 < seconds < _SECONDS_MAX and abs(offset_min) < _OFFSET_MAX_MIN):
        return ""
    zone = timezone(timedelta(minutes=offset_min))
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).isoformat()


def entry_of(found: Element) -> tuple[Group, int] | None:
    """Return the group of an entry, and the TL field of its value if it is a number, else 0.

    None if it is no entry.
    """
    if not isinstance(found, list) or len(found) != 7 or not isinstance(found[_NAME_AT], bytes):
        return None
    name, value = found[_NAME_AT], found[_VALUE]
    assert isinstance(name, bytes)
    when, more = _told(found[_STATUS], found[_TIME])
    unit, power = _unit(found[_UNIT]), _power(found[_SCALER])
    if isinstance(value, Whole):
        code = (0x51 if value.is_signed else 0x61) + value.size
        return Group(label(name), scaled(value.value, power), unit, when, more), code & 0xFF
    if isinstance(value, bool):
        return Group(label(name), scaled(int(value), power), unit, when, more), 0
    return Group(label(name), written(value), unit, when, more), 0


def written(value: Element) -> str:
    """Return an element as text; a list as its content between brackets."""
    if isinstance(value, Whole):
        return str(value.value)
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes):
        return text(value)
    return "" if value is None else "[" + " ".join(written(item) for item in value) + "]"


def _unit(unit: Element) -> str:
    return UNITS.get(unit.value, "") if isinstance(unit, Whole) else ""


def _power(scaler: Element) -> int:
    return scaler.value if isinstance(scaler, Whole) and -128 <= scaler.value < 128 else 0
