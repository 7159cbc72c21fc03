"""Make groups of records and of the fixed data structure (pure)."""

from collections.abc import Mapping, Sequence
from math import isfinite
from types import MappingProxyType

from quartier_drivers.meter.mbus.data_records import (
    RECORD_BLOB,
    RECORD_DIGITS,
    RECORD_MAKER,
    RECORD_NUMBER,
    RECORD_OVERFLOW,
    RECORD_TEXT,
)
from quartier_drivers.meter.mbus.header import TelegramHeader
from quartier_drivers.meter.mbus.quantities import ValueKind, parse_time
from quartier_drivers.meter.mbus.record_meaning import RecordMeaning, find_meaning
from quartier_drivers.meter.telegrams import Group, GroupValue

LOW_FIRST, HIGH_FIRST = 0x73, 0x77
FIXED_SIZE = 16
_BINARY, _STORED = 0x01, 0x02
_SAME_BUT_HISTORIC, _BARE = 0x3E, 0x3F
_CLOCK, _CALENDAR = 0x00, 0x01
# Media of four bits: from 9 on they repeat, for meters that send the highest byte first.
_MEDIA = (0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0F, 0x03, 0x04, 0x06, 0x07, 0x08, 0x0F)


def _make_decades(quantity: str, unit: str, *exponents: int) -> list[ValueKind]:
    """Return each unit once, ten and a hundred times."""
    return [ValueKind(quantity, unit, exponent + step) for exponent in exponents for step in range(3)]


_KINDS: tuple[ValueKind, ...] = (
    ValueKind("time"),
    ValueKind("date"),
    *_make_decades("energy", "Wh", 0, 3, 6),
    *_make_decades("energy", "J", 3, 6, 9),
    *_make_decades("power", "W", 0, 3, 6),
    *_make_decades("power", "J/h", 3, 6, 9),
    *_make_decades("volume", "m3", -6, -3, 0),
    *_make_decades("volume_flow", "m3/h", -6, -3, 0),
    ValueKind("temperature", "°C", -3),
    ValueKind("heat_cost"),
)


def parse_fixed_header(data: bytes, *, high_first: bool) -> TelegramHeader:
    """Return the header: number, medium, access and state; the maker is not sent."""
    number = data[0:4] if high_first else data[3::-1]
    first, second = _parse_units(data, high_first=high_first)
    medium = _MEDIA[first >> 6 | second >> 4 & 0x0C]
    return TelegramHeader(number.hex().upper(), medium=medium, access=data[4], state=data[5] & ~0x03)


def parse_fixed_groups(data: bytes, header: TelegramHeader, *, high_first: bool) -> list[Group]:
    """Return both counters, also those without a unit, and the state."""
    state = data[5]
    first, second = _parse_units(data, high_first=high_first)
    units = [first & 0x3F, second & 0x3F]
    stored = [bool(state & _STORED), bool(state & _STORED) or units[1] == _SAME_BUT_HISTORIC]
    if units[1] == _SAME_BUT_HISTORIC:
        units[1] = units[0]
    found = []
    for place in range(2):
        code = data[8 + 4 * place : 12 + 4 * place]
        counter = code if high_first else code[::-1]
        found.append(
            _make_counter_group(
                place, counter, units[place], header, binary=bool(state & _BINARY), storage=stored[place]
            )
        )
    return [*found, make_status_group(header)]


def _parse_units(data: bytes, *, high_first: bool) -> tuple[int, int]:
    return (data[7], data[6]) if high_first else (data[6], data[7])


def _make_counter_group(
    place: int, counter: bytes, unit: int, header: TelegramHeader, *, binary: bool, storage: bool
) -> Group:
    kind = _KINDS[unit] if unit < len(_KINDS) else ValueKind("counter" if unit == _BARE else "reserved")
    more: dict[str, GroupValue] = {
        "quantity": kind.quantity,
        "function": "instantaneous",
        "storage": int(storage),
        "tariff": 0,
        "subunit": place if unit == _BARE else 0,
        "qualifier": "",
        "medium": header.medium_text,
        "maker": header.maker,
    }
    label, digits = str(place), counter.hex()
    if unit in {_CLOCK, _CALENDAR}:
        pairs = [digits[at : at + 2] for at in range(2, 8, 2)]
        return Group(
            label, ":".join(pairs) if unit == _CLOCK else ".".join(pairs), "", "", MappingProxyType(more)
        )
    if binary:
        number = int.from_bytes(counter, "big", signed=True)
    elif digits.isdecimal():
        number = int(digits)
    else:
        more["error"] = "no decimal digits"
        return Group(label, f"0x{digits.upper()}", kind.unit, "", MappingProxyType(more))
    scaled = number * 10**kind.exponent if kind.exponent >= 0 else number / 10**-kind.exponent
    return Group(label, scaled, kind.unit, "", MappingProxyType(more))


Row = tuple[bytes, int | float | bytes | None, int]
_LABELS = tuple(str(number) for number in range(256))
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)))


