"""Find what the head of a data record means (pure).

A meter sends the same headers over and over, so each is interpreted once and kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from quartier_drivers.meter.mbus import quantities
from quartier_drivers.meter.mbus.quantities import ValueKind
from quartier_drivers.meter.telegrams import GroupValue

FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")
_SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6, 0)
_FIELD_REAL, _FIELD_BCD, _FIELD_VARIABLE = 5, 9, 13
_FB, _PLAIN_TEXT, _FD, _COMBINABLE_MORE, _MAKER = 0x7B, 0x7C, 0x7D, 0x7C, 0x7F
_KEPT_MAX = 4096
VALUE_FORM, TIME_FORM, DURATION_FORM, COUNT_FORM = range(4)
"""What the record states: the quantity itself, the time of it, a duration, or a count."""


_FORM_NAMES = {TIME_FORM: "date", DURATION_FORM: "duration", COUNT_FORM: "count"}


@dataclass(frozen=True, slots=True)
class RecordMeaning:
    """The meaning of a record head: its unit, its quantity, and the conversion of its value.

    value = number × ``top`` / ``bottom`` + ``shift`` in ``unit``; ``more`` is the content of ``Group.more``.
    ``moment_size``: size in bytes of the date or time in the number, 0 if it is none; ``is_moment`` if it is
    nothing else.  ``bits``: size of an unsigned number, else 0.  ``error``: why there is no value.
    """

    unit: str
    more: Mapping[str, GroupValue]
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
class _MeaningDraft:
    kind: ValueKind
    size: int
    is_whole: bool
    texts: list[str] = field(default_factory=list)
    tells: int = VALUE_FORM
    shifts: list[int] = field(default_factory=list)
    is_unsigned: bool = False
    error: str = ""


@lru_cache(maxsize=_KEPT_MAX)
def find_meaning(head: bytes, maker: str, medium: str, *, high_first: bool = False) -> RecordMeaning:
    """Interpret a complete ``head`` from ``split_records`` in a telegram of this maker and medium."""
    place, at = _parse_place(head)
    number_field = head[0] & 0x0F
    draft = _MeaningDraft(
        quantities.RESERVED_KIND,
        _SIZES[number_field],
        number_field not in {_FIELD_REAL, *range(_FIELD_BCD, 16)},
    )
    if number_field == _FIELD_VARIABLE:
        draft.size = 0
    _read_value_block(draft, head[at:], high_first=high_first)
    return _make_meaning(draft, {**place, "medium": medium, "maker": maker})


def _parse_place(head: bytes) -> tuple[dict[str, GroupValue], int]:
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


def _read_value_block(draft: _MeaningDraft, block: bytes, *, high_first: bool) -> None:
    """Interpret the value information block."""
    vif, rest = block[0], block[1:]
    code = vif & 0x7F
    draft.kind = quantities.PRIMARY_VIF[code]
    if code == _PLAIN_TEXT:
        text, rest = _split_text(rest, extended=vif >= 0x80)
        draft.kind = ValueKind((text if high_first else text[::-1]).decode("latin-1").strip(" \0"))
    elif vif == _FB | 0x80:
        draft.kind, rest = quantities.FB_VIFE[rest[0] & 0x7F], rest[1:]
    elif vif == _FD | 0x80:
        draft.kind, rest = _find_second(rest)
    if code == _MAKER:
        draft.texts += [_render_maker_codes(rest)] if rest else []
    else:
        _apply_qualifiers(draft, rest)


def _split_text(rest: bytes, *, extended: bool) -> tuple[bytes, bytes]:
    """Return the text of a plain VIF, which is before the VIFE or after them, and the VIFE."""
    if rest[0] < 0x80 or not extended:
        return rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    end = next(at for at, code in enumerate(rest) if code < 0x80) + 1
    return rest[end + 1 :], rest[:end]


def _find_second(rest: bytes) -> tuple[ValueKind, bytes]:
    if rest[0] == _FD | 0x80:
        return quantities.FD_FD_VIFE[rest[1] & 0x7F], rest[2:]
    return quantities.FD_VIFE[rest[0] & 0x7F], rest[1:]


def _render_maker_codes(codes: bytes) -> str:
    return f"maker {codes.hex(' ').upper()}".strip()


def _apply_qualifiers(draft: _MeaningDraft, codes: bytes) -> None:
    """Interpret the combinable VIFE; those after FF are the maker's."""
    at = 0
    while at < len(codes):
        code = codes[at] & 0x7F
        at += 1
        if code == _MAKER:
            draft.texts.append(_render_maker_codes(codes[at:]))
            return
        if code == _COMBINABLE_MORE and at < len(codes):
            one = EXTENDED_VIFE[codes[at] & 0x7F]
            at += 1
        else:
            one = COMBINABLE_VIFE[code]
        _apply_qualifier(draft, one)


