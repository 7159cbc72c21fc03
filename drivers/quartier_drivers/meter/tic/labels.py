"""All labels of both TIC modes: the quantity and the form of the value (Enedis-NOI-CPT_54E)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from types import MappingProxyType
from typing import NamedTuple

from quartier_drivers.meter.tic.line_reader import (
    LINE_ADDRESS,
    LINE_CAPITALS,
    LINE_DIGITS,
    LINE_FIRST,
    LINE_HEX,
    LINE_LETTERS,
    LINE_ONE_OF,
    LINE_OTHER_ADDRESS,
    LINE_SHORT,
    LINE_SWITCHINGS,
    LineKind,
    LineKinds,
)

TIME = rb"[EHeh ][0-9]{12}"
"""Season letter, YYMMDDhhmmss; a small letter means that the meter's clock is degraded."""


@dataclass(frozen=True, slots=True)
class LabelShape:
    """The value of one label: its ``unit`` as the meter writes it, and its possible text.

    ``is_timed``: a time field precedes the value.  ``fits`` checks a value and its width: the checksum has
    six bits and misses one in 64 lost digits.  ``rest`` matches what follows a label with damaged
    surroundings: separator, fields, checksum.
    """

    unit: str
    is_timed: bool
    fits: Callable[[bytes], object]
    rest: "re.Pattern[bytes]"


class _ValueForms(NamedTuple):
    """A value as a pattern, and in the form for the fast reader."""

    value: bytes
    form: int
    width: int
    values: tuple[bytes, ...] = ()


def _make_shape(row: "_LabelRow", separator: bytes) -> LabelShape:
    time = TIME + separator if row.is_timed else b""
    rest = separator + time + row.forms.value + separator + rb"[ -_]"
    return LabelShape(row.unit, row.is_timed, re.compile(row.forms.value).fullmatch, re.compile(rest))


def _make_number(digits: int) -> _ValueForms:
    return _ValueForms(b"[0-9]{%d}" % digits, LINE_DIGITS, digits)


def _make_hex(digits: int) -> _ValueForms:
    return _ValueForms(b"[0-9A-Fa-f]{%d}" % digits, LINE_HEX, digits)


def _make_text(width: int) -> _ValueForms:
    # Without the characters that a blank or a sign becomes if its bit 6 flips, which the checksum does not
    # detect.
    return _ValueForms(b"[ -_a-z]{%d}" % width, LINE_LETTERS, width)


def _make_capitals(digits: int) -> _ValueForms:
    return _ValueForms(b"[0-9A-F]{%d}" % digits, LINE_CAPITALS, digits)


def _make_one_of(*values: str) -> _ValueForms:
    known = tuple(value.encode() for value in values)
    return _ValueForms(b"(?:" + b"|".join(map(re.escape, known)) + b")", LINE_ONE_OF, 0, known)


_OPTIONS = ("BASE", "HC..", "EJP.", *(f"BBR{chr(letter)}" for letter in range(0x20, 0x7F)))
_PERIODS = ("TH..", "HC..", "HP..", "HN..", "PM..", *(f"H{hour}J{day}" for hour in "CP" for day in "BWR"))
_INDEX, _CURRENT, _POWER = _make_number(9), _make_number(3), _make_number(5)
_SWITCHING = rb"(?:[0-9A-F]{8}|NONUTILE)"
_SWITCHINGS = _ValueForms(_SWITCHING + b"(?: " + _SWITCHING + b"){10}", LINE_SWITCHINGS, 98)


class _LabelRow(NamedTuple):
    label: str
    unit: str
    forms: _ValueForms
    is_timed: bool


_LabelData = tuple[str, str, _ValueForms, bool]


