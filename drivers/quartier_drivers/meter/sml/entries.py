"""Entries of an SML list: what one says, as a group; pure.

BSI TR-03109-1, annex IV part b, 6.2.7.2 (SML_GetList.Res): name, status, time, unit, scaler, value,
signature.  Nearly every entry has a shape that one pattern knows: fast.  Whatever it does not know is taken
apart element by element: the same result, slower.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from quartier_drivers.meter.sml.elements import Element, Whole, element
from quartier_drivers.meter.sml.quantities import UNITS, label, text
from quartier_drivers.meter.telegram import Group, Said

_NAME_AT, _STATUS, _TIME, _UNIT, _SCALER, _VALUE, _SIGNATURE = range(7)
_SCALER_MAX = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_MAX = 1 << 32
_OFFSET_MAX_MIN = 24 * 60
_TEN = [10**power for power in range(_SCALER_MAX + 1)]
_SEC_INDEX, _TIMESTAMP, _LOCAL = 1, 2, 3
_NO_MORE: Mapping[str, Said] = MappingProxyType({})
NARROW = 0x53
"""TL field of a signed number of two bytes."""


class Entry(NamedTuple):
    """One entry: its group, and the TL field of its value where that is a number of a known shape, else 0."""

    group: Group
    code: int


def _sized(heads: bytes, sizes: range) -> bytes:
    """Pattern of an element of one of the ``sizes``, whose TL field is one of ``heads`` plus the size."""
    return b"|".join(
        b"[" + b"".join(re.escape(bytes([first + size])) for first in heads) + b"].{%d}" % size
        for size in sizes
    )


# A TL field is one more than the size of what follows: types 0 octets, 4 boolean, 5 signed, 6 unsigned.
SIMPLE = rb"(?:[\x00\x01]|" + _sized(b"\x01\x41\x51\x61", range(1, 15)) + rb")"
"""Pattern of an element that is no list and has one TL byte."""
_NUMBER = _sized(b"\x51\x61", range(1, 9)) + rb"|\x42."
_OCTETS = _sized(b"\x01", range(1, 15))
_INDEX = _sized(b"\x61", range(1, 5))
_ENTRY = re.compile(
    rb"\x77\x07(.{6})"
    rb"([\x00\x01]|" + _sized(b"\x61", range(1, 9)) + rb")"
    rb"([\x00\x01]|(?:\x72\x62[\x01\x02])?(?:" + _INDEX + rb"))"
    rb"((?:[\x00\x01]|\x62.)(?:[\x00\x01]|\x52.))"
    rb"(" + _NUMBER + rb"|" + _OCTETS + rb"|[\x00\x01])"
    rb"[\x00\x01]",
    re.DOTALL,
)


def entry_at(data: bytes, at: int) -> tuple[Entry | None, int]:
    """The entry of a list at ``at``, None where there is something else, and where the next begins.

    Raises Malformed.
    """
    match = _ENTRY.match(data, at)
    if match is None:
        found, end = element(data, at)
        return _slow(found), end
    name, status, moment, measure, raw = match.groups()
    told, unit, scaler = _meaning(name, measure)
    when, more = _circumstances(status, moment)
    code = raw[0]
    value: Said
    if code > 0x61:
        value = int.from_bytes(raw[1:], "big")
    elif code > 0x51:
        value = int.from_bytes(raw[1:], "big", signed=True)
    elif code == 0x42:
        value = int(raw[1] != 0)
    else:
        return Entry(Group(told, text(raw[1:]), unit, when, more), 0), match.end()
    if scaler:
        value = scaled(value, scaler)
    return Entry(Group(told, value, unit, when, more), code), match.end()


def scaled(number: int, scaler: int) -> int | float:
    """``number`` × 10^``scaler``, rounded once."""
    if scaler < 0:
        divisor: int = _TEN[-scaler] if scaler >= -_SCALER_MAX else 10**-scaler
        return number / divisor
    factor: int = _TEN[scaler] if scaler <= _SCALER_MAX else 10**scaler
    return number * factor


@lru_cache(maxsize=1024)
def _meaning(name: bytes, measure: bytes) -> tuple[str, str, int]:
    unit, at = element(measure, 0)
    scaler, _ = element(measure, at)
    return label(name), _unit(unit), _whole(scaler)


@lru_cache(maxsize=256)
def _circumstances(status: bytes, moment: bytes) -> tuple[str, Mapping[str, Said]]:
    return _told(element(status, 0)[0], element(moment, 0)[0])


def _told(status: Element, moment: Element) -> tuple[str, Mapping[str, Said]]:
    """When the meter took a value (ISO 8601), and what else it says of it."""
    when, index = time_of(moment)
    more: dict[str, Said] = {}
    if isinstance(status, Whole):
        more["status"] = status.value
    if index is not None:
        more["sec_index"] = index
    return when, MappingProxyType(more) if more else _NO_MORE


def time_of(moment: Element) -> tuple[str, int | None]:
    """An SML_Time as ISO 8601, or as seconds on the meter's own clock (secIndex).

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


def _slow(found: Element) -> Entry | None:
    if not isinstance(found, list) or len(found) != 7 or not isinstance(found[_NAME_AT], bytes):
        return None
    name, value = found[_NAME_AT], found[_VALUE]
    assert isinstance(name, bytes)
    when, more = _told(found[_STATUS], found[_TIME])
    unit, scaler = _unit(found[_UNIT]), _whole(found[_SCALER])
    if isinstance(value, Whole):
        code = (0x51 if value.is_signed else 0x61) + value.size
        number = scaled(value.value, scaler) if scaler else value.value
        return Entry(Group(label(name), number, unit, when, more), code)
    if isinstance(value, bool):
        number = scaled(int(value), scaler) if scaler else int(value)
        return Entry(Group(label(name), number, unit, when, more), 0x42)
    return Entry(Group(label(name), written(value), unit, when, more), 0)


def written(value: Element) -> str:
    """An element as text; of a list what is in it, between brackets."""
    if isinstance(value, Whole):
        return str(value.value)
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes):
        return text(value)
    return "" if value is None else "[" + " ".join(written(item) for item in value) + "]"


def _unit(unit: Element) -> str:
    return UNITS.get(unit.value, "") if isinstance(unit, Whole) else ""


def _whole(scaler: Element) -> int:
    return scaler.value if isinstance(scaler, Whole) and -128 <= scaler.value < 128 else 0
