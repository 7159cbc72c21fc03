"""Data sets of IEC 62056-21: ``address(value*unit)``, several per line, several values per address; pure.

IEC 62056-21:2002, 6.5 and table 1 (syntax of the data block); EN 1434-3 for heat meters (``6.8``, ``9.21``).
"""

import re
from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType

from quartier_drivers.meter.telegram import NOTHING_MORE, Group, Said
from quartier_native.meters import (
    ADDRESS_MEASURE,
    ADDRESS_RANK_SHIFT,
    ADDRESS_STRICT,
    SETS_MAX,
    UNIT_USUAL,
    SetReader,
)

VALUES_MAX = 16
"""Most values reported for one address."""

_BRACKET = re.compile(r"[()]")
_SET = re.compile(r"([^()]*)((?:\([^()]*\))+)")
_STRICT_ADDRESS = re.compile(
    r"(?:\d{1,3}-\d{1,3}:)?(?:\d{1,3}|[CFLP])(?:\.(?:\d{1,3}|F)){0,3}(?:[*&]\d{1,3})?"
)
_ADDRESS = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:*&#_-]{0,31}")
_NUMBER = re.compile(
    r"([+-]?(?:\d{1,32}[.,]?\d{0,32}|[.,]\d{1,32}))(?: *\* *([A-Za-z%][A-Za-z0-9%/^. -]{0,15}))?"
)
_UNIT = re.compile(r"[A-Za-z%][A-Za-z0-9%/^.-]{0,15}")
_MEASURE = re.compile(r"(?:\d+-\d+:)?(?:[1-9]|[1-8]\d|9[01])\.(?:[2-9]|[1-5]\d)\.\d+(?:[*&]\d+)?")
"""Addresses whose digits are a number even without point and unit: 1.8.0, 21.7.0, 1.6.1*05."""
_MOMENT = re.compile(r"(?:[0-2](?=\d{10}(?:\d\d)?$))?(\d{10}(?:\d\d)?)")
_SERIALS = ("96.1.255", "C.1.0", "C.1", "96.1.0", "9.20", "9.21", "0.0.0", "0.0")
"""Addresses of serial numbers, the most reliable first."""
_SPELLINGS = {"m3ph": "m3/h", "KWH": "kWh", "MWH": "MWh"}
_USUAL_UNIT = re.compile(
    r"[kMG]?(?:Wh?|VAh?|varh?|J|cal)|[km]?[VA]|Hz|(?:m3|dm3|l)(?:/(?:h|min))?|h|min|m|s|d|C|K|%|m?bar|kg|t",
    re.IGNORECASE,
)
"""Usual units of meters; in a message without block check any other unit is noise."""
_LINE_END = re.compile(r"[\r\n]")
_WORDS_MAX = 1024
"""Most addresses and units that are remembered."""


class _Addresses(dict[bytes, "tuple[str, int] | None"]):
    """For the fast reader: the label of an address and what is known about it, None if it is invalid."""

    def __missing__(self, key: bytes) -> tuple[str, int] | None:
        if len(self) >= _WORDS_MAX:
            self.clear()
        address, meant = key.decode("ascii"), None
        if _ADDRESS.fullmatch(address):
            label = address.removesuffix("*255")
            short = label.rpartition(":")[2]
            known = (_SERIALS.index(short) + 1 if short in _SERIALS else 0) << ADDRESS_RANK_SHIFT
            known |= ADDRESS_MEASURE if _MEASURE.fullmatch(label) else 0
            known |= ADDRESS_STRICT if _STRICT_ADDRESS.fullmatch(label) else 0
            meant = label, known
        self[key] = meant
        return meant


class _Units(dict[bytes, "tuple[str, int] | None"]):
    """For the fast reader: the spelling of a unit, and whether meters use it; None if it is invalid."""

    def __missing__(self, key: bytes) -> tuple[str, int] | None:
        if len(self) >= _WORDS_MAX:
            self.clear()
        unit, meant = key.decode("ascii"), None
        if _UNIT.fullmatch(unit):
            spelled = _unit(unit)
            meant = spelled, UNIT_USUAL if _USUAL_UNIT.fullmatch(spelled) else 0
        self[key] = meant
        return meant


_ADDRESSES, _UNITS = _Addresses(), _Units()


def set_reader() -> SetReader:
    """Make the fast reader for one meter."""
    return SetReader(_ADDRESSES, _UNITS)


