"""Make the writes of a setpoint, a shed and a release; describe points before their first reading (pure).

A shed writes the level, then the duration, then the start: only the start makes it a request.  When its
duration has passed, the object lets the load run by itself, so a shed never outlives the gateway that
commanded it.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from quartier_drivers.bacnet.codec.application_data import RELINQUISH, encode_element, encode_tag
from quartier_drivers.bacnet.codec.datagrams import encode_field, make_write_property
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.bacnet.read_jobs import PointMeaning, make_meaning
from quartier_drivers.bacnet.schema import PRESENT_VALUE, BacnetPoint, ObjectName, ShedCommand, Watchdog
from quartier_drivers.bacnet.standard_names import (
    BINARY_TYPES,
    MULTI_STATE_TYPES,
    OBJECT_TYPES,
    PROPERTIES,
    UNIT_NUMBERS,
)
from quartier_drivers.contract import DeviceSpec, PointInfo
from quartier_drivers.device_profile.fallback_rules import LIMIT_PREFIX
from quartier_drivers.points import parse_quantity
from quartier_native.bacnet import BOOLEAN, DOUBLE, ENUMERATED, REAL, SIGNED, UNSIGNED, Ref

# Datatype of an object's present value (clause 12).
_DATATYPES = {
    **dict.fromkeys(BINARY_TYPES, ENUMERATED),
    **dict.fromkeys(MULTI_STATE_TYPES, UNSIGNED),
    OBJECT_TYPES["integer-value"]: SIGNED,
    OBJECT_TYPES["positive-integer-value"]: UNSIGNED,
    OBJECT_TYPES["large-analog-value"]: DOUBLE,
    OBJECT_TYPES["binary-lighting-output"]: ENUMERATED,
}
_WRITABLE = frozenset((BOOLEAN, UNSIGNED, SIGNED, REAL, DOUBLE, ENUMERATED))
_WHOLE_TYPES = frozenset((UNSIGNED, SIGNED, ENUMERATED))


@dataclass(frozen=True, slots=True)
class PropertyWrite:
    """The body of one WriteProperty request, as bytes."""

    body: bytes


def find_write_range(point: BacnetPoint) -> tuple[float, float]:
    """Return the lowest and highest value that may be written, in our units; 0 and 1 for on/off points."""
    if point.write is None:
        raise ValueError("cannot be written")
    low, high = point.write.low, point.write.high
    return 0.0 if low is None else low, 1.0 if high is None else high


def find_write_step(one: PointMeaning) -> float:
    """Return the resolution of a write in our units; 0 for reals."""
    return abs(one.factor) if find_datatype(one.point, None) in _WHOLE_TYPES else 0.0


def find_datatype(point: BacnetPoint, seen: int | None) -> int:
    """Return the datatype to write: that of the standard for a present value, else the one ``seen``."""
    if point.property_id == PRESENT_VALUE and point.place.kind < 128:
        return _DATATYPES.get(point.place.kind, REAL)
    return seen if seen in _WRITABLE else REAL


def make_setpoint(
    one: PointMeaning, value: float, seen: int | None = None, beat: int = 0
) -> list[PropertyWrite]:
    """Return the writes of a setpoint: first the watchdog's object, so that none is active without an end.

    Raises ValueError if the value is outside the write limits, or does not fit the object's type.
    """
    point = one.point
    write = point.write
    low, high = find_write_range(point)
    if write is None or not low <= value <= high:
        raise ValueError(f"{value:g} is outside {low:g}..{high:g}")
    fed = [] if write.fallback is None else [make_watchdog_write(write.fallback, beat)]
    return [*fed, _make_value_write(one, value, seen)]


def make_shed(one: PointMeaning, value: float, now: bytes) -> list[PropertyWrite]:
    """Return the writes of a Load Control object: 0 sheds from ``now`` on, any other value lets the load run.

    ``now`` is the time of the device's own clock.  Raises ValueError if the point has no such object.
    """
    if one.point.write is None or one.point.write.shed is None:
        raise ValueError("it sheds by no Load Control object")
    place = one.point.place
    return [
        PropertyWrite(body)
        for body in (make_shed_end(place) if value else make_shed_begin(place, one.point.write.shed, now))
    ]


def make_watchdog_write(dog: Watchdog, beat: int) -> PropertyWrite:
    """Return the write that keeps the device from taking its fallback."""
    ref = Ref(dog.place.kind, dog.place.instance, dog.property_id)
    kind = _DATATYPES.get(dog.place.kind, REAL)
    return PropertyWrite(
        make_write_property(
            ref, encode_element(kind, dog.after_s if dog.feeds == "seconds" else float(beat % 2))
        )
    )


def make_release(one: PointMeaning, cap: float | None, seen: int | None = None) -> list[PropertyWrite]:
    """Return the writes of ``on_release``: Null at our priority for ``own``, none for ``hold``.

    None of them could raise a limit.
    """
    point = one.point
    write = point.write
    if write is None or write.on_release == "hold":
        return []
    if write.shed is not None:
        return [PropertyWrite(body) for body in make_shed_end(point.place)]
    if write.on_release == "own":
        return (
            [PropertyWrite(make_write_property(one.ref, RELINQUISH, write.priority))]
            if point.has_priorities
            else []
        )
    value = cap if write.on_release == "cap" else write.on_release
    if value is None or one.why:
        return []
    low, high = find_write_range(point)
    try:
        return [_make_value_write(one, min(max(value, low), high), seen)]
    except ValueError:  # it does not fit the object's type: better no write than a wrong one
        return []


def dump_write(point: str, place: str, order: PropertyWrite) -> Mapping[str, Any]:
    """Return a write as JSON data of ``release.json``."""
    return {"point": point, "place": place, "body": order.body.hex()}


def _make_value_write(one: PointMeaning, value: float, seen: int | None) -> PropertyWrite:
    point = one.point
    kind = find_datatype(point, seen)
    priority = point.write.priority if point.write is not None and point.has_priorities else None
    return PropertyWrite(
        make_write_property(one.ref, encode_element(kind, _find_raw(one, value, kind)), priority)
    )


def _find_raw(one: PointMeaning, value: float, kind: int) -> float:
    """Return the number to write; a limit is never rounded up."""
    if parse_quantity(one.quantity).kind == "bool":
        return float(value != 0)
    raw = one.raw(value)
    if kind not in _WHOLE_TYPES:
        return raw
    if LIMIT_PREFIX not in one.quantity:
        return float(round(raw))
    return float(math.floor(raw) if one.factor > 0 else math.ceil(raw))


def list_served(device: DeviceSpec, profile: BacnetProfile) -> Iterator[tuple[str, str, BacnetPoint]]:
    """Yield full name, quantity and point of every owned point that the site wants."""
    for part, owner in device.owners.items():
        asked = device.points.get(part)
        for quantity, point in profile.parts.get(part, {}).items():
            if asked is None or quantity in asked:
                yield f"{owner}.{quantity}", quantity, point


def make_declared_meaning(name: str, quantity: str, point: BacnetPoint) -> PointMeaning:
    """Return the conversion by the profile alone, before the device was asked for its units."""
    return make_meaning(name, quantity, point, None if point.units is None else UNIT_NUMBERS[point.units])


def make_infos(device: DeviceSpec, profile: BacnetProfile) -> Mapping[str, PointInfo]:
    """Return the description of each point before its first reading."""
    return {
        name: make_info(make_declared_meaning(name, quantity, point), profile)
        for name, quantity, point in list_served(device, profile)
    }


def make_info(one: PointMeaning, profile: BacnetProfile) -> PointInfo:
    """Return the description of one point before its first reading."""
    point, write = one.point, one.point.write
    kind = cast("Any", parse_quantity(one.quantity).kind)
    period_s = profile.scan[point.scan]
    if write is None:
        return PointInfo(one.name, kind, point.where, period_s, point.low, point.high)
    low, high = find_write_range(point)
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
        step=find_write_step(one),
        read_back=write.confirm == "read",
        settle_s=profile.limits.settle_s,
        shows_own=write.on_release == "own" and point.has_priorities and write.shed is None,
    )


_LEVEL, _DURATION, _START = (
    PROPERTIES[word] for word in ("requested-shed-level", "shed-duration", "start-time")
)
_PERCENT_CHOICE, _LEVEL_CHOICE, _AMOUNT_CHOICE = range(3)
# An unspecified date and time (20.2.12, 20.2.13): no request is active.
_NEVER = b"\xa4\xff\xff\xff\xff\xb4\xff\xff\xff\xff"


def make_shed_begin(place: ObjectName, shed: ShedCommand, now: bytes) -> list[bytes]:
    """Return the bodies of the writes that shed from ``now``: encoded date and time of the device's clock."""
    return [
        _make_write(place, _LEVEL, encode_shed_level(shed)),
        _make_write(place, _DURATION, encode_element(UNSIGNED, shed.minutes)),
        _make_write(place, _START, now),
    ]


def make_shed_end(place: ObjectName) -> list[bytes]:
    """Return the bodies of the writes that let the load run again."""
    return [_make_write(place, _DURATION, encode_element(UNSIGNED, 0)), _make_write(place, _START, _NEVER)]


def encode_shed_level(shed: ShedCommand) -> bytes:
    """Return a BACnetShedLevel (clause 21): percent of the baseline, a level of the object, or kW less."""
    if shed.percent is not None:
        return encode_field(_PERCENT_CHOICE, shed.percent)
    if shed.level is not None:
        return encode_field(_LEVEL_CHOICE, shed.level)
    return encode_tag(_AMOUNT_CHOICE, 4, is_context=True) + struct.pack(">f", shed.amount)


def _make_write(place: ObjectName, property_id: int, value: bytes) -> bytes:
    return make_write_property(Ref(place.kind, place.instance, property_id), value)
