"""Reads data sets of IEC 62056-21 in their usual form, ``1.8.0(001234.56*kWh)``, and messages of such sets.

IEC 62056-21:2002, 6.5 and 6.3.4.  Nearly all meters send this form.  ``datasets`` reads the others: several
values, blanks around a unit, a damaged character.
"""

import re
from collections.abc import Mapping

from quartier_drivers.meter.telegrams import Group, GroupValue, Telegram

ADDRESS_MEASURE, ADDRESS_STRICT, ADDRESS_RANK_SHIFT = 1, 2, 4
"""Flags of an address: its digits are a number; its form is that of the standard.  Higher bits: its rank."""
UNIT_USUAL = 1
"""Flag of a unit: meters use it."""
CHECK_XOR, CHECK_SUM, CHECK_NONE = range(3)
"""Methods of the block check: exclusive or, sum, not checked."""
SETS_MAX = 1500
"""Most sets in a message."""
BLOCK_MAX = 32_000
"""Size of the longest message in bytes."""
RANK_MAX = 15

_STX, _ETX = 0x02, 0x03
_SET = re.compile(rb"([!-'*-~]{1,32})\(([ -'*-~]{0,64})\)(?!\()")
_NUMBER = re.compile(rb"([+-]?[0-9]+(?:[.,][0-9]*)?)(?:\*([!-~]{1,16}))?")
_DIGITS_MAX = 18
_TEXT = re.compile(rb"(?![ .,+-])[ -%'+-~]*(?<! )|")
_LINE_ENDS = b"\r\n"
_END = re.compile(rb"!?[\r\n]*\x03")

Labels = Mapping[bytes, tuple[str, int] | None]
Units = Mapping[bytes, tuple[str, int] | None]


class SetReader:
    """Reads the sets of one meter.

    ``labels`` maps each address to its label and flags, ``units`` each unit to its spelling and flags; None
    if it is invalid.  The serial number of the meter is the first value that is not empty in the order of the
    ranks of the addresses, from 1 on; an address of rank 0 has none.
    """

    def __init__(self, labels: Labels, units: Units) -> None:
        self._labels = labels
        self._units = units

    def sets(self, block: bytes, at: int, groups: list[Group], *, is_checked: bool) -> int:
        """Add the groups of the sets from ``at`` on, until ``groups`` has ``SETS_MAX``; return their end.

        If the block is not checked (``is_checked``), a set must have the exact form of the standard.
        """
        while len(groups) < SETS_MAX:
            while at < len(block) and block[at] in _LINE_ENDS:
                at += 1
            read = self._set(block, at, is_checked=is_checked)
            if read is None:
                break
            groups.append(read[0])
            at = read[2]
        return at

    def messages(
        self, data: bytes, at: int, check: int, speaker: str, bad_count: int, telegrams: list[Telegram]
    ) -> tuple[int, int]:
        """Add a telegram for each message from ``at`` on: STX, sets, ``!``, ETX and a valid block check.

        Return the place where they end (at other content, or at a message that is not complete in ``data``)
        and the number of their sets.  ``speaker`` is the sender if no set states it; ``bad_count`` is the
        number of sets that were refused before.
        """
        sets_count = 0
        while (read := self._message(data, at, check)) is not None:
            meter, groups, at = read
            telegrams.append(Telegram(meter or speaker, tuple(groups), bad_count))
            bad_count = 0
            sets_count += len(groups)
        return at, sets_count

    def _message(self, data: bytes, at: int, check: int) -> tuple[str, list[Group], int] | None:
        if data[at : at + 1] != bytes((_STX,)):
            return None
        begin = at = at + 1
        groups: list[Group] = []
        ranked: dict[int, str] = {}
        while True:
            while at < len(data) and data[at] in _LINE_ENDS:
                at += 1
            read = self._set(data, at, is_checked=True) if len(groups) < SETS_MAX else None
            if read is None:
                break
            group, rank, at = read
            groups.append(group)
            if rank:
                ranked.setdefault(rank, str(group.value).strip(" "))
        end = _END.match(data, at)
        if end is None or end.end() >= len(data) or not groups or end.end() - begin > BLOCK_MAX:
            return None
        told = data[end.end()]
        if told > 0x7F or (
            check != CHECK_NONE and told != compute_block_check(data[begin : end.end()], check)
        ):
            return None
        meter = next((ranked[rank] for rank in sorted(ranked) if ranked[rank]), "")
        return meter, groups, end.end() + 1

    def _set(self, data: bytes, at: int, *, is_checked: bool) -> tuple[Group, int, int] | None:
        """Return the group of the set at ``at``, the rank of its address, and its end; None if not usual."""
        found = _SET.match(data, at)
        meant = self._labels[found[1]] if found else None
        if found is None or meant is None:
            return None
        label, known = meant
        if not (is_checked or known & ADDRESS_STRICT):
            return None
        said = self._parse_value(found[2], known, is_checked=is_checked)
        return None if said is None else (Group(label, *said), known >> ADDRESS_RANK_SHIFT, found.end())

    def _parse_value(self, told: bytes, known: int, *, is_checked: bool) -> tuple[GroupValue, str] | None:
        """Return value and unit; None if they are not in the usual form."""
        number = _NUMBER.fullmatch(told)
        if number is None:
            return (told.decode(), "") if _TEXT.fullmatch(told) else None
        digits, unit = number.groups()
        if len(digits.translate(None, b"+-.,")) > _DIGITS_MAX:
            return None
        meant = self._units[unit] if unit else ("", UNIT_USUAL)
        if meant is None or not (is_checked or meant[1] & UNIT_USUAL):
            return None
        is_real = b"." in digits or b"," in digits
        if unit or is_real or known & ADDRESS_MEASURE:
            text = digits.replace(b",", b".")
            return float(text) if is_real else int(text), meant[0]
        return told.decode(), ""


_MAY_BE_ANOTHER = re.compile(rb"[\x02\x03\x80-\xff]|/(?![^\n\x02\x03/()\x80-\xff]{0,89}[()])")


def is_continued(data: bytes, at: int) -> bool:
    """Return whether a message goes on from ``at`` on without anything that may end it or begin another.

    A slash may begin an identification, but not where a bracket follows in its line (6.3.2).
    """
    return _MAY_BE_ANOTHER.search(data, at) is None


def compute_block_check(block: bytes, check: int) -> int:
    """Return the block check character of ``block``."""
    if check == CHECK_SUM:
        return sum(block) & 0x7F
    found = 0
    for byte in block:
        found ^= byte
    return found
