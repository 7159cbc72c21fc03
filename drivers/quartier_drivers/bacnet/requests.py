"""What is asked of BACnet devices: the services' own parts as bytes (ASHRAE 135-2020, clause 21).  Pure."""

from collections.abc import Iterable
from itertools import groupby

from quartier_native.bacnet import WHOLE_ARRAY, Ref

_PRIORITIES = range(1, 17)


def read_property(ref: Ref) -> bytes:
    """ReadProperty-Request (15.5)."""
    return object_field(0, ref) + field(1, ref.property_id) + _index(2, ref)


def read_multiple(refs: Iterable[Ref]) -> bytes:
    """ReadPropertyMultiple-Request (15.7): properties of one object that follow each other share its head."""
    return b"".join(
        object_field(0, Ref(kind, instance, 0))
        + b"\x1e"
        + b"".join(field(0, ref.property_id) + _index(1, ref) for ref in own)
        + b"\x1f"
        for (kind, instance), own in groupby(refs, key=lambda ref: (ref.object_type, ref.instance))
    )


def write_property(ref: Ref, value: bytes, priority: int | None = None) -> bytes:
    """WriteProperty-Request (15.9); ``value`` is encoded, ``priority`` 1..16 or None where there is no array.

    Null at a priority relinquishes it (19.2).  Raises ValueError for another priority.
    """
    if priority is not None and priority not in _PRIORITIES:
        raise ValueError(f"priority {priority}, expected 1 to 16")
    ask = read_property(ref) + b"\x3e" + value + b"\x3f"
    return ask if priority is None else ask + field(4, priority)


def subscribe(process_id: int, object_type: int, instance: int, *, confirmed: bool, lifetime_s: int) -> bytes:
    """SubscribeCOV-Request (13.14); a ``lifetime_s`` of 0 has no end.  Again with the same process ID:
    renewed.
    """
    head = field(0, process_id) + object_field(1, Ref(object_type, instance, 0))
    return head + field(2, int(confirmed)) + field(3, lifetime_s)


def unsubscribe(process_id: int, object_type: int, instance: int) -> bytes:
    """SubscribeCOV-Request that ends a subscription (13.14.1.3, 13.14.1.4: both parameters are absent)."""
    return field(0, process_id) + object_field(1, Ref(object_type, instance, 0))


def field(number: int, value: int) -> bytes:
    """An unsigned, an enumerated or a boolean under a context tag below 15 (20.2.4): as few octets as hold
    it.
    """
    octets = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    if len(octets) > 4:
        raise ValueError(f"{value} takes more than four octets")
    return bytes((number << 4 | 8 | len(octets),)) + octets


def object_field(number: int, ref: Ref) -> bytes:
    """The object identifier of a property under a context tag (20.2.14)."""
    return bytes((number << 4 | 0x0C,)) + (ref.object_type << 22 | ref.instance).to_bytes(4, "big")


def _index(number: int, ref: Ref) -> bytes:
    return b"" if ref.index == WHOLE_ARRAY else field(number, ref.index)
