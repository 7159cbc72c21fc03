"""What a command writes, and what gives a point back: values to encoded requests, and to the release table.
Pure.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quartier_drivers.bacnet import shedding
from quartier_drivers.bacnet.encoding import RELINQUISH, encoded
from quartier_drivers.bacnet.meaning import Meaning
from quartier_drivers.bacnet.requests import write_property
from quartier_drivers.bacnet.schema import PRESENT_VALUE, BacnetPoint, Watchdog
from quartier_drivers.bacnet.words import BINARY, MULTI_STATE, OBJECTS
from quartier_drivers.forgetting import CAP
from quartier_drivers.points import word
from quartier_native.bacnet import BOOLEAN, DOUBLE, ENUMERATED, REAL, SIGNED, UNSIGNED, Ref

# What the present value of an object is (clause 12).
_DATATYPES = {
    **dict.fromkeys(BINARY, ENUMERATED),
    **dict.fromkeys(MULTI_STATE, UNSIGNED),
    OBJECTS["integer-value"]: SIGNED,
    OBJECTS["positive-integer-value"]: UNSIGNED,
    OBJECTS["large-analog-value"]: DOUBLE,
    OBJECTS["binary-lighting-output"]: ENUMERATED,
}
_WRITABLE = frozenset((BOOLEAN, UNSIGNED, SIGNED, REAL, DOUBLE, ENUMERATED))
_WHOLE = frozenset((UNSIGNED, SIGNED, ENUMERATED))


@dataclass(frozen=True, slots=True)
class Order:
    """One WriteProperty: its own part, as bytes."""

    body: bytes


def write_range(point: BacnetPoint) -> tuple[float, float]:
    """Lowest and highest value that may be written, house units; 0 and 1 for what is on or off."""
    if point.write is None:
        raise ValueError("cannot be written")
    low, high = point.write.low, point.write.high
    return 0.0 if low is None else low, 1.0 if high is None else high


def step(one: Meaning) -> float:
    """Resolution of a write in house units; 0 for reals."""
    return abs(one.factor) if datatype(one.point, None) in _WHOLE else 0.0


def datatype(point: BacnetPoint, seen: int | None) -> int:
    """The kind of value that is written: of the present value as the standard has it, else as it was
    ``seen``.
    """
    if point.property_id == PRESENT_VALUE and point.place.kind < 128:
        return _DATATYPES.get(point.place.kind, REAL)
    return seen if seen in _WRITABLE else REAL


def setpoint(one: Meaning, value: float, seen: int | None = None, beat: int = 0) -> list[Order]:
    """The watchdog's object, then the value: no setpoint stands without what ends it.

    Raises ValueError where the value is outside the write limits, or cannot be said in the object's type.
    """
    point = one.point
    write = point.write
    low, high = write_range(point)
    if write is None or not low <= value <= high:
        raise ValueError(f"{value:g} is outside {low:g}..{high:g}")
    fed = [] if write.fallback is None else [feed(write.fallback, beat)]
    return [*fed, _value(one, value, seen)]


def shed(one: Meaning, value: float, now: bytes) -> list[Order]:
    """The same by a Load Control object: 0 sheds from ``now`` on the device's own clock, all else lets it
    run.

    Raises ValueError where the point has none.
    """
    if one.point.write is None or one.point.write.shed is None:
        raise ValueError("it sheds by no Load Control object")
    place = one.point.place
    return [
        Order(body)
        for body in (shedding.end(place) if value else shedding.begin(place, one.point.write.shed, now))
    ]


def feed(dog: Watchdog, beat: int) -> Order:
    """Return what keeps the device from taking its fall-back."""
    ref = Ref(dog.place.kind, dog.place.instance, dog.property_id)
    kind = _DATATYPES.get(dog.place.kind, REAL)
    return Order(
        write_property(ref, encoded(kind, dog.after_s if dog.feeds == "seconds" else float(beat % 2)))
    )


def release(one: Meaning, cap: float | None, seen: int | None = None) -> list[Order]:
    """The write of ``on_release``: Null at our priority for ``own``, none for ``hold``; nothing that could
    widen.
    """
    point = one.point
    write = point.write
    if write is None or write.on_release == "hold":
        return []
    if write.shed is not None:
        return [Order(body) for body in shedding.end(point.place)]
    if write.on_release == "own":
        return [Order(write_property(one.ref, RELINQUISH, write.priority))] if point.has_priorities else []
    value = cap if write.on_release == "cap" else write.on_release
    if value is None or one.why:
        return []
    low, high = write_range(point)
    try:
        return [_value(one, min(max(value, low), high), seen)]
    except ValueError:  # it cannot be said in the object's type: better none than a wrong one
        return []


def dump(point: str, place: str, order: Order) -> Mapping[str, Any]:
    """A write as JSON holds it in ``release.json``."""
    return {"point": point, "place": place, "body": order.body.hex()}


def _value(one: Meaning, value: float, seen: int | None) -> Order:
    point = one.point
    kind = datatype(point, seen)
    priority = point.write.priority if point.write is not None and point.has_priorities else None
    return Order(write_property(one.ref, encoded(kind, _raw(one, value, kind)), priority))


def _raw(one: Meaning, value: float, kind: int) -> float:
    """A cap is never rounded up."""
    if word(one.quantity).kind == "bool":
        return float(value != 0)
    raw = one.raw(value)
    if kind not in _WHOLE:
        return raw
    if CAP not in one.quantity:
        return float(round(raw))
    return float(math.floor(raw) if one.factor > 0 else math.ceil(raw))
