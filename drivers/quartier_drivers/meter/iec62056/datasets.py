"""Parse data sets, strip parity, check messages without block check (pure).

IEC 62056-21:2002, 6.5 and table 1 (syntax of the data block); EN 1434-3 for heat meters (``6.8``, ``9.21``).

Meters push the same lines again and again, and give a number the same width each time (IEC 62056-21, 6.4.5
and 6.5).  So a line counts only if its form, and the list of lines of its message, were seen shortly before:
this detects a lost or doubled digit, and two halves of lines that became one.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from datetime import datetime
from types import MappingProxyType

from quartier_drivers.meter.iec62056.set_reader import (
    ADDRESS_MEASURE,
    ADDRESS_RANK_SHIFT,
    ADDRESS_STRICT,
    SETS_MAX,
    UNIT_USUAL,
    SetReader,
)
from quartier_drivers.meter.telegrams import NO_DETAILS, Group, GroupValue

_EVEN = [byte.bit_count() % 2 == 0 for byte in range(256)]
SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))
"""Table for ``bytes.translate`` that removes the parity bit."""


DAMAGED_CHARACTER = 0x7F
"""Replaces a character that cannot have been sent; no meter sends it (DEL)."""


_PARITY = bytes(byte & 0x7F if _EVEN[byte] else DAMAGED_CHARACTER for byte in range(256))
_PLAIN = bytes(byte if byte < 0x80 else DAMAGED_CHARACTER for byte in range(256))
_EVEN_WITH_TOP_BIT = bytes(byte for byte in range(0x80, 0x100) if _EVEN[byte])
_ODD_WITHOUT_TOP_BIT = bytes(byte for byte in range(0x80) if not _EVEN[byte])


def strip_parity(raw: bytes) -> bytes:
    """Return the characters of a message, with ``DAMAGED_CHARACTER`` for those with visible damage.

    A line of 7E1 that was received as 8N1 has its parity in the highest bit: each character can then be
    checked.
    """
    if raw.isascii():
        return raw
    has_parity = _count_bytes(raw, _EVEN_WITH_TOP_BIT) > _count_bytes(raw, _ODD_WITHOUT_TOP_BIT)
    return raw.translate(_PARITY if has_parity else _PLAIN)


def _count_bytes(raw: bytes, which: bytes) -> int:
    return len(raw) - len(raw.translate(None, which))


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


class _KnownAddresses(dict[bytes, "tuple[str, int] | None"]):
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


class _KnownUnits(dict[bytes, "tuple[str, int] | None"]):
    """For the fast reader: the spelling of a unit, and whether meters use it; None if it is invalid."""

    def __missing__(self, key: bytes) -> tuple[str, int] | None:
        if len(self) >= _WORDS_MAX:
            self.clear()
        unit, meant = key.decode("ascii"), None
        if _UNIT.fullmatch(unit):
            spelled = _find_unit(unit)
            meant = spelled, UNIT_USUAL if _USUAL_UNIT.fullmatch(spelled) else 0
        self[key] = meant
        return meant


_ADDRESSES, _UNITS = _KnownAddresses(), _KnownUnits()


def make_set_reader() -> SetReader:
    """Make the fast reader for one meter."""
    return SetReader(_ADDRESSES, _UNITS)


def parse_groups(
    text: str, *, is_checked: bool = True, reader: SetReader | None = None
) -> tuple[list[Group], int]:
    """Return the groups of the data sets of a block, and the number of unreadable ones.

    Without ``is_checked`` the block has no check: a set must then follow the standard exactly: OBIS numbers,
    known units, numbers before them.
    """
    groups: list[Group] = []
    bad_count = at = 0
    block, plain = text.encode("ascii", "replace"), reader or make_set_reader()
    while at < len(text) and len(groups) < SETS_MAX:
        at = plain.sets(block, at, groups, is_checked=is_checked)
        end = _LINE_END.search(text, at)
        line_end = len(text) if end is None else end.start()
        bad_count += _parse_odd_line(text[at:line_end], groups, is_checked=is_checked)
        at = line_end + 1
    return groups, bad_count


def _parse_odd_line(line: str, groups: list[Group], *, is_checked: bool) -> int:
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
        group = _parse_group(match[1].strip(), match[2][1:-1].split(")(", VALUES_MAX))
        if group is not None and (is_checked or _is_credible(group)):
            groups.append(group)
        elif match[1] or not groups:  # without an address: more values of a load profile
            bad_count += 1
        at = match.end()
    return bad_count


def find_serial(groups: Iterable[Group]) -> str:
    """Return the serial number that a meter states, or an empty text."""
    said = {group.label.rpartition(":")[2]: str(group.value).strip() for group in reversed(tuple(groups))}
    return next((said[label] for label in _SERIALS if said.get(label)), "")


def _parse_group(address: str, told: list[str]) -> Group | None:
    """Return one data set; None if noise has damaged it."""
    if not _ADDRESS.fullmatch(address) or any("\x7f" in one or not one.isprintable() for one in told):
        return None
    label = address.removesuffix("*255")
    values = [value for one in told for value in _parse_values(label, one)][:VALUES_MAX]
    value, unit = values[0]
    when = _parse_time(told[1]) if unit and len(told) == 2 else ""
    more: dict[str, GroupValue] = {}
    for number, (other, other_unit) in enumerate(values[1:], start=2):
        more[f"value_{number}"] = other
        if other_unit:
            more[f"unit_{number}"] = other_unit
    return Group(label, value, unit, when, MappingProxyType(more) if more else NO_DETAILS)


def _is_credible(group: Group) -> bool:
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


def _parse_values(label: str, told: str) -> list[tuple[GroupValue, str]]:
    """Return the values between two brackets: one, or measured values joined by ``&``."""
    if "&" in told:
        matches = [_NUMBER.fullmatch(part.strip()) for part in told.split("&", VALUES_MAX)]
        if all(match and match[2] for match in matches):
            return [(_parse_number(match[1]), _find_unit(match[2])) for match in matches if match]
        return [(told.strip(), "")]
    match = _NUMBER.fullmatch(told.strip())
    if match is None:
        return [(told.strip(), "")]
    digits, unit = match[1], match[2]
    if unit or "." in digits or "," in digits or _MEASURE.fullmatch(label):
        return [(_parse_number(digits), _find_unit(unit))]
    return [(told.strip(), "")]  # a serial number, a flag, a date: its zeros mean something


def _parse_number(digits: str) -> int | float:
    text = digits.replace(",", ".")
    return float(text) if "." in text else int(text)


def _find_unit(unit: str | None) -> str:
    text = (unit or "").strip()
    return _SPELLINGS.get(text, text)


def _parse_time(told: str) -> str:
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


_KNOWN_MAX = 512
_RECENT_COUNT = 4
"""A form that comes twice within this many messages is genuine; a damaged one comes once."""


_SIGNED_SET = re.compile(r"([^()]*)\(([+-]?)([^()*]*)([^()]*)\)")
_DIGIT = re.compile(r"[0-9A-Fa-f]")


class RepeatedForms:
    """Forms of lines and lists of lines that were seen twice; keeps ``_KNOWN_MAX`` of them."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, None] = OrderedDict()
        self._recent: deque[set[Hashable]] = deque(maxlen=_RECENT_COUNT)

    def of(self, block: str) -> str:
        """Return the lines of a message with a known form; nothing if its list of lines is new."""
        lines = [line for line in block.splitlines() if line.strip()]
        forms: list[Hashable] = [_make_form(line) for line in lines]
        addresses = tuple(tuple(found[0] for found in _SIGNED_SET.findall(line)) for line in lines)
        familiar = {one for one in (*forms, addresses) if self._is_familiar(one)}
        self._recent.append({*forms, addresses})
        if addresses not in familiar:
            return ""
        return "\r\n".join(line for line, form in zip(lines, forms, strict=True) if form in familiar)

    def _is_familiar(self, form: Hashable) -> bool:
        if form in self._known:
            self._known.move_to_end(form)
            return True
        if not any(form in seen for seen in self._recent):
            return False
        self._known[form] = None
        if len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
        return True


def _make_form(line: str) -> str:
    """Return a line with all digits made equal: address, width and unit stay, the sign does not."""
    return _SIGNED_SET.sub(lambda found: f"{found[1]}({_DIGIT.sub('0', found[3])}{found[4]})", line)
