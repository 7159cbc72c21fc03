"""Interprets the header of a data record: EN 13757-3:2018, clause 6; pure.

A meter sends the same headers over and over, so each is interpreted once and kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from quartier_drivers.meter.mbus import qualifiers, quantities
from quartier_drivers.meter.mbus.qualifiers import COUNT, DURATION, MOMENT, Qualifier
from quartier_drivers.meter.mbus.quantities import Kind
from quartier_drivers.meter.telegram import Said

FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")
_SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6, 0)
_FIELD_REAL, _FIELD_BCD, _FIELD_VARIABLE = 5, 9, 13
_FB, _PLAIN_TEXT, _FD, _COMBINABLE_MORE, _MAKER = 0x7B, 0x7C, 0x7D, 0x7C, 0x7F
_KEPT_MAX = 4096
_TELLS = {MOMENT: "date", DURATION: "duration", COUNT: "count"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """How to read the value of a record with this header.

    value = number × ``top`` / ``bottom`` + ``shift`` in ``unit``; ``more`` is the content of ``Group.more``.
    ``moment_size``: size in bytes of the date or time in the number, 0 if it is none; ``is_moment`` if it is
    nothing else.  ``bits``: size of an unsigned number, else 0.  ``error``: why there is no value.
    """

    unit: str
    more: Mapping[str, Said]
    top: int = 1
    bottom: int = 1
    shift: float = 0.0
    moment_size: int = 0
    is_moment: bool = False
    bits: int = 0
    error: str = ""
    is_plain: bool = True
    """Whether the number only needs scaling."""


@dataclass(slots=True)
class _Draft:
    kind: Kind
    size: int
    is_whole: bool
    texts: list[str] = field(default_factory=list)
    tells: int = qualifiers.VALUE
    shifts: list[int] = field(default_factory=list)
    is_unsigned: bool = False
    error: str = ""


@lru_cache(maxsize=_KEPT_MAX)
def meaning(head: bytes, maker: str, medium: str, *, high_first: bool = False) -> Meaning:
    """Interpret a complete ``head`` from ``split_records`` in a telegram of this maker and medium."""
    place, at = _place(head)
    number_field = head[0] & 0x0F
    draft = _Draft(
        quantities.RESERVED, _SIZES[number_field], number_field not in {_FIELD_REAL, *range(_FIELD_BCD, 16)}
    )
    if number_field == _FIELD_VARIABLE:
        draft.size = 0
    _read(draft, head[at:], high_first=high_first)
    return _drawn(draft, {**place, "medium": medium, "maker": maker})


def _place(head: bytes) -> tuple[dict[str, Said], int]:
    """Return function, storage, tariff and subunit, and the place of the VIF (6.3)."""
    dif, at = head[0], 1
    storage, tariff, subunit = dif >> 6 & 1, 0, 0
    while head[at - 1] & 0x80:
        extension = head[at]
        storage |= (extension & 0x0F) << 4 * at - 3
        tariff |= (extension >> 4 & 3) << 2 * at - 2
        subunit |= (extension >> 6 & 1) << at - 1
        at += 1
    function = FUNCTIONS[dif >> 4 & 3]
    return {"function": function, "storage": storage, "tariff": tariff, "subunit": subunit}, at


def _read(draft: _Draft, block: bytes, *, high_first: bool) -> None:
    """Interpret the value information block."""
    vif, rest = block[0], block[1:]
    code = vif & 0x7F
    draft.kind = quantities.PRIMARY[code]
    if code == _PLAIN_TEXT:
        text, rest = _texted(rest, extended=vif >= 0x80)
        draft.kind = Kind((text if high_first else text[::-1]).decode("latin-1").strip(" \0"))
    elif vif == _FB | 0x80:
        draft.kind, rest = quantities.FIRST[rest[0] & 0x7F], rest[1:]
    elif vif == _FD | 0x80:
        draft.kind, rest = _second(rest)
    if code == _MAKER:
        draft.texts += [_of_maker(rest)] if rest else []
    else:
        _qualify(draft, rest)


def _texted(rest: bytes, *, extended: bool) -> tuple[bytes, bytes]:
    """Return the text of a plain VIF, which is before the VIFE or after them, and the VIFE."""
    if rest[0] < 0x80 or not extended:
        return rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    end = next(at for at, code in enumerate(rest) if code < 0x80) + 1
    return rest[end + 1 :], rest[:end]


def _second(rest: bytes) -> tuple[Kind, bytes]:
    if rest[0] == _FD | 0x80:
        return quantities.THIRD[rest[1] & 0x7F], rest[2:]
    return quantities.SECOND[rest[0] & 0x7F], rest[1:]


def _of_maker(codes: bytes) -> str:
    return f"maker {codes.hex(' ').upper()}".strip()


def _qualify(draft: _Draft, codes: bytes) -> None:
    """Interpret the combinable VIFE; those after FF are the maker's."""
    at = 0
    while at < len(codes):
        code = codes[at] & 0x7F
        at += 1
        if code == _MAKER:
            draft.texts.append(_of_maker(codes[at:]))
            return
        if code == _COMBINABLE_MORE and at < len(codes):
            one = qualifiers.EXTENDED[codes[at] & 0x7F]
            at += 1
        else:
            one = qualifiers.COMBINABLE[code]
        _apply(draft, one)


def _apply(draft: _Draft, one: Qualifier) -> None:
    kind = draft.kind
    if one.text:
        draft.texts.append(one.text)
    if one.tells == DURATION:
        kind = replace(kind, unit="s", exponent=0, factor=one.factor, form=quantities.PLAIN)
    if one.tells != qualifiers.VALUE:
        draft.tells = one.tells
    if one.tells == COUNT:
        kind = replace(kind, unit="", exponent=0, factor=1, form=quantities.PLAIN)
    if one.shift is not None:
        draft.shifts.append(one.shift)
    if one.per:
        kind = replace(kind, unit=f"{kind.unit}/{one.per}")
    if one.times:
        kind = replace(kind, unit=f"{kind.unit} {one.times}".strip())
    draft.kind = kind.scaled(one.exponent)
    draft.is_unsigned |= one.is_unsigned
    draft.error = draft.error or one.error


def _drawn(draft: _Draft, place: dict[str, Said]) -> Meaning:
    kind = draft.kind
    quantity, qualifier = kind.quantity, ", ".join(draft.texts)
    if draft.tells != qualifiers.VALUE:
        quantity, qualifier = _TELLS[draft.tells], f"{qualifier} of {quantity}"
    more: dict[str, Said] = {"quantity": quantity, **place, "qualifier": qualifier}
    if draft.error:
        more["error"] = draft.error
    told = kind.form == quantities.MOMENT or draft.tells == MOMENT
    moment_size = draft.size if told and draft.is_whole and draft.size in {2, 3, 4, 6} else 0
    is_unsigned = draft.is_unsigned or kind.form == quantities.FLAGS
    bits = 8 * draft.size if is_unsigned and draft.is_whole else 0
    top, bottom = kind.factor, 1
    if kind.exponent >= 0:
        top *= 10**kind.exponent
    else:
        bottom = 10**-kind.exponent
    shift = sum(10.0**power for power in draft.shifts)
    return Meaning(
        "" if draft.tells == MOMENT else kind.unit,
        MappingProxyType(more),
        top,
        bottom,
        shift,
        moment_size,
        kind.form == quantities.MOMENT and bool(moment_size),
        bits,
        draft.error,
        is_plain=not (moment_size or bits or shift or draft.error),
    )
