"""Translates a point of a profile into a field of the native register reader; pure."""

import math

from quartier_drivers.device_profile.schema import DIRECTED_TYPE, Point
from quartier_drivers.points import parse_quantity
from quartier_drivers.readings import TEXT, VALUE_KINDS
from quartier_drivers.register_codec import make_scaling
from quartier_native import COIL, ELSEWHERE, REAL, SIGNED, TRUTH, WHOLE, Field, check_field

BIT_TABLES = ("coil", "discrete")


def make_field(quantity: str, point: Point, start: int, power: int = 0) -> Field:
    """Return the field of a point whose words begin at ``start`` in an answer.

    The native reader decodes as ``register_codec.make_decoder`` does, or leaves the point to it: all texts,
    and floats whose scaling takes more than one rounding.
    """
    kind = VALUE_KINDS[parse_quantity(quantity).kind]
    scale = make_scaling(point.scale, point.offset, point.sign, power)
    lowest, highest = point.field or (0, -1)
    field = Field(
        start,
        _find_form(point),
        1 if point.address.table in BIT_TABLES else point.each,
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
        is_left = kind == TEXT or point.type_name == DIRECTED_TYPE
        return Field(start, ELSEWHERE) if is_left else check_field(field)
    except ValueError:
        return Field(start, ELSEWHERE)


def make_void_field(start: int) -> Field:
    """Return a field that is always BAD, for a point whose scale factor is not implemented."""
    return Field(start, low=math.inf, high=-math.inf)


def _find_form(point: Point) -> int:
    if point.address.table in BIT_TABLES:
        return COIL
    if point.type_name.startswith("bcd"):
        return ELSEWHERE
    if point.type_name.startswith("float"):
        return REAL
    if point.type_name == "bool" and point.field is None:
        return TRUTH
    return SIGNED if point.type_name.startswith("int") else WHOLE