def groups_of(
    text: str, *, is_checked: bool = True, reader: SetReader | None = None
) -> tuple[list[Group], int]:
    """Return the groups of the data sets of a block, and the number of unreadable ones.

    Without ``is_checked`` the block has no check: a set must then follow the standard exactly: OBIS numbers,
    known units, numbers before them.
    """
    groups: list[Group] = []
    bad_count = at = 0
    block, plain = text.encode("ascii", "replace"), reader or set_reader()
    while at < len(text) and len(groups) < SETS_MAX:
        at = plain.sets(block, at, groups, is_checked=is_checked)
        end = _LINE_END.search(text, at)
        line_end = len(text) if end is None else end.start()
        bad_count += _odd(text[at:line_end], groups, is_checked=is_checked)
        at = line_end + 1
    return groups, bad_count


def _odd(line: str, groups: list[Group], *, is_checked: bool) -> int:
    """Add the sets of a line, whatever their form; return the number of unreadable ones."""
    at, is_lost, bad_count = 0, False, 0
    while at < len(line) and len(groups) < SETS_MAX:
        match = _SET.match(line, at)
        if match is None:  # up to the next bracket nothing is a set
            bracket = _BRACKET.search(line, at)
            at = len(line) if bracket is None else bracket.end()
            bad_count += not is_lost
            is_lost = True
            continue
        is_lost = False
        group = _group(match[1].strip(), match[2][1:-1].split(")(", VALUES_MAX))
        if group is not None and (is_checked or _looks_right(group)):
            groups.append(group)
        elif match[1] or not groups:  # without an address: more values of a load profile
            bad_count += 1
        at = match.end()
    return bad_count


def serial_of(groups: Iterable[Group]) -> str:
    """Return the serial number that a meter states, or an empty text."""
    said = {group.label.rpartition(":")[2]: str(group.value).strip() for group in reversed(tuple(groups))}
    return next((said[label] for label in _SERIALS if said.get(label)), "")


def _group(address: str, told: list[str]) -> Group | None:
    """Return one data set; None if noise has damaged it."""
    if not _ADDRESS.fullmatch(address) or any("\x7f" in one or not one.isprintable() for one in told):
        return None
    label = address.removesuffix("*255")
    values = [value for one in told for value in _values(label, one)][:VALUES_MAX]
    value, unit = values[0]
    when = _moment(told[1]) if unit and len(told) == 2 else ""
    more: dict[str, Said] = {}
    for number, (other, other_unit) in enumerate(values[1:], start=2):
        more[f"value_{number}"] = other
        if other_unit:
            more[f"unit_{number}"] = other_unit
    return Group(label, value, unit, when, MappingProxyType(more) if more else NOTHING_MORE)


def _looks_right(group: Group) -> bool:
    """Return whether a set without block check is credible."""
    said = [(group.value, group.unit)]
    said += [
        (value, str(group.more.get(key.replace("value", "unit"), "")))
        for key, value in group.more.items()
        if key.startswith("value")
    ]
    return bool(_STRICT_ADDRESS.fullmatch(group.label)) and all(
        _USUAL_UNIT.fullmatch(unit) if unit else not (isinstance(value, str) and "*" in value)
        for value, unit in said
    )


def _values(label: str, told: str) -> list[tuple[Said, str]]:
    """Return the values between two brackets: one, or measured values joined by ``&``."""
    if "&" in told:
        matches = [_NUMBER.fullmatch(part.strip()) for part in told.split("&", VALUES_MAX)]
        if all(match and match[2] for match in matches):
            return [(_number(match[1]), _unit(match[2])) for match in matches if match]
        return [(told.strip(), "")]
    match = _NUMBER.fullmatch(told.strip())
    if match is None:
        return [(told.strip(), "")]
    digits, unit = match[1], match[2]
    if unit or "." in digits or "," in digits or _MEASURE.fullmatch(label):
        return [(_number(digits), _unit(unit))]
    return [(told.strip(), "")]  # a serial number, a flag, a date: its zeros mean something


def _number(digits: str) -> int | float:
    text = digits.replace(",", ".")
    return float(text) if "." in text else int(text)


def _unit(unit: str | None) -> str:
    text = (unit or "").strip()
    return _SPELLINGS.get(text, text)


def _moment(told: str) -> str:
    """Return the time of a largest value as ISO 8601.

    It is sent as YYMMDDhhmm, perhaps with seconds and with a season before it.
    """
    match = _MOMENT.fullmatch(told)
    if match is None:
        return ""
    digits = match[1].ljust(12, "0")
    year, month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(0, 12, 2))
    try:
        return datetime(2000 + year, month, day, hour, minute, second).isoformat()  # noqa: DTZ001 - the meter says no zone
    except ValueError:
        return ""
