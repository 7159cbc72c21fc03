"""Parse SML elements and list entries (pure).

BSI TR-03109-1, annex IV part b, 6.3 (SML binary encoding): the TL field's first byte is ``mttt llll``:
another TL byte follows, type, length including the TL field (of a list: number of elements).

BSI TR-03109-1, annex IV part b, 6.2.7.2 (SML_GetList.Res): name, status, time, unit, scaler, value,
signature.  This module reads entries of any form.  ``list_reader.read_listings`` reads the usual forms, with
the same result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from types import MappingProxyType

from quartier_drivers.meter import units
from quartier_drivers.meter.telegrams import Group, GroupValue
from quartier_drivers.meter.units import COSEM_UNITS

DEPTH_MAX = 12
"""Deepest nesting of lists; a list response has five levels."""


_TL_BYTES_MAX = 4
_NUMBER_MAX = 16  # bytes; the standard has eight
_MORE = 0x80
_TYPE = 0x70
_OCTETS = 0x00
_BOOLEAN = 0x40
_SIGNED = 0x50
_UNSIGNED = 0x60
_LIST = 0x70


class MalformedElement(Exception):  # noqa: N818 - what came, not what failed
    """The bytes are no SML element."""


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number as it was coded: in ``size`` bytes, with or without a sign."""

    value: int
    size: int
    is_signed: bool


Element = bytes | bool | WholeNumber | list["Element"] | None
"""None is an omitted optional element."""


def parse_head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the TL field at ``at``: type, length without the field (of a list: its elements), and its end.

    An octet string of length -1 is the end of a message (or what some meters send for nothing). Raises
    MalformedElement.
    """
    try:
        first = byte = data[at]
        length, end = byte & 0x0F, at + 1
        while byte & _MORE:
            byte = data[end]
            if byte & _TYPE or end - at >= _TL_BYTES_MAX:
                raise MalformedElement("a TL field that is none")
            length, end = length << 4 | byte & 0x0F, end + 1
    except IndexError:
        raise MalformedElement("it ends within a TL field") from None
    kind = first & _TYPE
    if kind != _LIST:
        length -= end - at
        if length < 0 and (kind != _OCTETS or end - at > 1):
            raise MalformedElement("a length shorter than its TL field")
        if end + length > len(data):
            raise MalformedElement("it ends within an element")
    elif length > len(data) - end:
        raise MalformedElement("it ends within a list")
    return kind, length, end


def parse_element(data: bytes, at: int, depth: int = 0) -> tuple[Element, int]:
    """Return the element at ``at`` and the place of the next one.  Raises MalformedElement."""
    kind, length, end = parse_head(data, at)
    if kind == _LIST:
        if depth >= DEPTH_MAX:
            raise MalformedElement("lists too deep in each other")
        items: list[Element] = []
        for _ in range(length):
            item, end = parse_element(data, end, depth + 1)
            items.append(item)
        return items, end
    if length <= 0:
        return None, end
    content = data[end : end + length]
    end += length
    if kind == _OCTETS:
        return content, end
    if kind == _BOOLEAN:
        return any(content), end
    if kind not in (_SIGNED, _UNSIGNED) or length > _NUMBER_MAX:
        raise MalformedElement("a type that SML does not have")
    is_signed = kind == _SIGNED
    return WholeNumber(int.from_bytes(content, "big", signed=is_signed), length, is_signed), end


def parse_list_head(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of elements of the list at ``at``, and the place of the first.

    Raises MalformedElement.
    """
    kind, length, end = parse_head(data, at)
    if kind != _LIST:
        raise MalformedElement("no list where one should be")
    return length, end


def parse_number(data: bytes, at: int) -> tuple[int, int]:
    """Return the whole number at ``at`` and the place of the next element.  Raises MalformedElement."""
    found, end = parse_element(data, at)
    if not isinstance(found, WholeNumber):
        raise MalformedElement("no number where one should be")
    return found.value, end


