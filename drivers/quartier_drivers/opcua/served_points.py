"""The points of a device: decode what is read, encode what is written (pure)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

from quartier_drivers.contract import DeviceSpec, PointInfo
from quartier_drivers.device_profile.schema import WRITES_PER_DAY
from quartier_drivers.opcua.connection.read_response import RawValue
from quartier_drivers.opcua.node_types import TYPE_NAMES, TYPE_RANGES, Bounds, NodeName, fit_type
from quartier_drivers.opcua.profile import OpcuaProfile
from quartier_drivers.opcua.schema import OpcuaPoint
from quartier_drivers.opcua.writer import PlannedWrite, WriteTarget, fit_raw
from quartier_drivers.points import parse_quantity
from quartier_drivers.readings import Value
from quartier_drivers.register_codec import Scaling, make_scaling

DecodeRaw = Callable[[RawValue], tuple[Value | None, bool]]
"""Raw value -> the value as the kind of its point (None if there is none), and whether it is plausible."""


_NOTHING: tuple[None, bool] = (None, False)


def make_decoder(quantity: str, point: OpcuaPoint) -> DecodeRaw:
    """Return the decoder of a point, prepared once."""
    kind = parse_quantity(quantity).kind
    if kind == "text":
        return lambda raw: _decode_text(point, raw)
    low = -math.inf if point.low is None else point.low
    high = math.inf if point.high is None else point.high
    scale = make_scaling(point.scale, point.offset, point.sign, 0)
    plain = (scale.top, scale.shift, scale.bottom) == (1, 0, 1) and point.bit is None and not point.absent

    def read(raw: RawValue) -> tuple[Value | None, bool]:
        if raw is None or raw.__class__ is str:
            return _NOTHING
        number: float = raw  # type: ignore[assignment]  # no text, see above
        value = number if plain else _decode_number(point, scale, number)
        if value is None or not math.isfinite(value):
            return _NOTHING
        is_good = low <= value <= high
        if kind == "float":
            return float(value), is_good
        return (value != 0 if kind == "bool" else round(value)), is_good

    return read


def encode_raw(point: OpcuaPoint, value: float, type_number: int, bounds: Bounds) -> bool | int | float:
    """Return the raw value of ``value`` (our units) for a node of this type.

    ``bounds`` are those of the node, in our units.  Raises ValueError if the point is not writable, or the
    value is no number, is outside the bounds or does not fit.
    """
    if point.write is None:
        raise ValueError("cannot be written")
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number")
    low, high = bounds
    if not low <= value <= high:
        raise ValueError(f"{value:g} is outside {low:g}..{high:g}")
    scale = make_scaling(
        point.scale if point.write.scale is None else point.write.scale, point.offset, point.sign, 0
    )
    ends = sorted((scale.down(low), scale.down(high)))
    return fit_type(scale.down(value), type_number, ends[0], ends[1])


def find_write_bounds(point: OpcuaPoint, eu_range: Bounds | None) -> Bounds:
    """Return the range of a write in our units: the profile's limits, narrowed by the node's raw range."""
    write = point.write
    if write is None:
        raise ValueError("cannot be written")
    if eu_range is None or not eu_range[0] < eu_range[1]:  # one that is empty was never filled in
        return write.low, write.high
    scale = make_scaling(point.scale if write.scale is None else write.scale, point.offset, point.sign, 0)
    least, most = sorted(scale.up(end) for end in eu_range)
    return max(write.low, least), min(write.high, most)


def find_raw_deadband(point: OpcuaPoint) -> float:
    """Return the deadband of the point in raw units."""
    return float(abs(Fraction(repr(point.deadband)) / Fraction(repr(point.scale))))


def is_beyond_deadband(point: OpcuaPoint, one: RawValue, other: RawValue) -> bool:
    """Return whether two raw values differ by more than the deadband can explain."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return one != other
    # Twice: the reported value may be one deadband away from the value that was sampled then.
    return abs(one - other) > 2 * find_raw_deadband(point) + 1e-9 * abs(one)


def _decode_number(point: OpcuaPoint, scale: Scaling, raw: float) -> float | None:
    if raw in point.absent:
        return None
    if point.bit is not None:
        return int(raw) >> point.bit & 1 if isinstance(raw, int) else None
    return scale.up(raw) if math.isfinite(raw) else None


def _decode_text(point: OpcuaPoint, raw: RawValue) -> tuple[Value | None, bool]:
    if raw is None:
        return _NOTHING
    if point.values is None:
        shown = "".join(letter for letter in str(raw) if letter.isprintable()).strip()
        return (shown, True) if shown else _NOTHING
    name = point.values.get(int(raw)) if isinstance(raw, int | float) and math.isfinite(raw) else None
    return _NOTHING if name is None else (name, True)


def find_written_node(point: OpcuaPoint) -> NodeName:
    """Return the node that a writable point is written to."""
    return point.node if point.write is None or point.write.node is None else point.write.node


