"""From what stands in a node to what a point says, and back.  Pure."""

import math
from collections.abc import Callable
from fractions import Fraction

from quartier_drivers.codec import Scaling, scaling
from quartier_drivers.contract import Value
from quartier_drivers.opcua.answer import Raw
from quartier_drivers.opcua.scalars import Bounds, fitted
from quartier_drivers.opcua.schema import Point
from quartier_drivers.points import word

Teller = Callable[[Raw], tuple[Value | None, bool]]
"""What came -> the value as the kind of its point, None where there is none, and whether it is plausible."""
_NOTHING: tuple[None, bool] = (None, False)


def teller(quantity: str, point: Point) -> Teller:
    """Return what reads the point, prepared once."""
    kind = word(quantity).kind
    if kind == "text":
        return lambda raw: _text(point, raw)
    low = -math.inf if point.low is None else point.low
    high = math.inf if point.high is None else point.high
    scale = scaling(point.scale, point.offset, point.sign, 0)
    plain = (scale.top, scale.shift, scale.bottom) == (1, 0, 1) and point.bit is None and not point.absent

    def read(raw: Raw) -> tuple[Value | None, bool]:
        if raw is None or raw.__class__ is str:
            return _NOTHING
        number: float = raw  # type: ignore[assignment]  # no text, see above
        value = number if plain else _number(point, scale, number)
        if value is None or not math.isfinite(value):
            return _NOTHING
        is_good = low <= value <= high
        if kind == "float":
            return float(value), is_good
        return (value != 0 if kind == "bool" else round(value)), is_good

    return read


def raw_for(point: Point, value: float, type_number: int, bounds: Bounds) -> bool | int | float:
    """Return what is written for ``value`` (house units) into a node of this type.

    ``bounds`` are those of the node, house units.  Raises ValueError where the point is not writable or the
    value is no number, is outside the bounds, or does not fit.
    """
    if point.write is None:
        raise ValueError("cannot be written")
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number")
    low, high = bounds
    if not low <= value <= high:
        raise ValueError(f"{value:g} is outside {low:g}..{high:g}")
    scale = scaling(
        point.scale if point.write.scale is None else point.write.scale, point.offset, point.sign, 0
    )
    ends = sorted((scale.down(low), scale.down(high)))
    return fitted(scale.down(value), type_number, ends[0], ends[1])


def write_bounds(point: Point, eu_range: Bounds | None) -> Bounds:
    """What may be written, house units: the profile's limits, narrowed by the node's own range (raw)."""
    write = point.write
    if write is None:
        raise ValueError("cannot be written")
    if eu_range is None or not eu_range[0] < eu_range[1]:  # one that is empty was never filled in
        return write.low, write.high
    scale = scaling(point.scale if write.scale is None else write.scale, point.offset, point.sign, 0)
    least, most = sorted(scale.up(end) for end in eu_range)
    return max(write.low, least), min(write.high, most)


def raw_deadband(point: Point) -> float:
    """The point's deadband as the server counts."""
    return float(abs(Fraction(repr(point.deadband)) / Fraction(repr(point.scale))))


def differs(point: Point, one: Raw, other: Raw) -> bool:
    """Return whether two raw values are further apart than the deadband lets the server be silent."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return one != other
    # Twice: the value that was told may lie a deadband on one side of the one that was sampled then.
    return abs(one - other) > 2 * raw_deadband(point) + 1e-9 * abs(one)


def _number(point: Point, scale: Scaling, raw: float) -> float | None:
    if raw in point.absent:
        return None
    if point.bit is not None:
        return int(raw) >> point.bit & 1 if isinstance(raw, int) else None
    return scale.up(raw) if math.isfinite(raw) else None


def _text(point: Point, raw: Raw) -> tuple[Value | None, bool]:
    if raw is None:
        return _NOTHING
    if point.values is None:
        shown = "".join(letter for letter in str(raw) if letter.isprintable()).strip()
        return (shown, True) if shown else _NOTHING
    name = point.values.get(int(raw)) if isinstance(raw, int | float) and math.isfinite(raw) else None
    return _NOTHING if name is None else (name, True)
