"""What a device serves to its owners, under full names, and what that needs from the wire.  Pure."""

from dataclasses import dataclass, replace
from typing import Any, cast

from quartier_drivers import codec
from quartier_drivers.contract import DeviceSpec, Fallback, PointInfo
from quartier_drivers.modbus.plan import Want
from quartier_drivers.points import word
from quartier_drivers.profile import RegisterProfile
from quartier_drivers.schema import WRITES_PER_DAY, DeviceFallback, Point

# Marks the key of a want that is the scale register of a point.
SCALE = "^"


@dataclass(frozen=True, slots=True)
class Served:
    """A point of the profile that somebody owns: ``unit`` is where it is read, ``kind`` what it holds."""

    name: str
    quantity: str
    kind: str
    unit: int
    point: Point


def served(device: DeviceSpec, profile: RegisterProfile) -> dict[str, Served]:
    """Every owned point by full name; parts without owner and points not asked for are left out."""
    return {
        f"{owner}.{quantity}": Served(
            f"{owner}.{quantity}",
            quantity,
            word(quantity).kind,
            device.unit if point.unit is None else point.unit,
            point,
        )
        for part, owner in device.owners.items()
        for quantity, point in profile.parts.get(part, {}).items()
        if part not in device.points or quantity in device.points[part]
    }


def info(one: Served, profile: RegisterProfile) -> PointInfo:
    """What is known about a point before it was ever read."""
    point, write = one.point, one.point.write
    plain = PointInfo(
        one.name,
        cast("Any", one.kind),
        f"{one.unit}/{point.address}",
        profile.scan[point.scan],
        point.low,
        point.high,
    )
    if write is None:
        return plain
    low, high = codec.write_range(point)
    return replace(
        plain,
        writable=True,
        write_low=low,
        write_high=high,
        persistent=write.persistent,
        on_release=write.on_release,
        fallback=_fallback(write.fallback),
        step=_step(point),
        read_back=write.confirm == "read",
        settle_s=profile.limits.settle_s,
        writes_per_day=(write.writes_per_day or WRITES_PER_DAY) if write.persistent else 0,
    )


def wants(one: Served, profile: RegisterProfile) -> list[Want]:
    """What a point needs from the wire; nothing for one that can only be written."""
    point = one.point
    if point.write is not None and point.write.confirm == "none":
        return []
    period_s = profile.scan[point.scan]
    place, scale = point.address, point.scale_address
    found = [Want(one.unit, place.table, place.number, point.width, period_s, (one.name,))]
    if scale is not None:
        found.append(Want(one.unit, scale.table, scale.number, 1, period_s, (SCALE + one.name,)))
    return found


def _step(point: Point) -> float:
    """Resolution of a write in house units; 0 for floating point, and where a scale register decides."""
    target = codec.write_source(point)
    whole = not target.type_name.startswith("float") and target.scale_address is None
    return abs(target.scale) if whole else 0.0


def _fallback(fallback: DeviceFallback | None) -> Fallback | None:
    if fallback is None:
        return None
    return Fallback(
        fallback.value,
        fallback.after_s,
        str(fallback.address or ""),
        fallback.refresh_s or fallback.after_s / 3,
    )
