"""Reads one TIC group from the bytes between two control characters, or several from a damaged span.

The checksum has six bits: it does not detect a flipped bit 6 (``0`` and ``p``), two errors that cancel each
other, or one of 64 random changes.  So a group also needs a label, characters and a width that
Enedis-NOI-CPT_54E knows.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from quartier_drivers.meter.telegram import Group, Said
from quartier_drivers.meter.tic.labels import HISTORIC, SIZES, STANDARD, STRANGER, TIME, Shape
from quartier_drivers.meter.tic.parity import stripped

HT, SP = 0x09, 0x20
LEAST = 5
"""Size of the shortest group: a label of two, a separator, no value, a separator, the checksum."""

_SEPARATOR = re.compile(rb"[\t ]")
_TIMED = re.compile(TIME).fullmatch
_DATE = re.compile(
    r"([0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])"
)
_TEXT = re.compile(rb"[ -~]*").fullmatch
_STRANGER = Shape("", False, _TEXT, _SEPARATOR)

_OFFSETS = {"E": "+02:00", "H": "+01:00", "e": "+02:00", "h": "+01:00", " ": ""}
"""The meaning of the letter before a time in metropolitan France."""
_SEASONS: Mapping[str, Mapping[str, Said]] = MappingProxyType(
    {letter: MappingProxyType({"season": letter} if letter.strip() else {}) for letter in _OFFSETS}
)


def whole(span: bytes, *, is_framed: bool) -> Group | None:
    """Return the group that is exactly ``span``, or None.

    ``is_framed``: a line feed was before it and an end of line after it; only then may its label be unknown
    to all tables.
    """
    if len(span) < LEAST:
        return None
    separator, check = span[-2:]
    covered = span[:-2]
    if separator == SP and (sum(covered) & 0x3F) + 0x20 == check:
        return _historic(covered, is_framed=is_framed)
    if separator == HT and (sum(covered) + HT & 0x3F) + 0x20 == check:
        return _standard(covered, is_framed=is_framed)
    return None


def _standard(covered: bytes, *, is_framed: bool) -> Group | None:
    label, *fields = covered.split(b"\t")
    shape = STANDARD.get(label)
    if shape is None:
        if not is_framed or STRANGER(label) is None:
            return None
        shape = _STRANGER
        if len(fields) == 2 and _TIMED(fields[0]):
            return _timed(label, fields, shape)
    if shape.is_timed:
        is_timed = len(fields) == 2 and _TIMED(fields[0])
        return _timed(label, fields, shape) if is_timed else None
    if len(fields) != 1 or not shape.fits(fields[0]):
        return None
    return Group(label.decode(), fields[0].decode(), shape.unit)


def _timed(label: bytes, fields: list[bytes], shape: Shape) -> Group | None:
    time, value = fields
    if not shape.fits(value):
        return None
    said = time.decode()
    return Group(label.decode(), value.decode(), shape.unit, iso(said), _SEASONS[said[0]])


def iso(said: str) -> str:
    """Return season letter and ``YYMMDDhhmmss`` as ISO 8601; empty if it is no date."""
    found = _DATE.fullmatch(said, 1)
    if found is None:
        return ""
    year, month, day, hour, minute, second = found.groups()
    return f"20{year}-{month}-{day}T{hour}:{minute}:{second}{_OFFSETS[said[0]]}"


def _historic(covered: bytes, *, is_framed: bool) -> Group | None:
    label, _, value = covered.partition(b" ")
    shape = HISTORIC.get(label)
    if shape is None:
        if not is_framed or STRANGER(label) is None:
            return None
        shape = _STRANGER
    if not shape.fits(value):
        return None
    return Group(label.decode(), value.decode(), shape.unit)


def salvaged(span: bytes) -> list[Group]:
    """Return the complete groups in a span with damaged ends, or in one of 8 bits per byte."""
    if span.isascii():
        return _inside(span)
    bare = stripped(span)
    alone = whole(bare, is_framed=False)
    return [alone] if alone else _inside(bare) or _inside(span)


def _inside(span: bytes) -> list[Group]:
    groups: list[Group] = []
    behind = 0
    for separator in _SEPARATOR.finditer(span):
        at = separator.start()
        if at < behind:
            continue
        table = STANDARD if span[at] == HT else HISTORIC
        for size in SIZES:
            start = at - size
            shape = table.get(span[start:at]) if start >= behind else None
            rest = shape.rest.match(span, at) if shape else None
            group = whole(span[start : rest.end()], is_framed=False) if rest else None
            if rest and group:
                groups.append(group)
                behind = rest.end()
                break
    return groups
