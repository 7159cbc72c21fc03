"""Parse TIC groups, recover damaged ones, check the order of lines (pure).

The checksum has six bits: it does not detect a flipped bit 6 (``0`` and ``p``), two errors that cancel each
other, or one of 64 random changes.  So a group also needs a label, characters and a width that
Enedis-NOI-CPT_54E knows.

A port that loses bytes joins the beginning of one line to the end of a later one.  One in 64 such lines has a
valid checksum, and if the widths are equal its value belongs to another label.  But then the lines between
them are missing, and no refused line could have been one of them.

The line is 7E1 (Enedis-NOI-CPT_54E, chapter 5.3).  A port or a capture of eight bits shows the parity as bit
7: each byte then proves itself, and one with odd parity is damaged.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

from quartier_drivers.meter.telegrams import Group, GroupValue, Telegram
from quartier_drivers.meter.tic.labels import HISTORIC, SIZES, STANDARD, TIME, UNKNOWN_LABEL, LabelShape

HT, SP = 0x09, 0x20
GROUP_SIZE_MIN = 5
"""Size of the shortest group: a label of two, a separator, no value, a separator, the checksum."""


_SEPARATOR = re.compile(rb"[\t ]")
_TIMED = re.compile(TIME).fullmatch
_DATE = re.compile(
    r"([0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])"
)
_TEXT = re.compile(rb"[ -~]*").fullmatch
_UNKNOWN_SHAPE = LabelShape("", False, _TEXT, _SEPARATOR)
_OFFSETS = {"E": "+02:00", "H": "+01:00", "e": "+02:00", "h": "+01:00", " ": ""}
"""The meaning of the letter before a time in metropolitan France."""


_SEASONS: Mapping[str, Mapping[str, GroupValue]] = MappingProxyType(
    {letter: MappingProxyType({"season": letter} if letter.strip() else {}) for letter in _OFFSETS}
)


def parse_group(span: bytes, *, is_framed: bool) -> Group | None:
    """Return the group that is exactly ``span``, or None.

    ``is_framed``: a line feed was before it and an end of line after it; only then may its label be unknown
    to all tables.
    """
    if len(span) < GROUP_SIZE_MIN:
        return None
    separator, check = span[-2:]
    covered = span[:-2]
    if separator == SP and (sum(covered) & 0x3F) + 0x20 == check:
        return _parse_historic(covered, is_framed=is_framed)
    if separator == HT and (sum(covered) + HT & 0x3F) + 0x20 == check:
        return _parse_standard(covered, is_framed=is_framed)
    return None


def _parse_standard(covered: bytes, *, is_framed: bool) -> Group | None:
    label, *fields = covered.split(b"\t")
    shape = STANDARD.get(label)
    if shape is None:
        if not is_framed or UNKNOWN_LABEL(label) is None:
            return None
        shape = _UNKNOWN_SHAPE
        if len(fields) == 2 and _TIMED(fields[0]):
            return _parse_timed(label, fields, shape)
    if shape.is_timed:
        is_timed = len(fields) == 2 and _TIMED(fields[0])
        return _parse_timed(label, fields, shape) if is_timed else None
    if len(fields) != 1 or not shape.fits(fields[0]):
        return None
    return Group(label.decode(), fields[0].decode(), shape.unit)


def _parse_timed(label: bytes, fields: list[bytes], shape: LabelShape) -> Group | None:
    time, value = fields
    if not shape.fits(value):
        return None
    text = time.decode()
    return Group(label.decode(), value.decode(), shape.unit, render_iso_time(text), _SEASONS[text[0]])


def render_iso_time(said: str) -> str:
    """Return season letter and ``YYMMDDhhmmss`` as ISO 8601; empty if it is no date."""
    found = _DATE.fullmatch(said, 1)
    if found is None:
        return ""
    year, month, day, hour, minute, second = found.groups()
    return f"20{year}-{month}-{day}T{hour}:{minute}:{second}{_OFFSETS[said[0]]}"


def _parse_historic(covered: bytes, *, is_framed: bool) -> Group | None:
    label, _, value = covered.partition(b" ")
    shape = HISTORIC.get(label)
    if shape is None:
        if not is_framed or UNKNOWN_LABEL(label) is None:
            return None
        shape = _UNKNOWN_SHAPE
    if not shape.fits(value):
        return None
    return Group(label.decode(), value.decode(), shape.unit)


def recover_groups(span: bytes) -> list[Group]:
    """Return the complete groups in a span with damaged ends, or in one of 8 bits per byte."""
    if span.isascii():
        return _find_inside(span)
    bare = strip_parity(span)
    alone = parse_group(bare, is_framed=False)
    return [alone] if alone else _find_inside(bare) or _find_inside(span)


def _find_inside(span: bytes) -> list[Group]:
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
            group = parse_group(span[start : rest.end()], is_framed=False) if rest else None
            if rest and group:
                groups.append(group)
                behind = rest.end()
                break
    return groups


_SHORT = ("ADIR1", "ADIR2", "ADIR3")
"""Labels of the short frames of an over-current, which omit most others."""


class LineOrder:
    """Labels in order, and values, of a meter's last complete frame without a refused group."""

    def __init__(self) -> None:
        self._meter = ""
        self._before: tuple[Group, ...] = ()

    def drop_doubtful_groups(self, telegram: Telegram) -> Telegram:
        """Return the telegram without groups that may be halves of two lines; an unchanged group stays."""
        groups, before = telegram.groups, self._before
        if len(groups) == len(before) and all(
            one is other or one.label == other.label for one, other in zip(groups, before, strict=True)
        ):
            self._before = groups if telegram.is_whole else before
            return telegram
        return self._compare_order(telegram, [group.label for group in groups])

    def _compare_order(self, telegram: Telegram, labels: list[str]) -> Telegram:
        stated = set(labels)
        if stated.intersection(_SHORT):
            return telegram
        if telegram.meter and telegram.meter != self._meter:  # another one, whose frames look otherwise
            self._meter, self._before = telegram.meter, ()
        doubtful = set() if telegram.bad_count else self._doubtful(labels, stated)
        said = {group.label: group for group in self._before}
        groups = tuple(
            one for one in telegram.groups if one.label not in doubtful or said.get(one.label) == one
        )
        if telegram.is_whole and not telegram.bad_count:
            self._before = telegram.groups
        if len(groups) == len(telegram.groups):
            return telegram
        bad_count = telegram.bad_count + len(telegram.groups) - len(groups)
        return Telegram(telegram.meter, groups, bad_count, is_whole=False)

    def _doubtful(self, labels: list[str], stated: set[str]) -> set[str]:
        """Return labels followed by another label than before, if the expected one is missing."""
        known = [group.label for group in self._before]
        follows = dict(pairwise([*known, ""]))
        found = set()
        for label, follower in pairwise([*labels, ""]):
            expected = follows.get(label, "")
            if expected and expected != follower and expected not in stated:
                # A label that was never stated is itself the result of two joined lines.
                found.add(follower if follower and follower not in follows else label)
        return found


DAMAGED_CHARACTER = 0xFF
"""Replaces a byte of odd parity: no group contains it."""


_EVEN = bytes(byte & 0x7F if byte.bit_count() % 2 == 0 else DAMAGED_CHARACTER for byte in range(256))


def strip_parity(span: bytes) -> bytes:
    """Return the seven bits of each byte with even parity, ``DAMAGED_CHARACTER`` for all others."""
    return span.translate(_EVEN)