@dataclass(frozen=True, slots=True)
class Qualifier:
    """The effect of one VIFE.

    ``text`` narrows the quantity, ``tells`` says what is stated about it, ``per`` and ``times`` change the
    unit, ``exponent`` the value; ``shift`` is the power of ten to add to it; a record with ``error`` has no
    value.  ``is_unsigned``: type C or D; ``is_blob``: a compact profile.
    """

    text: str = ""
    tells: int = VALUE_FORM
    factor: int = 1
    exponent: int = 0
    shift: int | None = None
    per: str = ""
    times: str = ""
    error: str = ""
    is_unsigned: bool = False
    is_blob: bool = False


def _apply_qualifier(draft: _MeaningDraft, one: Qualifier) -> None:
    kind = draft.kind
    if one.text:
        draft.texts.append(one.text)
    if one.tells == DURATION_FORM:
        kind = replace(kind, unit="s", exponent=0, factor=one.factor, form=quantities.PLAIN_NUMBER)
    if one.tells != VALUE_FORM:
        draft.tells = one.tells
    if one.tells == COUNT_FORM:
        kind = replace(kind, unit="", exponent=0, factor=1, form=quantities.PLAIN_NUMBER)
    if one.shift is not None:
        draft.shifts.append(one.shift)
    if one.per:
        kind = replace(kind, unit=f"{kind.unit}/{one.per}")
    if one.times:
        kind = replace(kind, unit=f"{kind.unit} {one.times}".strip())
    draft.kind = kind.add_exponent(one.exponent)
    draft.is_unsigned |= one.is_unsigned
    draft.error = draft.error or one.error


def _make_meaning(draft: _MeaningDraft, place: dict[str, GroupValue]) -> RecordMeaning:
    kind = draft.kind
    quantity, qualifier = kind.quantity, ", ".join(draft.texts)
    if draft.tells != VALUE_FORM:
        quantity, qualifier = _FORM_NAMES[draft.tells], f"{qualifier} of {quantity}"
    more: dict[str, GroupValue] = {"quantity": quantity, **place, "qualifier": qualifier}
    if draft.error:
        more["error"] = draft.error
    told = kind.form == quantities.TIME_NUMBER or draft.tells == TIME_FORM
    moment_size = draft.size if told and draft.is_whole and draft.size in {2, 3, 4, 6} else 0
    is_unsigned = draft.is_unsigned or kind.form == quantities.FLAGS_NUMBER
    bits = 8 * draft.size if is_unsigned and draft.is_whole else 0
    top, bottom = kind.factor, 1
    if kind.exponent >= 0:
        top *= 10**kind.exponent
    else:
        bottom = 10**-kind.exponent
    shift = sum(10.0**power for power in draft.shifts)
    return RecordMeaning(
        "" if draft.tells == TIME_FORM else kind.unit,
        MappingProxyType(more),
        top,
        bottom,
        shift,
        moment_size,
        kind.form == quantities.TIME_NUMBER and bool(moment_size),
        bits,
        draft.error,
        is_plain=not (moment_size or bits or shift or draft.error),
    )


_SPANS = (1, 60, 3600, 86400)
NO_QUALIFIER = Qualifier()
RESERVED_QUALIFIER = Qualifier("reserved")
_ERRORS: Mapping[int, str] = MappingProxyType(
    {
        0x01: "too many DIFE",
        0x02: "storage number not implemented",
        0x03: "unit number not implemented",
        0x04: "tariff number not implemented",
        0x05: "function not implemented",
        0x06: "data class not implemented",
        0x07: "data size not implemented",
        0x0B: "too many VIFE",
        0x0C: "illegal VIF group",
        0x0D: "illegal VIF exponent",
        0x0E: "VIF and DIF do not match",
        0x0F: "action not implemented",
        0x15: "no data available",
        0x16: "data overflow",
        0x17: "data underflow",
        0x18: "data error",
        0x1C: "premature end of record",
    }
)
_PER = (
    (0x20, ("s", "min", "h", "day", "week", "month", "year", "revolution")),
    (0x2C, ("l", "m3", "kg", "K", "kWh", "GJ", "kW", "(K l)", "V", "A")),
)
_TIMES = {0x36: "s", 0x37: "s/V", 0x38: "s/A"}
_EDGES = (("begin", "first"), ("end", "first"), ("begin", "last"), ("end", "last"))


