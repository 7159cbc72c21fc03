"""What narrows or changes an M-Bus value: combinable VIFE, codes of failed records (EN 13757-3:2018)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_SPANS = (1, 60, 3600, 86400)
VALUE, MOMENT, DURATION, COUNT = range(4)
"""What the record states: the quantity itself, the time of it, a duration, or a count."""


@dataclass(frozen=True, slots=True)
class Qualifier:
    """The effect of one VIFE.

    ``text`` narrows the quantity, ``tells`` says what is stated about it, ``per`` and ``times`` change the
    unit, ``exponent`` the value; ``shift`` is the power of ten to add to it; a record with ``error`` has no
    value.  ``is_unsigned``: type C or D; ``is_blob``: a compact profile.
    """

    text: str = ""
    tells: int = VALUE
    factor: int = 1
    exponent: int = 0
    shift: int | None = None
    per: str = ""
    times: str = ""
    error: str = ""
    is_unsigned: bool = False
    is_blob: bool = False


NOTHING = Qualifier()
RESERVED = Qualifier("reserved")

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


def _combinable() -> tuple[Qualifier, ...]:
    row = [RESERVED] * 128
    row[0] = NOTHING
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
    row[0x39] = Qualifier("start", MOMENT)
    row[0x3A], row[0x3B], row[0x3C] = (
        Qualifier("uncorrected"),
        Qualifier("only positive"),
        Qualifier("only negative"),
    )
    row[0x3D], row[0x3E] = Qualifier("non-metric"), Qualifier("base conditions")
    row[0x3F] = Qualifier("OBIS declaration")
    _limits(row)
    for code in range(8):
        row[0x70 + code] = Qualifier(exponent=code - 6)
    for code in range(4):
        row[0x78 + code] = Qualifier(shift=code - 3)
    row[0x7D] = Qualifier(exponent=3)
    row[0x7E] = Qualifier("future")
    return tuple(row)


def _limits(row: list[Qualifier]) -> None:
    for upper, side in enumerate(("lower", "upper")):
        high = 8 * upper
        row[0x40 + high] = Qualifier(f"{side} limit")
        row[0x41 + high] = Qualifier(f"exceeds of {side} limit", COUNT)
        for code, (edge, which) in enumerate(_EDGES):
            place = 0x42 + high + (code & 1) + 4 * (code >> 1)
            row[place] = Qualifier(f"{edge} of {which} {side} limit exceed", MOMENT)
        for last, which in enumerate(("first", "last")):
            for code, span in enumerate(_SPANS):
                exceed = Qualifier(f"{which} {side} limit exceed", DURATION, span)
                row[0x50 + high + 4 * last + code] = exceed
        row[0x68 + 4 * upper] = Qualifier(f"during {side} limit exceed")
    for last, which in enumerate(("first", "last")):
        for code, span in enumerate(_SPANS):
            row[0x60 + 4 * last + code] = Qualifier(which, DURATION, span)
        for end, edge in enumerate(("begin", "end")):
            row[0x6A + end + 4 * last] = Qualifier(f"{edge} of {which}", MOMENT)
    row[0x69], row[0x6D] = Qualifier("leakage"), Qualifier("overflow")


COMBINABLE = _combinable()
"""VIFE 00 to 7F after a true VIF (Table 15); 7C and 7F lead to other tables."""

_EXTENDED: Mapping[int, Qualifier] = MappingProxyType(
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
        0x13: Qualifier("end", MOMENT),
        0x14: Qualifier("to meter"),
        0x15: Qualifier("from meter"),
    }
)
EXTENDED = tuple(_EXTENDED.get(code, RESERVED) for code in range(128))
"""The VIFE after FC (Table 16)."""
