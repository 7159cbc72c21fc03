"""Which writes carry out a setpoint, and which give a point back.  Pure."""

import math

from quartier_drivers.codec import scaling
from quartier_drivers.opcua.answer import Raw
from quartier_drivers.opcua.meaning import raw_for, write_bounds
from quartier_drivers.opcua.node import Node
from quartier_drivers.opcua.scalars import NAMES, RANGES
from quartier_drivers.opcua.schema import Point
from quartier_drivers.opcua.served import Served
from quartier_drivers.opcua.targets import Target
from quartier_drivers.opcua.wanted import Wanted, fits


def written_at(point: Point) -> Node:
    """Return where a writable point is written."""
    return point.node if point.write is None or point.write.node is None else point.write.node


def types(one: Served) -> dict[Node, int]:
    """The types that the profile names."""
    write = one.point.write
    return {} if write is None or write.type_number is None else {written_at(one.point): write.type_number}


def nodes(one: Served) -> list[Node]:
    """Every node that an order for the point may write."""
    write = one.point.write
    if write is None:
        return []
    found = [written_at(one.point)]
    if write.own is not None:
        found.append(write.own.node)
    if write.fallback is not None and write.fallback.node is not None:
        found.append(write.fallback.node)
    return found


def setpoint(one: Served, value: float, target: Target) -> Raw:
    """Return what is written into the point's node.  Raises ValueError as ``raw_for`` does."""
    return raw_for(one.point, value, target.type_number, write_bounds(one.point, target.eu_range))


def beat(one: Served, count: int, target: Target) -> Raw:
    """Return what keeps the point's watchdog from acting, the ``count``-th time.  Raises ValueError."""
    write = one.point.write
    fallback = write.fallback if write else None
    if fallback is None:
        raise ValueError("has no watchdog")
    if fallback.beat == "count":
        most = RANGES.get(target.type_number, (0, 1 << 24))[1]
        raw = count & 1 if NAMES[target.type_number] == "Boolean" else count % (most + 1)
        return fits(float(raw), target.type_number)
    return fits(fallback.after_s if fallback.beat == "seconds" else fallback.beat, target.type_number)


def released(one: Served, cap: float | None) -> Wanted | None:
    """The write of ``on_release``: none for ``hold``, and none that could widen anything.

    ``cap`` is the value of a point that is released to its cap.
    """
    write = one.point.write
    if write is None or write.on_release == "hold":
        return None
    if write.on_release == "own":
        return None if write.own is None else Wanted(one.name, write.own.node, None, write.own.value)
    value = cap if write.on_release == "cap" else write.on_release
    if not isinstance(value, float) or not math.isfinite(value):
        return None
    point = one.point
    scale = scaling(point.scale if write.scale is None else write.scale, point.offset, point.sign, 0)
    raw = float(scale.down(min(max(value, write.low), write.high)))
    return Wanted(one.name, written_at(point), point.index, raw, write.type_number or 0)
