"""All labels of both TIC modes: the quantity and the form of the value (Enedis-NOI-CPT_54E)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from types import MappingProxyType
from typing import NamedTuple

from quartier_native.meters import (
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
class Shape:
    """The value of one label: its ``unit`` as the meter writes it, and its possible text.

    ``is_timed``: a time field precedes the value.  ``fits`` checks a value and its width: the checksum has
    six bits and misses one in 64 lost digits.  ``rest`` matches what follows a label with damaged
    surroundings: separator, fields, checksum.
    """

    unit: str
    is_timed: bool
    fits: Callable[[bytes], object]
    rest: "re.Pattern[bytes]"


class _Forms(NamedTuple):
    """A value as a pattern, and in the form for the fast reader."""

    value: bytes
    form: int
    width: int
    values: tuple[bytes, ...] = ()


def _shape(row: "_Row", separator: bytes) -> Shape:
    time = TIME + separator if row.is_timed else b""
    rest = separator + time + row.forms.value + separator + rb"[ -_]"
    return Shape(row.unit, row.is_timed, re.compile(row.forms.value).fullmatch, re.compile(rest))


def _number(digits: int) -> _Forms:
    return _Forms(b"[0-9]{%d}" % digits, LINE_DIGITS, digits)


def _hex(digits: int) -> _Forms:
    return _Forms(b"[0-9A-Fa-f]{%d}" % digits, LINE_HEX, digits)


def _text(width: int) -> _Forms:
    # Without the characters that a blank or a sign becomes if its bit 6 flips, which the checksum does not
    # detect.
    return _Forms(b"[ -_a-z]{%d}" % width, LINE_LETTERS, width)


def _capitals(digits: int) -> _Forms:
    return _Forms(b"[0-9A-F]{%d}" % digits, LINE_CAPITALS, digits)


def _one_of(*values: str) -> _Forms:
    known = tuple(value.encode() for value in values)
    return _Forms(b"(?:" + b"|".join(map(re.escape, known)) + b")", LINE_ONE_OF, 0, known)


_OPTIONS = ("BASE", "HC..", "EJP.", *(f"BBR{chr(letter)}" for letter in range(0x20, 0x7F)))
_PERIODS = ("TH..", "HC..", "HP..", "HN..", "PM..", *(f"H{hour}J{day}" for hour in "CP" for day in "BWR"))
_INDEX, _CURRENT, _POWER = _number(9), _number(3), _number(5)
_SWITCHING = rb"(?:[0-9A-F]{8}|NONUTILE)"
_SWITCHINGS = _Forms(_SWITCHING + b"(?: " + _SWITCHING + b"){10}", LINE_SWITCHINGS, 98)


class _Row(NamedTuple):
    label: str
    unit: str
    forms: _Forms
    is_timed: bool


_Told = tuple[str, str, _Forms, bool]


def _standard() -> Iterator[_Told]:
    """Yield label, unit, value and whether a time precedes it: table of chapter 6.2."""
    yield "ADSC", "", _capitals(12), False
    yield "VTIC", "", _number(2), False
    yield "DATE", "", _number(0), True
    yield "NGTF", "", _text(16), False
    yield "LTARF", "", _text(16), False
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
        yield f"URMS{phase}", "V", _number(3), False
        yield f"UMOY{phase}", "V", _number(3), True
    yield "PREF", "kVA", _number(2), False
    yield "PCOUP", "kVA", _number(2), False
    for which in ("", "1", "2", "3"):
        yield f"SINSTS{which}", "VA", _POWER, False
        yield f"SMAXSN{which}", "VA", _POWER, True
        yield f"SMAXSN{which}-1", "VA", _POWER, True
    yield "SINSTI", "VA", _POWER, False
    for day in ("", "-1"):
        yield f"SMAXIN{day}", "VA", _POWER, True
        yield f"CCASN{day}", "W", _POWER, True
        yield f"CCAIN{day}", "W", _POWER, True
    yield "STGE", "", _hex(8), False
    for notice in range(1, 4):
        yield f"DPM{notice}", "", _number(2), True
        yield f"FPM{notice}", "", _number(2), True
    yield "MSG1", "", _text(32), False
    yield "MSG2", "", _text(16), False
    yield "PRM", "", _number(14), False
    yield "RELAIS", "", _number(3), False
    yield "NTARF", "", _number(2), False
    yield "NJOURF", "", _number(2), False
    yield "NJOURF+1", "", _number(2), False
    yield "PJOURF+1", "", _SWITCHINGS, False
    yield "PPOINTE", "", _SWITCHINGS, False


def _historic() -> Iterator[_Told]:
    """Yield label, unit and value: table of chapter 6.1.

    GAZ and AUTRE are on the page before it (CPT_02E).
    """
    yield "ADCO", "", _capitals(12), False
    yield (
        "OPTARIF",
        "",
        _one_of("BASE", "HC..", "EJP.", *(f"BBR{chr(letter)}" for letter in range(0x20, 0x7F))),
        False,
    )
    yield "ISOUSC", "A", _number(2), False
    colours = [f"BBRH{hour}J{day}" for hour in "CP" for day in "BWR"]
    for index in ("BASE", "HCHC", "HCHP", "EJPHN", "EJPHPM", *colours):
        yield index, "Wh", _INDEX, False
    yield "PEJP", "min", _number(2), False
    yield "PTEC", "", _one_of(*_PERIODS), False
    yield "DEMAIN", "", _one_of("----", "BLEU", "BLAN", "ROUG"), False
    for which in ("", "1", "2", "3"):
        yield f"IINST{which}", "A", _CURRENT, False
        yield f"IMAX{which}", "A", _CURRENT, False
    yield "ADPS", "A", _CURRENT, False
    for phase in range(1, 4):
        yield f"ADIR{phase}", "A", _CURRENT, False
    yield "PMAX", "W", _number(5), False
    yield "PAPP", "VA", _POWER, False
    yield "HHPHC", "", _one_of(*ascii_uppercase), False
    yield "MOTDETAT", "", _capitals(6), False
    yield "PPOT", "", _capitals(2), False
    yield "GAZ", "dal", _number(7), False
    yield "AUTRE", "dal", _number(7), False


_STANDARD = tuple(_Row(*told) for told in _standard())
_HISTORIC = tuple(_Row(*told) for told in _historic())


def _table(rows: Iterable[_Row], separator: bytes) -> Mapping[bytes, Shape]:
    return MappingProxyType({row.label.encode(): _shape(row, separator) for row in rows})


STANDARD = _table(_STANDARD, b"\t")
HISTORIC = _table(_HISTORIC, b" ")

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

STRANGER = re.compile(rb"[A-Z][A-Z0-9+-]{1,9}(?:_[A-Za-z0-9]{1,4})?").fullmatch
"""The form of a label that no table knows: meters of larger connections have their own labels."""
