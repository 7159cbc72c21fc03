"""The built-in types of OPC UA that a point may have, and what fits into them.  Pure.

Numbers and ranges: OPC 10000-6, table 1; what a standard data type is made of: OPC 10000-3, 8.
"""

import math
import struct
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

Bounds = tuple[float, float]
"""Lowest and highest value."""
BOOLEAN, FLOAT, DOUBLE, STRING, LOCALIZED_TEXT = 1, 10, 11, 12, 21
NAMES: Mapping[int, str] = MappingProxyType(
    {
        1: "Boolean",
        2: "SByte",
        3: "Byte",
        4: "Int16",
        5: "UInt16",
        6: "Int32",
        7: "UInt32",
        8: "Int64",
        9: "UInt64",
        10: "Float",
        11: "Double",
        12: "String",
    }
)
"""What may be written, by the number of its type."""
NUMBERS: Mapping[str, int] = MappingProxyType({name: number for number, name in NAMES.items()})
RANGES: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        2: (-(1 << 7), (1 << 7) - 1),
        3: (0, (1 << 8) - 1),
        4: (-(1 << 15), (1 << 15) - 1),
        5: (0, (1 << 16) - 1),
        6: (-(1 << 31), (1 << 31) - 1),
        7: (0, (1 << 32) - 1),
        8: (-(1 << 63), (1 << 63) - 1),
        9: (0, (1 << 64) - 1),
    }
)
"""Lowest and highest whole number of a type."""
MADE_OF: Mapping[int, int] = MappingProxyType({29: 6, 290: 11, 294: 13, 295: 12})
"""Standard data types that are built-in ones under another name: Enumeration, Duration, UtcTime, LocaleId."""
ABSTRACT = frozenset({24, 26, 27, 28})
"""BaseDataType, Number, Integer, UInteger: what stands in the node says which type it is."""


def fitted(raw: Fraction, type_number: int, low: Fraction, high: Fraction) -> bool | int | float:
    """The number as a value of the type, the nearest step that lies within ``low..high`` (raw too).

    Raises ValueError where there is none, or where the type is no number.
    """
    if type_number in (FLOAT, DOUBLE):
        return _real(float(raw), type_number)
    if type_number == BOOLEAN:
        if raw not in (0, 1):
            raise ValueError(f"{float(raw):g} is neither on nor off")
        return raw == 1
    if type_number not in RANGES:
        raise ValueError(f"its type {NAMES.get(type_number, type_number)} takes no number")
    least, most = RANGES[type_number]
    nearest = round(raw)
    for step in (nearest, nearest - 1, nearest + 1):
        if low <= step <= high:
            if not least <= step <= most:
                raise ValueError(f"{step} does not fit {NAMES[type_number]} ({least}..{most})")
            return step
    raise ValueError(f"{float(raw):g} lies between two steps of the device that are both outside its limits")


def _real(raw: float, type_number: int) -> float:
    if type_number == FLOAT:
        try:
            raw = struct.unpack("<f", struct.pack("<f", raw))[0]
        except OverflowError:
            raise ValueError(f"{raw:g} does not fit Float") from None
    if not math.isfinite(raw):
        raise ValueError(f"{raw} is no number")
    return raw
