"""Every label of both TIC modes: what it measures and what its value looks like (Enedis-NOI-CPT_54E)."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

TIME = rb"[EHeh ][0-9]{12}"
"""Season letter, YYMMDDhhmmss; a small letter says that the meter's clock is degraded."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What one label's value is: its ``unit`` in the meter's words, and what text may stand there.

    ``is_timed``: a time field stands before the value.  ``fits`` judges a whole value, ``may_be`` one that
    stands between line ends, where no width is needed to find it; ``rest`` is what follows a label whose
    surroundings are damaged: separator, fields of full width, checksum.
    """

    unit: str
    is_timed: bool
    fits: Callable[[bytes], object]
    may_be: Callable[[bytes], object]
    rest: "re.Pattern[bytes]"


def _shape(
    value: bytes, padded: bytes, loose: bytes, *, unit: str, separator: bytes, is_timed: bool
) -> Shape:
    time = TIME + separator if is_timed else b""
    rest = separator + time + padded + separator + rb"[ -_]"
    fits, may_be = re.compile(value).fullmatch, re.compile(loose).fullmatch
    return Shape(unit, is_timed, fits, may_be, re.compile(rest))


_Forms = tuple[bytes, bytes, bytes]
"""A value, one of full width, and one between line ends."""


def _number(digits: int) -> _Forms:
    pattern = b"[0-9]{%d}" % digits
    return pattern, pattern, b"[0-9]{1,12}" if digits else b""


def _hex(digits: int) -> _Forms:
    pattern = b"[0-9A-Fa-f]{%d}" % digits
    return pattern, pattern, b"[0-9A-Fa-f]{1,16}"


def _text(most: int) -> _Forms:
    # Without what a blank or a sign becomes when its bit 6 flips, which the checksum does not see.
    any_width = b"[ -_a-z]{0,%d}" % most
    return any_width, b"[ -_a-z]{%d}" % most, any_width


def _just(pattern: bytes) -> _Forms:
    return pattern, b"(?:%b)" % pattern, pattern


_INDEX, _CURRENT, _POWER = _number(9), _number(3), _number(5)
_SWITCHING = rb"(?:[0-9A-F]{8}|NONUTILE)"
_SOME_SWITCHINGS = _SWITCHING + b"(?: " + _SWITCHING + b"){0,10} *"
_SWITCHINGS = (_SOME_SWITCHINGS, _SWITCHING + b"(?: " + _SWITCHING + b"){10}", _SOME_SWITCHINGS)

_Row = tuple[str, str, _Forms, bool]


def _standard() -> Iterator[_Row]:
    """Label, unit, value and whether a time stands before it: table of chapter 6.2."""
    yield "ADSC", "", _just(rb"[0-9A-F]{12}"), False
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


def _historic() -> Iterator[_Row]:
    """Label, unit and value: table of chapter 6.1; GAZ and AUTRE stand in the page before it (CPT_02E)."""
    yield "ADCO", "", _just(rb"[0-9A-F]{12}"), False
    yield "OPTARIF", "", _just(rb"BASE|HC\.\.|EJP\.|BBR[ -~]"), False
    yield "ISOUSC", "A", _number(2), False
    colours = [f"BBRH{hour}J{day}" for hour in "CP" for day in "BWR"]
    for index in ("BASE", "HCHC", "HCHP", "EJPHN", "EJPHPM", *colours):
        yield index, "Wh", _INDEX, False
    yield "PEJP", "min", _number(2), False
    yield "PTEC", "", _just(rb"TH\.\.|H[CPN]\.\.|PM\.\.|H[CP]J[BWR]"), False
    yield "DEMAIN", "", _just(rb"----|BLEU|BLAN|ROUG"), False
    for which in ("", "1", "2", "3"):
        yield f"IINST{which}", "A", _CURRENT, False
        yield f"IMAX{which}", "A", _CURRENT, False
    yield "ADPS", "A", _CURRENT, False
    for phase in range(1, 4):
        yield f"ADIR{phase}", "A", _CURRENT, False
    yield "PMAX", "W", _number(5), False
    yield "PAPP", "VA", _POWER, False
    yield "HHPHC", "", _just(rb"[A-Z]"), False
    yield "MOTDETAT", "", _just(rb"[0-9A-F]{6}"), False
    yield "PPOT", "", _just(rb"[0-9A-F]{2}"), False
    yield "GAZ", "dal", _number(7), False
    yield "AUTRE", "dal", _number(7), False


def _table(rows: Iterator[_Row], separator: bytes) -> Mapping[bytes, Shape]:
    return MappingProxyType(
        {
            label.encode(): _shape(*value, unit=unit, separator=separator, is_timed=is_timed)
            for label, unit, value, is_timed in rows
        }
    )


STANDARD = _table(_standard(), b"\t")
HISTORIC = _table(_historic(), b" ")

SIZES = tuple(sorted({len(label) for label in (*STANDARD, *HISTORIC)}, reverse=True))
"""How long labels are, the longest first."""

STRANGER = re.compile(rb"[A-Z][A-Z0-9+-]{1,9}(?:_[A-Za-z0-9]{1,4})?").fullmatch
"""What a label that no table knows may look like: meters of larger connections have labels of their own."""
