"""How a Load Control object is told to shed, and to let the load run again (ASHRAE 135-2020, 12.28).  Pure.

The level first, then for how long, then from when: the start makes it one request.  When its duration has
passed
the object lets the load run by itself, so a shed never outlives who asked for it.
"""

import struct

from quartier_drivers.bacnet.encoding import encoded, head
from quartier_drivers.bacnet.requests import field, write_property
from quartier_drivers.bacnet.schema import ObjectName, Shed
from quartier_drivers.bacnet.words import PROPERTIES
from quartier_native.bacnet import UNSIGNED, Ref

_LEVEL, _DURATION, _START = (
    PROPERTIES[word] for word in ("requested-shed-level", "shed-duration", "start-time")
)
_PERCENT_CHOICE, _LEVEL_CHOICE, _AMOUNT_CHOICE = range(3)
# A date and a time of which nothing is said (20.2.12, 20.2.13): no request stands.
_NEVER = b"\xa4\xff\xff\xff\xff\xb4\xff\xff\xff\xff"


def begin(place: ObjectName, shed: Shed, now: bytes) -> list[bytes]:
    """The bodies of the writes that shed from ``now``: date and time of the device's own clock, encoded."""
    return [
        _write(place, _LEVEL, level(shed)),
        _write(place, _DURATION, encoded(UNSIGNED, shed.minutes)),
        _write(place, _START, now),
    ]


def end(place: ObjectName) -> list[bytes]:
    """The bodies of the writes that let the load run again."""
    return [_write(place, _DURATION, encoded(UNSIGNED, 0)), _write(place, _START, _NEVER)]


def level(shed: Shed) -> bytes:
    """BACnetShedLevel (clause 21): percent of the baseline, one of the object's levels, or kilowatts less."""
    if shed.percent is not None:
        return field(_PERCENT_CHOICE, shed.percent)
    if shed.level is not None:
        return field(_LEVEL_CHOICE, shed.level)
    return head(_AMOUNT_CHOICE, 4, is_context=True) + struct.pack(">f", shed.amount)


def _write(place: ObjectName, property_id: int, value: bytes) -> bytes:
    return write_property(Ref(place.kind, place.instance, property_id), value)