_NAME_AT, _STATUS, _TIME, _UNIT, _SCALER, _VALUE, _SIGNATURE = range(7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_MAX = 1 << 32
_OFFSET_MAX_MIN = 24 * 60
_SEC_INDEX, _TIMESTAMP, _LOCAL = 1, 2, 3
_NO_MORE: Mapping[str, GroupValue] = MappingProxyType({})
TWO_BYTE_NUMBER = 0x53
"""TL field of a signed number of two bytes."""


def scale_number(number: int, scaler: int) -> int | float:
    """Return ``number`` × 10^``scaler``, rounded once."""
    ten: int = 10 ** abs(scaler)
    return number / ten if scaler < 0 else number * ten


def _describe_entry(status: Element, moment: Element) -> tuple[str, Mapping[str, GroupValue]]:
    """Return the time of a value (ISO 8601), and the meter's other data about it."""
    when, index = parse_time(moment)
    more: dict[str, GroupValue] = {}
    if isinstance(status, WholeNumber):
        more["status"] = status.value
    if index is not None:
        more["sec_index"] = index
    return when, MappingProxyType(more) if more else _NO_MORE


def parse_time(moment: Element) -> tuple[str, int | None]:
    """Return an SML_Time as ISO 8601, or as seconds on the meter's own clock (secIndex).

    Holley and some EMH meters send the seconds without the tag that says so.
    """
    if isinstance(moment, WholeNumber):
        return "", moment.value
    if not isinstance(moment, list) or len(moment) != 2 or not isinstance(moment[0], WholeNumber):
        return "", None
    tag, told = moment[0].value, moment[1]
    if tag == _SEC_INDEX and isinstance(told, WholeNumber):
        return "", told.value
    if tag == _TIMESTAMP and isinstance(told, WholeNumber):
        return _render_iso_time(told.value, 0), None
    if tag == _LOCAL and isinstance(told, list) and len(told) == 3:
        seconds, *offsets = (part.value if isinstance(part, WholeNumber) else 0 for part in told)
        return _render_iso_time(seconds, sum(offsets)), None
    return "", None


def _render_iso_time(seconds: int, offset_min: int) -> str:
    if not (0 < seconds < _SECONDS_MAX and abs(offset_min) < _OFFSET_MAX_MIN):
        return ""
    zone = timezone(timedelta(minutes=offset_min))
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).isoformat()


def parse_entry(found: Element) -> tuple[Group, int] | None:
    """Return the group of an entry, and the TL field of its value if it is a number, else 0.

    None if it is no entry.
    """
    if not isinstance(found, list) or len(found) != 7 or not isinstance(found[_NAME_AT], bytes):
        return None
    name, value = found[_NAME_AT], found[_VALUE]
    assert isinstance(name, bytes)
    when, more = _describe_entry(found[_STATUS], found[_TIME])
    unit, power = _find_unit(found[_UNIT]), _find_power(found[_SCALER])
    if isinstance(value, WholeNumber):
        code = (0x51 if value.is_signed else 0x61) + value.size
        return Group(render_obis(name), scale_number(value.value, power), unit, when, more), code & 0xFF
    if isinstance(value, bool):
        return Group(render_obis(name), scale_number(int(value), power), unit, when, more), 0
    return Group(render_obis(name), render_element(value), unit, when, more), 0


def render_element(value: Element) -> str:
    """Return an element as text; a list as its content between brackets."""
    if isinstance(value, WholeNumber):
        return str(value.value)
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes):
        return render_octets(value)
    return "" if value is None else "[" + " ".join(render_element(item) for item in value) + "]"


def _find_unit(unit: Element) -> str:
    return COSEM_UNITS.get(unit.value, "") if isinstance(unit, WholeNumber) else ""


def _find_power(scaler: Element) -> int:
    return scaler.value if isinstance(scaler, WholeNumber) and -128 <= scaler.value < 128 else 0


_DIN_43863_5 = 0x0A
"""The first byte of an identification number: its length, ten bytes."""


def render_obis(name: bytes) -> str:
    """Return the label of an OBIS number; for a name that is not six bytes long its hexadecimal digits."""
    return units.render_obis(name) if len(name) == units.OBIS_SIZE else name.hex()


@lru_cache(maxsize=64)
def render_device_id(number: bytes) -> str:
    """Return an identification number as printed on the device, ``1EMH0012345678``; others as from ``text``.

    DIN 43863-5: length, medium, three letters of the maker, fabrication block, number of 32 bits.
    """
    if len(number) == 10 and number[0] == _DIN_43863_5 and number[2:5].isupper() and number[2:5].isalpha():
        letters = number[2:5].decode("ascii")
        return f"{number[1]:X}{letters}{number[5]:02X}{int.from_bytes(number[6:], 'big'):08d}"
    return render_octets(number)


def render_octets(octets: bytes) -> str:
    """Return octets in readable form: printable ASCII as text, anything else as hexadecimal digits."""
    if octets.isascii():
        letters = octets.decode("ascii")
        if letters.isprintable():
            return letters
    return octets.hex()
