"""Translates a point of a profile into a field of the native register reader; pure."""

import math

from quartier_drivers.codec import scaling
from quartier_drivers.contract import KINDS, TEXT
from quartier_drivers.points import word
from quartier_drivers.schema import DIRECTED, Point
from quartier_native import COIL, ELSEWHERE, REAL, SIGNED, TRUTH, WHOLE, Field, checked

BITS = ("coil", "discrete")


def field_of(quantity: str, point: Point, start: int, power: int = 0) -> Field:
    """Return the field of a point whose words begin at ``start`` in an answer.

    The native reader gives the same as ``decoder`` or leaves the point to it: all texts, and floats whose
    scaling takes more than one rounding.
    """
    kind = KINDS[word(quantity).kind]
    scale = scaling(point.scale, point.offset, point.sign, power)
    lowest, highest = point.field or (0, -1)
    field = Field(
        start,
        _form(point),
        1 if point.address.table in BITS else point.each,
        point.sum_of,
        point.word_order == "low-first",
        point.byte_order == "low-first",
        lowest,
        highest - lowest + 1,
        scale.top,
        scale.shift,
        scale.bottom,
        tuple(point.absent),
        -math.inf if point.low is None else point.low,
        math.inf if point.high is None else point.high,
        kind,
    )
    try:
        return Field(start, ELSEWHERE) if kind == TEXT or point.type_name == DIRECTED else checked(field)
    except ValueError:
        return Field(start, ELSEWHERE)


def void(start: int) -> Field:
    """Return a field that is always BAD, for a point whose scale factor is not implemented."""
    return Field(start, low=math.inf, high=-math.inf)


def _form(point: Point) -> int:
    if point.address.table in BITS:
        return COIL
    if point.type_name.startswith("bcd"):
        return ELSEWHERE
    if point.type_name.startswith("float"):
        return REAL
    if point.type_name == "bool" and point.field is None:
        return TRUTH
    return SIGNED if point.type_name.startswith("int") else WHOLE
