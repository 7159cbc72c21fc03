"""Converts the records of one M-Bus telegram to groups, the common form of all meters; pure."""

from collections.abc import Mapping, Sequence
from math import isfinite
from types import MappingProxyType

from quartier_drivers.meter.mbus.dates import moment
from quartier_drivers.meter.mbus.header import Header
from quartier_drivers.meter.mbus.meaning import Meaning, meaning
from quartier_drivers.meter.telegram import Group, Said
from quartier_native.meters import (
    RECORD_BLOB,
    RECORD_DIGITS,
    RECORD_MAKER,
    RECORD_NUMBER,
    RECORD_OVERFLOW,
    RECORD_TEXT,
)

Row = tuple[bytes, int | float | bytes | None, int]
_LABELS = tuple(str(number) for number in range(256))
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)))


def groups_of(
    rows: Sequence[Row], header: Header, *, high_first: bool = False, first: int = 0
) -> list[Group]:
    """Return one group per record, numbered from ``first``."""
    maker, medium = header.maker, header.medium_text
    found = []
    number = first
    for head, value, state in rows:
        label = _LABELS[number] if number < 256 else str(number)
        number += 1
        if state == RECORD_MAKER:
            found.append(_of_maker(label, value, header))
            continue
        meant = meaning(head, maker, medium, high_first=high_first)
        if state == RECORD_NUMBER and meant.is_plain and type(value) is int:
            scaled = value * meant.top if meant.bottom == 1 else value * meant.top / meant.bottom
            found.append(Group(label, scaled, meant.unit, "", meant.more))
        else:
            found.append(_group(label, value, state, meant))
    return found


def status(header: Header) -> Group:
    """Return the state of the meter, as hex; bits 2 to 4 are power low, permanent error, temporary error.

    Bits 0 and 1 are a number: 2 is application error, 3 abnormal condition.  ``doubt`` is added if the
    measured values may be wrong.
    """
    more: dict[str, Said] = {
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


def failure(text: str, header: Header | None = None) -> Group:
    """Return an error of the meter, or of the gateway, in place of records."""
    more: dict[str, Said] = {"quantity": "error", **_who(header or Header())}
    return Group("error", text, "", "", MappingProxyType(more))


def _who(header: Header) -> dict[str, Said]:
    return {"medium": header.medium_text, "maker": header.maker}


def _of_maker(label: str, value: object, header: Header) -> Group:
    text = f"0x{value.hex().upper()}" if isinstance(value, bytes) else ""
    more: dict[str, Said] = {
        "quantity": "maker_data",
        "function": "instantaneous",
        "storage": 0,
        "tariff": 0,
        "subunit": 0,
    }
    return Group(label, text, "", "", MappingProxyType({**more, "qualifier": "", **_who(header)}))


def _group(label: str, value: float | bytes | None, state: int, meant: Meaning) -> Group:
    """Return the group of a record that is not just a number to scale."""
    if meant.error:
        return Group(label, meant.error, meant.unit, "", meant.more)
    if isinstance(value, bytes):
        return _of_bytes(label, value, state, meant)
    if value is None:
        return Group(label, "", meant.unit, "", meant.more)
    if isinstance(value, float) and not isfinite(value):
        return Group(label, "not a number", meant.unit, "", _with(meant.more, error="not a number"))
    if meant.moment_size and isinstance(value, int):
        return _of_moment(label, value, meant)
    if meant.bits and value < 0:
        value += 1 << meant.bits
    scaled = value * meant.top if meant.bottom == 1 else value * meant.top / meant.bottom
    if meant.shift:
        scaled += meant.shift
    more = _with(meant.more, error="overflow") if state == RECORD_OVERFLOW else meant.more
    return Group(label, scaled, meant.unit, "", more)


def _of_bytes(label: str, value: bytes, state: int, meant: Meaning) -> Group:
    if state == RECORD_TEXT:
        text = value.decode("latin-1").translate(_CONTROLS).strip()
        return Group(label, text, meant.unit, "", meant.more)
    text = f"0x{value.hex().upper()}"
    if state == RECORD_DIGITS:
        return Group(label, text, meant.unit, "", _with(meant.more, error="no decimal digits"))
    assert state == RECORD_BLOB
    return Group(label, text, meant.unit, "", meant.more)


def _of_moment(label: str, value: int, meant: Meaning) -> Group:
    """Return the group of a date: its text is the value, unless another quantity keeps the number."""
    told = moment(value, meant.moment_size)
    more = _with(meant.more, summer_time=1) if told.is_summer else meant.more
    if not told.text:
        more = _with(more, error="invalid time")
    time = "" if "*" in told.text else told.text
    if meant.is_moment:
        return Group(label, told.text, meant.unit, time, more)
    scaled = value * meant.top if meant.bottom == 1 else value * meant.top / meant.bottom
    return Group(label, scaled, meant.unit, time, more)


def _with(more: Mapping[str, Said], **said: Said) -> Mapping[str, Said]:
    return MappingProxyType({**more, **said})
