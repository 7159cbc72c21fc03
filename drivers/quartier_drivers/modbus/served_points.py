"""The points that a device serves to its owners, by full name, and the registers they need.  Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from quartier_drivers import register_codec
from quartier_drivers.contract import DeviceSpec, PointInfo
from quartier_drivers.device_profile.loading import RegisterProfile
from quartier_drivers.device_profile.schema import WRITES_PER_DAY, Point
from quartier_drivers.modbus.request_plan import WantedRegisters
from quartier_drivers.points import parse_quantity

# Marks the key of a want that is the scale register of a point.
SCALE_KEY = "^"


@dataclass(frozen=True, slots=True)
class ServedPoint:
    """A point of the profile with an owner: ``unit`` is where it is read, ``kind`` the kind of its value."""

    name: str
    quantity: str
    kind: str
    unit: int
    point: Point


class ServedPoints(Mapping[str, ServedPoint]):
    """Every owned point by full name; parts without owner and points not asked for are left out.

    Holds only the profile's tables: each point is made on demand, however many there are.
    """

    __slots__ = ("_tables", "_unit")

    def __init__(self, device: DeviceSpec, profile: RegisterProfile) -> None:
        self._unit = device.unit
        self._tables: dict[str, Mapping[str, Point]] = {}
        for part, owner in device.owners.items():
            points = profile.parts.get(part, {})
            asked = device.points.get(part)
            if asked is not None:
                points = {quantity: point for quantity, point in points.items() if quantity in asked}
            before = self._tables.get(owner)
            self._tables[owner] = points if before is None else {**before, **points}

    def __getitem__(self, name: str) -> ServedPoint:
        owner, _, quantity = name.partition(".")
        try:
            point = self._tables[owner][quantity]
        except KeyError:
            raise KeyError(name) from None
        unit = self._unit if point.unit is None else point.unit
        return ServedPoint(name, quantity, parse_quantity(quantity).kind, unit, point)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        owner, _, quantity = name.partition(".")
        return quantity in self._tables.get(owner, ())

    def __iter__(self) -> Iterator[str]:
        return (f"{owner}.{quantity}" for owner, points in self._tables.items() for quantity in points)

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))


class PointInfos(Mapping[str, PointInfo]):
    """The descriptions of all served points before their first reading; each is made on demand."""

    __slots__ = ("_profile", "_served_points")

    def __init__(self, roster: ServedPoints, profile: RegisterProfile) -> None:
        self._served_points = roster
        self._profile = profile

    def __getitem__(self, name: str) -> PointInfo:
        return make_info(self._served_points[name], self._profile)

    def __contains__(self, name: object) -> bool:
        return name in self._served_points

    def __iter__(self) -> Iterator[str]:
        return iter(self._served_points)

    def __len__(self) -> int:
        return len(self._served_points)


def make_info(one: ServedPoint, profile: RegisterProfile) -> PointInfo:
    """Return the description of a point before its first reading."""
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
    low, high = register_codec.find_write_range(point)
    return replace(
        plain,
        writable=True,
        write_low=low,
        write_high=high,
        persistent=write.persistent,
        on_release=write.on_release,
        fallback=point.fallback,
        no_fallback="" if point.fallback is not None else profile.limits.no_fallback or "",
        step=_find_step(point),
        read_back=write.confirm == "read",
        settle_s=profile.limits.settle_s,
        writes_per_day=(write.writes_per_day or WRITES_PER_DAY) if write.persistent else 0,
        shows_own=_shows_own_control(point),
    )


def _shows_own_control(point: Point) -> bool:
    """Return whether the point reads differently once it is relinquished.

    It does if it is read where the device shows the value in force, or if relinquishing writes to its own
    register.
    """
    own = None if point.write is None else point.write.own
    if own is None:
        return False
    written = register_codec.make_write_source(point).address
    return point.address != written or own.address == written


def list_wanted(one: ServedPoint, profile: RegisterProfile) -> list[WantedRegisters]:
    """Return the registers that a point needs; none for one that can only be written."""
    point = one.point
    if point.write is not None and point.write.confirm == "none":
        return []
    period_s = profile.scan[point.scan]
    place, scale = point.address, point.scale_address
    found = [WantedRegisters(one.unit, place.table, place.number, point.width, period_s, (one.name,))]
    if scale is not None:
        found.append(
            WantedRegisters(one.unit, scale.table, scale.number, 1, period_s, (SCALE_KEY + one.name,))
        )
    return found


def _find_step(point: Point) -> float:
    """Return the resolution of a write in our units; 0 for floating point, and with a scale register."""
    target = register_codec.make_write_source(point)
    whole = not target.type_name.startswith("float") and target.scale_address is None
    return abs(target.scale) if whole else 0.0