def make_groups(
    rows: Sequence[Row], header: TelegramHeader, *, high_first: bool = False, first: int = 0
) -> list[Group]:
    """Return one group per record, numbered from ``first``."""
    maker, medium = header.maker, header.medium_text
    found = []
    number = first
    for head, value, state in rows:
        label = _LABELS[number] if number < 256 else str(number)
        number += 1
        if state == RECORD_MAKER:
            found.append(_make_maker_group(label, value, header))
            continue
        meant = find_meaning(head, maker, medium, high_first=high_first)
        if state == RECORD_NUMBER and meant.is_plain and type(value) is int:
            scaled = value * meant.top if meant.bottom == 1 else value * meant.top / meant.bottom
            found.append(Group(label, scaled, meant.unit, "", meant.more))
        else:
            found.append(_make_other_group(label, value, state, meant))
    return found


def make_status_group(header: TelegramHeader) -> Group:
    """Return the state of the meter, as hex; bits 2 to 4 are power low, permanent error, temporary error.

    Bits 0 and 1 are a number: 2 is application error, 3 abnormal condition.  ``doubt`` is added if the
    measured values may be wrong.
    """
    more: dict[str, GroupValue] = {
        "quantity": "status",
        "function": "instantaneous",
        "storage": 0,
        "tariff": 0,
        "subunit": 0,
        "qualifier": header.state_text,
        "medium": header.medium_text,
        "maker": header.maker,
        "version": header.version,
        "access": header.access,
    }
    if header.is_doubtful:
        more["doubt"] = header.state_text
    return Group("status", f"0x{header.state:02X}", "", "", MappingProxyType(more))


def make_failure_group(text: str, header: TelegramHeader | None = None) -> Group:
    """Return an error of the meter, or of the gateway, in place of records."""
    more: dict[str, GroupValue] = {"quantity": "error", **_describe_meter(header or TelegramHeader())}
    return Group("error", text, "", "", MappingProxyType(more))


def _describe_meter(header: TelegramHeader) -> dict[str, GroupValue]:
    return {"medium": header.medium_text, "maker": header.maker}


def _make_maker_group(label: str, value: object, header: TelegramHeader) -> Group:
    text = f"0x{value.hex().upper()}" if isinstance(value, bytes) else ""
    more: dict[str, GroupValue] = {
        "quantity": "maker_data",
        "function": "instantaneous",
        "storage": 0,
        "tariff": 0,
        "subunit": 0,
    }
    return Group(label, text, "", "", MappingProxyType({**more, "qualifier": "", **_describe_meter(header)}))


def _make_other_group(label: str, value: float | bytes | None, state: int, meant: RecordMeaning) -> Group:
    """Return the group of a record that is not just a number to scale."""
    if meant.error:
        return Group(label, meant.error, meant.unit, "", meant.more)
    if isinstance(value, bytes):
        return _make_bytes_group(label, value, state, meant)
    if value is None:
        return Group(label, "", meant.unit, "", meant.more)
    if isinstance(value, float) and not isfinite(value):
        return Group(label, "not a number", meant.unit, "", _add_more(meant.more, error="not a number"))
    if meant.moment_size and isinstance(value, int):
        return _make_time_group(label, value, meant)
    if meant.bits and value < 0:
        value += 1 << meant.bits
    scaled = value * meant.top if meant.bottom == 1 else value * meant.top / meant.bottom
    if meant.shift:
        scaled += meant.shift
    more = _add_more(meant.more, error="overflow") if state == RECORD_OVERFLOW else meant.more
    return Group(label, scaled, meant.unit, "", more)


def _make_bytes_group(label: str, value: bytes, state: int, meant: RecordMeaning) -> Group:
    if state == RECORD_TEXT:
        text = value.decode("latin-1").translate(_CONTROLS).strip()
        return Group(label, text, meant.unit, "", meant.more)
    text = f"0x{value.hex().upper()}"
    if state == RECORD_DIGITS:
        return Group(label, text, meant.unit, "", _add_more(meant.more, error="no decimal digits"))
    assert state == RECORD_BLOB
    return Group(label, text, meant.unit, "", meant.more)


def _make_time_group(label: str, value: int, meant: RecordMeaning) -> Group:
    """Return the group of a date: its text is the value, unless another quantity keeps the number."""
    told = parse_time(value, meant.moment_size)
    more = _add_more(meant.more, summer_time=1) if told.is_summer else meant.more
    if not told.text:
        more = _add_more(more, error="invalid time")
    time = "" if "*" in told.text else told.text
    if meant.is_moment:
        return Group(label, told.text, meant.unit, time, more)
    scaled = value * meant.top if meant.bottom == 1 else value * meant.top / meant.bottom
    return Group(label, scaled, meant.unit, time, more)


def _add_more(more: Mapping[str, GroupValue], **said: GroupValue) -> Mapping[str, GroupValue]:
    return MappingProxyType({**more, **said})
