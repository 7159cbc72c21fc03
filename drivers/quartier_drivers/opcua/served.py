"""What an OPC UA device serves to its owners, under full names.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from quartier_drivers.contract import DeviceSpec, PointInfo
from quartier_drivers.opcua.profile import OpcuaProfile
from quartier_drivers.opcua.schema import Point
from quartier_drivers.points import word
from quartier_drivers.schema import WRITES_PER_DAY


@dataclass(frozen=True, slots=True)
class Served:
    """A point of the profile that somebody owns."""

    name: str
    quantity: str
    kind: str
    point: Point

    @property
    def is_read(self) -> bool:
        """Return whether it can be read at all."""
        return self.point.write is None or self.point.write.confirm == "read"


def roster(device: DeviceSpec, profile: OpcuaProfile) -> dict[str, Served]:
    """Every owned point by full name; parts without owner and points not asked for are left out."""
    return {
        f"{owner}.{quantity}": Served(f"{owner}.{quantity}", quantity, word(quantity).kind, point)
        for part, owner in device.owners.items()
        for quantity, point in profile.parts.get(part, {}).items()
        if part not in device.points or quantity in device.points[part]
    }


def info(one: Served, profile: OpcuaProfile) -> PointInfo:
    """Return what is known about a point before it was ever read."""
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


def grouped(points: Sequence[tuple[str, float, bool]], most: int) -> list[tuple[float, bool, list[str]]]:
    """Return which points are read together: (name, period in s, subscribed) -> period, subscribed, names.

    At most ``most`` in one request, and where they take several, about as many in each.
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
