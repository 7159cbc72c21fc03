"""The points that a device serves for its owners, and what is known of them before the wire.  Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from quartier_drivers.bacnet.meaning import Meaning, meaning
from quartier_drivers.bacnet.orders import step, write_range
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.bacnet.schema import BacnetPoint
from quartier_drivers.bacnet.units import NUMBERS
from quartier_drivers.contract import DeviceSpec, PointInfo
from quartier_drivers.points import word


def served(device: DeviceSpec, profile: BacnetProfile) -> Iterator[tuple[str, str, BacnetPoint]]:
    """Full name, quantity and point of all that an owner has and the site asks for."""
    for part, owner in device.owners.items():
        asked = device.points.get(part)
        for quantity, point in profile.parts.get(part, {}).items():
            if asked is None or quantity in asked:
                yield f"{owner}.{quantity}", quantity, point


def declared(name: str, quantity: str, point: BacnetPoint) -> Meaning:
    """Return what the profile alone says, before the device was asked for its units."""
    return meaning(name, quantity, point, None if point.units is None else NUMBERS[point.units])


def infos(device: DeviceSpec, profile: BacnetProfile) -> Mapping[str, PointInfo]:
    """Return what is known about each point before it was ever read."""
    return {
        name: info(declared(name, quantity, point), profile)
        for name, quantity, point in served(device, profile)
    }


def info(one: Meaning, profile: BacnetProfile) -> PointInfo:
    """The same of one point."""
    point, write = one.point, one.point.write
    kind = cast("Any", word(one.quantity).kind)
    period_s = profile.scan[point.scan]
    if write is None:
        return PointInfo(one.name, kind, point.where, period_s, point.low, point.high)
    low, high = write_range(point)
    return PointInfo(
        one.name,
        kind,
        point.where,
        period_s,
        point.low,
        point.high,
        writable=True,
        write_low=low,
        write_high=high,
        on_release=write.on_release,
        fallback=point.fallback,
        no_fallback="" if point.fallback is not None else profile.limits.no_fallback or "",
        step=step(one),
        read_back=write.confirm == "read",
        settle_s=profile.limits.settle_s,
        shows_own=write.on_release == "own" and point.has_priorities and write.shed is None,
    )