@dataclass(frozen=True, slots=True)
class ServedPoint:
    """A point of the profile that has an owner."""

    name: str
    quantity: str
    kind: str
    point: OpcuaPoint

    @property
    def is_read(self) -> bool:
        """Return whether the point can be read at all."""
        return self.point.write is None or self.point.write.confirm == "read"


def list_types(one: ServedPoint) -> dict[NodeName, int]:
    """Return the types that the profile names, by node."""
    write = one.point.write
    return (
        {}
        if write is None or write.type_number is None
        else {find_written_node(one.point): write.type_number}
    )


def list_nodes(one: ServedPoint) -> list[NodeName]:
    """Return every node that a command for the point may write."""
    write = one.point.write
    if write is None:
        return []
    found = [find_written_node(one.point)]
    if write.own is not None:
        found.append(write.own.node)
    if write.fallback is not None and write.fallback.node is not None:
        found.append(write.fallback.node)
    return found


def make_setpoint(one: ServedPoint, value: float, target: WriteTarget) -> RawValue:
    """Return the raw value for the point's node.  Raises ValueError as ``encode_raw`` does."""
    return encode_raw(one.point, value, target.type_number, find_write_bounds(one.point, target.eu_range))


def make_watchdog_value(one: ServedPoint, count: int, target: WriteTarget) -> RawValue:
    """Return the ``count``-th value that keeps the watchdog from acting.  Raises ValueError."""
    write = one.point.write
    fallback = write.fallback if write else None
    if fallback is None:
        raise ValueError("has no watchdog")
    if fallback.beat == "count":
        most = TYPE_RANGES.get(target.type_number, (0, 1 << 24))[1]
        raw = count & 1 if TYPE_NAMES[target.type_number] == "Boolean" else count % (most + 1)
        return fit_raw(float(raw), target.type_number)
    return fit_raw(fallback.after_s if fallback.beat == "seconds" else fallback.beat, target.type_number)


def make_release(one: ServedPoint, cap: float | None) -> PlannedWrite | None:
    """Return the write of ``on_release``: None for ``hold``, and none that could raise a limit.

    ``cap`` is the value of a point that is released to its fail-safe limit.
    """
    write = one.point.write
    if write is None or write.on_release == "hold":
        return None
    if write.on_release == "own":
        return None if write.own is None else PlannedWrite(one.name, write.own.node, None, write.own.value)
    value = cap if write.on_release == "cap" else write.on_release
    if not isinstance(value, float) or not math.isfinite(value):
        return None
    point = one.point
    scale = make_scaling(point.scale if write.scale is None else write.scale, point.offset, point.sign, 0)
    raw = float(scale.down(min(max(value, write.low), write.high)))
    return PlannedWrite(one.name, find_written_node(point), point.index, raw, write.type_number or 0)


def list_served(device: DeviceSpec, profile: OpcuaProfile) -> dict[str, ServedPoint]:
    """Return every owned point by full name, without parts without owner and points not wanted."""
    return {
        f"{owner}.{quantity}": ServedPoint(
            f"{owner}.{quantity}", quantity, parse_quantity(quantity).kind, point
        )
        for part, owner in device.owners.items()
        for quantity, point in profile.parts.get(part, {}).items()
        if part not in device.points or quantity in device.points[part]
    }


def make_info(one: ServedPoint, profile: OpcuaProfile) -> PointInfo:
    """Return the description of a point before its first reading."""
    point, write = one.point, one.point.write
    plain = PointInfo(
        one.name,
        cast("Any", one.kind),
        str(point.node) if point.index is None else f"{point.node}[{point.index}]",
        profile.scan[point.scan],
        point.low,
        point.high,
    )
    if write is None:
        return plain
    return replace(
        plain,
        writable=True,
        write_low=write.low,
        write_high=write.high,
        persistent=write.persistent,
        on_release=write.on_release,
        fallback=point.fallback,
        no_fallback="" if point.fallback is not None else profile.limits.no_fallback or "",
        read_back=one.is_read,
        settle_s=profile.limits.settle_s,
        writes_per_day=(write.writes_per_day or WRITES_PER_DAY) if write.persistent else 0,
    )


def group_reads(points: Sequence[tuple[str, float, bool]], most: int) -> list[tuple[float, bool, list[str]]]:
    """Group (name, period in s, subscribed) into requests of (period, subscribed, names).

    A request has at most ``most`` points; several requests for one group are about equally large.
    """
    groups: dict[tuple[float, bool], list[str]] = {}
    for name, period_s, subscribed in points:
        groups.setdefault((period_s, subscribed), []).append(name)
    found = []
    for (period_s, subscribed), names in groups.items():
        count = -(-len(names) // max(1, most))
        each = -(-len(names) // count)
        found += [(period_s, subscribed, names[at : at + each]) for at in range(0, len(names), each)]
    return found