def _make_combinable() -> tuple[Qualifier, ...]:
    row = [RESERVED_QUALIFIER] * 128
    row[0] = NO_QUALIFIER
    for code, error in _ERRORS.items():
        row[code] = Qualifier(error=error)
    row[0x12], row[0x14] = Qualifier("averaged"), Qualifier("relative deviation")
    row[0x13] = Qualifier("inverse compact profile", is_blob=True)
    row[0x1D] = Qualifier("standard conform data")
    row[0x1E] = Qualifier("compact profile with registers", is_blob=True)
    row[0x1F] = Qualifier("compact profile", is_blob=True)
    for first, units in _PER:
        row[first : first + len(units)] = [Qualifier(per=unit) for unit in units]
    for code in range(4):
        pulse = f"increment per {'output' if code & 2 else 'input'} pulse {code & 1}"
        row[0x28 + code] = Qualifier(pulse)
    for code, unit in _TIMES.items():
        row[code] = Qualifier(times=unit)
    row[0x39] = Qualifier("start", TIME_FORM)
    row[0x3A], row[0x3B], row[0x3C] = (
        Qualifier("uncorrected"),
        Qualifier("only positive"),
        Qualifier("only negative"),
    )
    row[0x3D], row[0x3E] = Qualifier("non-metric"), Qualifier("base conditions")
    row[0x3F] = Qualifier("OBIS declaration")
    _add_limits(row)
    for code in range(8):
        row[0x70 + code] = Qualifier(exponent=code - 6)
    for code in range(4):
        row[0x78 + code] = Qualifier(shift=code - 3)
    row[0x7D] = Qualifier(exponent=3)
    row[0x7E] = Qualifier("future")
    return tuple(row)


def _add_limits(row: list[Qualifier]) -> None:
    for upper, side in enumerate(("lower", "upper")):
        high = 8 * upper
        row[0x40 + high] = Qualifier(f"{side} limit")
        row[0x41 + high] = Qualifier(f"exceeds of {side} limit", COUNT_FORM)
        for code, (edge, which) in enumerate(_EDGES):
            place = 0x42 + high + (code & 1) + 4 * (code >> 1)
            row[place] = Qualifier(f"{edge} of {which} {side} limit exceed", TIME_FORM)
        for last, which in enumerate(("first", "last")):
            for code, span in enumerate(_SPANS):
                exceed = Qualifier(f"{which} {side} limit exceed", DURATION_FORM, span)
                row[0x50 + high + 4 * last + code] = exceed
        row[0x68 + 4 * upper] = Qualifier(f"during {side} limit exceed")
    for last, which in enumerate(("first", "last")):
        for code, span in enumerate(_SPANS):
            row[0x60 + 4 * last + code] = Qualifier(which, DURATION_FORM, span)
        for end, edge in enumerate(("begin", "end")):
            row[0x6A + end + 4 * last] = Qualifier(f"{edge} of {which}", TIME_FORM)
    row[0x69], row[0x6D] = Qualifier("leakage"), Qualifier("overflow")


COMBINABLE_VIFE = _make_combinable()
"""VIFE 00 to 7F after a true VIF (Table 15); 7C and 7F lead to other tables."""


_EXTENDED_TABLE: Mapping[int, Qualifier] = MappingProxyType(
    {
        0x01: Qualifier("L1"),
        0x02: Qualifier("L2"),
        0x03: Qualifier("L3"),
        0x04: Qualifier("N"),
        0x05: Qualifier("L1-L2"),
        0x06: Qualifier("L2-L3"),
        0x07: Qualifier("L3-L1"),
        0x08: Qualifier("quadrant 1"),
        0x09: Qualifier("quadrant 2"),
        0x0A: Qualifier("quadrant 3"),
        0x0B: Qualifier("quadrant 4"),
        0x0C: Qualifier("import minus export"),
        0x0D: Qualifier("non-metric"),
        0x0E: Qualifier("second sensor"),
        0x0F: Qualifier("higher resolution"),
        0x10: Qualifier("absolute"),
        0x11: Qualifier(is_unsigned=True),
        0x12: Qualifier(is_unsigned=True),
        0x13: Qualifier("end", TIME_FORM),
        0x14: Qualifier("to meter"),
        0x15: Qualifier("from meter"),
    }
)
EXTENDED_VIFE = tuple(_EXTENDED_TABLE.get(code, RESERVED_QUALIFIER) for code in range(128))
"""The VIFE after FC (Table 16)."""