def _list_standard() -> Iterator[_LabelData]:
    """Yield label, unit, value and whether a time precedes it: table of chapter 6.2."""
    yield "ADSC", "", _make_capitals(12), False
    yield "VTIC", "", _make_number(2), False
    yield "DATE", "", _make_number(0), True
    yield "NGTF", "", _make_text(16), False
    yield "LTARF", "", _make_text(16), False
    yield "EAST", "Wh", _INDEX, False
    for index in range(1, 11):
        yield f"EASF{index:02}", "Wh", _INDEX, False
    for index in range(1, 5):
        yield f"EASD{index:02}", "Wh", _INDEX, False
    yield "EAIT", "Wh", _INDEX, False
    for quadrant in range(1, 5):
        yield f"ERQ{quadrant}", "varh", _INDEX, False
    for phase in range(1, 4):
        yield f"IRMS{phase}", "A", _CURRENT, False
        yield f"URMS{phase}", "V", _make_number(3), False
        yield f"UMOY{phase}", "V", _make_number(3), True
    yield "PREF", "kVA", _make_number(2), False
    yield "PCOUP", "kVA", _make_number(2), False
    for which in ("", "1", "2", "3"):
        yield f"SINSTS{which}", "VA", _POWER, False
        yield f"SMAXSN{which}", "VA", _POWER, True
        yield f"SMAXSN{which}-1", "VA", _POWER, True
    yield "SINSTI", "VA", _POWER, False
    for day in ("", "-1"):
        yield f"SMAXIN{day}", "VA", _POWER, True
        yield f"CCASN{day}", "W", _POWER, True
        yield f"CCAIN{day}", "W", _POWER, True
    yield "STGE", "", _make_hex(8), False
    for notice in range(1, 4):
        yield f"DPM{notice}", "", _make_number(2), True
        yield f"FPM{notice}", "", _make_number(2), True
    yield "MSG1", "", _make_text(32), False
    yield "MSG2", "", _make_text(16), False
    yield "PRM", "", _make_number(14), False
    yield "RELAIS", "", _make_number(3), False
    yield "NTARF", "", _make_number(2), False
    yield "NJOURF", "", _make_number(2), False
    yield "NJOURF+1", "", _make_number(2), False
    yield "PJOURF+1", "", _SWITCHINGS, False
    yield "PPOINTE", "", _SWITCHINGS, False


def _list_historic() -> Iterator[_LabelData]:
    """Yield label, unit and value: table of chapter 6.1.

    GAZ and AUTRE are on the page before it (CPT_02E).
    """
    yield "ADCO", "", _make_capitals(12), False
    yield (
        "OPTARIF",
        "",
        _make_one_of("BASE", "HC..", "EJP.", *(f"BBR{chr(letter)}" for letter in range(0x20, 0x7F))),
        False,
    )
    yield "ISOUSC", "A", _make_number(2), False
    colours = [f"BBRH{hour}J{day}" for hour in "CP" for day in "BWR"]
    for index in ("BASE", "HCHC", "HCHP", "EJPHN", "EJPHPM", *colours):
        yield index, "Wh", _INDEX, False
    yield "PEJP", "min", _make_number(2), False
    yield "PTEC", "", _make_one_of(*_PERIODS), False
    yield "DEMAIN", "", _make_one_of("----", "BLEU", "BLAN", "ROUG"), False
    for which in ("", "1", "2", "3"):
        yield f"IINST{which}", "A", _CURRENT, False
        yield f"IMAX{which}", "A", _CURRENT, False
    yield "ADPS", "A", _CURRENT, False
    for phase in range(1, 4):
        yield f"ADIR{phase}", "A", _CURRENT, False
    yield "PMAX", "W", _make_number(5), False
    yield "PAPP", "VA", _POWER, False
    yield "HHPHC", "", _make_one_of(*ascii_uppercase), False
    yield "MOTDETAT", "", _make_capitals(6), False
    yield "PPOT", "", _make_capitals(2), False
    yield "GAZ", "dal", _make_number(7), False
    yield "AUTRE", "dal", _make_number(7), False


_STANDARD = tuple(_LabelRow(*told) for told in _list_standard())
_HISTORIC = tuple(_LabelRow(*told) for told in _list_historic())


def _make_table(rows: Iterable[_LabelRow], separator: bytes) -> Mapping[bytes, LabelShape]:
    return MappingProxyType({row.label.encode(): _make_shape(row, separator) for row in rows})


STANDARD = _make_table(_STANDARD, b"\t")
HISTORIC = _make_table(_HISTORIC, b" ")

_ROLES = {
    "ADSC": LINE_FIRST | LINE_ADDRESS,
    "ADCO": LINE_FIRST | LINE_OTHER_ADDRESS,  # it stands first, except in the short frames of an over-current
    "ADIR1": LINE_FIRST | LINE_SHORT,
    "ADIR2": LINE_SHORT,
    "ADIR3": LINE_SHORT,
}
KIND_ROWS = tuple(
    LineKind(row.label, separator, row.unit, row.is_timed, _ROLES.get(row.label, 0), *row.forms[1:])
    for rows, separator in ((_STANDARD, 0x09), (_HISTORIC, 0x20))
    for row in rows
)
KINDS = LineKinds(KIND_ROWS)
"""All labels, for the fast reader."""

SIZES = tuple(sorted({len(label) for label in (*STANDARD, *HISTORIC)}, reverse=True))
"""Lengths of labels, the longest first."""

UNKNOWN_LABEL = re.compile(rb"[A-Z][A-Z0-9+-]{1,9}(?:_[A-Za-z0-9]{1,4})?").fullmatch
"""The form of a label that no table knows: meters of larger connections have their own labels."""
