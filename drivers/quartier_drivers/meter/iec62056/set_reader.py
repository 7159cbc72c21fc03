"""Data sets of IEC 62056-21 as nearly all meters send them: ``1.8.0(001234.56*kWh)``, and messages of them.

IEC 62056-21:2002, 6.5 and 6.3.4.  What looks otherwise (several values, blanks around a unit, a damaged
character) is left to the driver's general way.
"""

import re
from collections.abc import Mapping

from quartier_drivers.meter.telegrams import Group, GroupValue, Telegram

ADDRESS_MEASURE, ADDRESS_STRICT, ADDRESS_RANK_SHIFT = 1, 2, 4
"""What is known of an address: its digits are a number; it is as the standard has it; its rank above."""
UNIT_USUAL = 1
"""What is known of a unit: meters give it."""
CHECK_XOR, CHECK_SUM, CHECK_NONE = range(3)
"""How the block check character is made."""
SETS_MAX = 1500
"""Sets of a message."""
BLOCK_MAX = 32_000
"""Bytes of a message."""
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

    ``labels`` has for each address its label and what is known of it, ``units`` for each unit how it is
    spelled and whether it is usual; None where it is none.  A meter's number stands in the set whose address
    has the lowest rank from 1 on and is not empty.
    """

    def __init__(self, labels: Labels, units: Units) -> None:
        self._labels = labels
        self._units = units

    def sets(self, block: bytes, at: int, groups: list[Group], *, is_checked: bool) -> int:
        """Add what the sets from ``at`` on say, ``SETS_MAX`` at most, and tell where they end.

        Of a block that nothing ``is_checked`` by, a set must look as the standard has it.
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
        """Add a telegram for each message from ``at`` on: STX, sets, ``!``, ETX and a block check that holds.

        Gives where they end, at something else or at a message that goes on behind ``data``, and how many
        sets they had.  ``speaker`` is who says it where no set tells; ``bad_count`` sets were refused before.
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
        """The group of the set at ``at``, the rank of its address, and where it ends."""
        found = _SET.match(data, at)
        meant = self._labels[found[1]] if found else None
        if found is None or meant is None:
            return None
        label, known = meant
        if not (is_checked or known & ADDRESS_STRICT):
            return None
        said = self._said(found[2], known, is_checked=is_checked)
        return None if said is None else (Group(label, *said), known >> ADDRESS_RANK_SHIFT, found.end())

    def _said(self, told: bytes, known: int, *, is_checked: bool) -> tuple[GroupValue, str] | None:
        """Value and unit; None where they are not plain."""
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
    """The block check character of some bytes."""
    if check == CHECK_SUM:
        return sum(block) & 0x7F
    found = 0
    for byte in block:
        found ^= byte
    return found
