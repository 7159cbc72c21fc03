"""Lines of a TIC, the customer's output of French meters, as nearly all of them are.

Label, separator, with some labels a time and a separator, value, separator, checksum, and a carriage return
(Enedis-NOI-CPT_54E, 5.3 and 6).  What looks otherwise, or has a label that no table knows, is left to the
driver's general way.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from quartier_native.reference.telegrams import NOTHING_MORE, Group, Said

DIGITS, HEX, CAPITALS, LETTERS, SWITCHINGS, ONE_OF = range(6)
"""What a value looks like: see ``LineKind``."""
LINE_MAX = 120
"""Bytes of a line up to its carriage return; the longest of the standard has 109."""
GROUPS_MAX = 128
"""Groups of a frame."""
KINDS_MAX = 255
LABEL_MAX = 15
LEAST = 5
"""Bytes of the shortest line: a label of two, a separator, no value, a separator, the checksum."""

_CR, _LF, _HT = 0x0D, 0x0A, 0x09
_TIME = re.compile(rb"[EHeh ][0-9]{12}").fullmatch
_DATE = re.compile(
    r"([0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])"
)
_OFFSETS = {"E": "+02:00", "H": "+01:00", "e": "+02:00", "h": "+01:00", " ": ""}
"""What the letter before a time says in metropolitan France."""
_SEASONS: Mapping[str, Mapping[str, Said]] = MappingProxyType(
    {letter: MappingProxyType({"season": letter}) if letter.strip() else NOTHING_MORE for letter in _OFFSETS}
)
_SWITCHING = rb"(?:[0-9A-F]{8}|NONUTILE)"


class LineKind(NamedTuple):
    """What stands behind one label, between line ends.

    ``separator``: 9 or 32, of which the first is counted by the checksum where it is the last one, too.
    ``is_timed``: a time stands before the value.  ``is_first``: only the first group of a frame has it.
    ``form`` of the value: ``DIGITS``, 1 to ``most`` of them, or none where ``most`` is 0; ``HEX``, 1 to
    ``most`` digits; ``CAPITALS``, just ``most`` hexadecimal digits without small letters; ``LETTERS``, up to
    ``most`` from blank to underline, or small ones; ``SWITCHINGS``, 1 to 11 times of a day; ``ONE_OF`` the
    ``values``.
    """

    label: str
    separator: int
    unit: str
    is_timed: bool
    is_first: bool
    form: int
    most: int
    values: tuple[bytes, ...] = ()


class LineKinds:
    """All labels there are: at most ``KINDS_MAX``, each of at most ``LABEL_MAX`` visible ASCII letters.

    Raises ValueError for others.
    """

    def __init__(self, kinds: Iterable[LineKind]) -> None:
        self.by_label: dict[bytes, LineKind] = {}
        for kind in kinds:
            is_label = 0 < len(kind.label) <= LABEL_MAX and all("!" <= letter <= "~" for letter in kind.label)
            if not is_label or kind.separator not in (0x09, 0x20) or len(self.by_label) >= KINDS_MAX:
                raise ValueError(f"{kind.label!r} is no label, or one too many")
            self.by_label[kind.label.encode() + bytes((kind.separator,))] = kind


class LineReader:
    """Reads the lines of one meter."""

    def __init__(self, kinds: LineKinds) -> None:
        self._kinds = kinds.by_label

    def read(self, data: bytes, at: int, frame: dict[str, Group]) -> int:
        """Put into ``frame`` what the lines from ``at`` on say, by label, and tell where they end.

        A line is taken with its carriage return and a line feed behind it; one that is not followed by a
        line feed is the last.  Not taken is a line whose label stands in the frame, and one that is the
        first of a frame if there is anything in it.
        """
        while at < len(data):
            end = data.find(_CR, at, at + LINE_MAX)
            group = self._group(data[at:end], frame) if end - at >= LEAST else None
            if group is None:
                break
            frame[group.label] = group
            at = end + 1
            if data[at : at + 1] != b"\n":
                break
            at += 1
        return at

    def _group(self, line: bytes, frame: dict[str, Group]) -> Group | None:
        separator = re.search(rb"[\t ]", line)
        kind = self._kinds.get(line[: separator.end()]) if separator else None
        if kind is None or (kind.is_first and frame) or kind.label in frame or len(frame) >= GROUPS_MAX:
            return None
        covered, last, check = line[:-2], line[-2], line[-1]
        if last != kind.separator or (sum(covered) + (last == _HT) * _HT & 0x3F) + 0x20 != check:
            return None
        value = covered[len(kind.label) + 1 :]
        if len(covered) <= len(kind.label):
            return None
        time = ""
        more = NOTHING_MORE
        if kind.is_timed:
            if not _TIME(value[:13]) or value[13:14] != bytes((last,)):
                return None
            time, more, value = _iso(value[:13].decode()), _SEASONS[chr(value[0])], value[14:]
        return Group(kind.label, value.decode(), kind.unit, time, more) if fits(kind, value) else None


def fits(kind: LineKind, value: bytes) -> bool:
    """Whether a value has its kind's form."""
    if kind.form == ONE_OF:
        return value in kind.values
    pattern = {
        DIGITS: b"[0-9]{1,%d}" % kind.most if kind.most else b"",
        HEX: b"[0-9A-Fa-f]{1,%d}" % kind.most,
        CAPITALS: b"[0-9A-F]{%d}" % kind.most,
        LETTERS: b"[ -_a-z]{0,%d}" % kind.most,
        SWITCHINGS: _SWITCHING + b"(?: " + _SWITCHING + b"){0,10} *",
    }[kind.form]
    return re.fullmatch(pattern, value) is not None


def _iso(said: str) -> str:
    """Season letter and ``YYMMDDhhmmss`` in ISO 8601; empty where it is no date."""
    found = _DATE.fullmatch(said, 1)
    if found is None:
        return ""
    year, month, day, hour, minute, second = found.groups()
    return f"20{year}-{month}-{day}T{hour}:{minute}:{second}{_OFFSETS[said[0]]}"
