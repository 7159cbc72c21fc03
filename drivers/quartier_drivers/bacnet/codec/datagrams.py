"""Encode datagrams and request bodies, parse I-Am, choose what bacpypes3 receives (pure).

BVLC (ASHRAE 135-2020, annex J.2.11), NPDU (6.2), APDU (20.1).  No message of ours is segmented, and each
request states that a segmented answer is not accepted.

The library receives only what it needs: it spends 75 µs on each property that somebody reads from our own
device, 53 ms on a request of 1400 octets (measured with bacpypes3 0.0.110 on a server; a small board takes
four times as long).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from quartier_drivers.bacnet.address import DevicePlace, Host
from quartier_drivers.bacnet.codec.application_data import ObjectId, parse_elements
from quartier_drivers.bacnet.standard_names import OBJECT_TYPES
from quartier_native.bacnet import (
    ABORT,
    COMPLEX_ACK,
    CONFIRMED,
    DATAGRAM_MAX,
    ENUMERATED,
    ERROR,
    OBJECT,
    REJECT,
    SEGMENT,
    SIMPLE_ACK,
    UNCONFIRMED,
    UNSIGNED,
    WHOLE_ARRAY,
    FaultError,
    Heard,
    Ref,
)

READ_PROPERTY, READ_PROPERTY_MULTIPLE, WRITE_PROPERTY, SUBSCRIBE_COV, COV_NOTIFICATION = 12, 14, 15, 5, 1
"""Confirmed services (clause 21, BACnetConfirmedServiceChoice)."""


UNCONFIRMED_COV_NOTIFICATION = 2
"""The unconfirmed service; its notification has the same content as the confirmed one."""


APDU_SIZES = (50, 128, 206, 480, 1024, 1476)
"""What the largest APDU may be, in the order of their codes (20.1.2.5)."""


APDU_MAX = APDU_SIZES[-1]
_UNICAST, _BVLC = 0x0A, 0x81
_VERSION, _EXPECTS_REPLY, _HAS_DESTINATION = 1, 0x04, 0x20
_HOPS = b"\xff"
_OCTETS = tuple(bytes((value,)) for value in range(256))


@dataclass(frozen=True, slots=True)
class ConfirmedRequest:
    """A confirmed request of ``service`` as a datagram without its invoke ID; ``apdu_size`` in octets.

    It may be sent any number of times, each time with an invoke ID that no other pending request to this
    device has.
    """

    service: int
    before: bytes
    after: bytes
    apdu_size: int

    def datagram(self, invoke_id: int) -> bytes:
        """Return the bytes to send; ``invoke_id`` is 0..255."""
        return self.before + _OCTETS[invoke_id] + self.after


def make_request(
    service: int, body: bytes, route: bytes = b"", *, answer_max: int = APDU_MAX
) -> ConfirmedRequest:
    """Return a request with ``body`` as its own part.

    ``route``: empty for a device of the network itself, else the way to a device behind a router (see
    ``make_route``).  ``answer_max``: the longest APDU that we accept, one of ``APDU_SIZES`` or more.
    """
    code = sum(size <= answer_max for size in APDU_SIZES[1:])
    apdu = bytes((0, code, 0, service)) + body
    data = _make_datagram(apdu, route, expects_reply=True)
    at = len(data) - len(apdu) + 2
    return ConfirmedRequest(service, data[:at], data[at + 1 :], len(apdu))


def make_acknowledgement(invoke_id: int, service: int, route: bytes = b"") -> bytes:
    """Return a simple acknowledgement (20.1.4): the answer to a confirmed notification."""
    return _make_datagram(bytes((SIMPLE_ACK << 4, invoke_id, service)), route, expects_reply=False)


def make_refusal(
    invoke_id: int, service: int, error_class: int, error_code: int, route: bytes = b""
) -> bytes:
    """Return an error (20.1.7), class and code 0..255: the answer to a notification that nobody expects."""
    body = bytes((0x91, error_class, 0x91, error_code))
    return _make_datagram(bytes((ERROR << 4, invoke_id, service)) + body, route, expects_reply=False)


def make_abort(invoke_id: int, reason: int, route: bytes = b"") -> bytes:
    """Return a server's abort (20.1.9): the answer to a request that is too large for us."""
    return _make_datagram(bytes((ABORT << 4 | 1, invoke_id, reason)), route, expects_reply=False)


def make_route(network: int | None, mac: bytes) -> bytes:
    """Return two octets of the network (1..65534) and the address there; empty without a network.

    It equals the source that ``hear`` returns for such a device's answer.  Raises ValueError for another
    network, or an address of no or more than 255 octets.
    """
    if network is None:
        return b""
    if not 0 < network < 0xFFFF or not 0 < len(mac) <= 0xFF:
        raise ValueError(f"network {network}, address of {len(mac)} octets")
    return network.to_bytes(2, "big") + mac


def _make_datagram(apdu: bytes, route: bytes, *, expects_reply: bool) -> bytes:
    control = (_EXPECTS_REPLY if expects_reply else 0) | (_HAS_DESTINATION if route else 0)
    way = route[:2] + bytes((len(route) - 2,)) + route[2:] + _HOPS if route else b""
    npdu = bytes((_VERSION, control)) + way + apdu
    return bytes((_BVLC, _UNICAST)) + (4 + len(npdu)).to_bytes(2, "big") + npdu


I_AM_SERVICE = 0
"""Of the unconfirmed ones (clause 21, BACnetUnconfirmedServiceChoice)."""


SEGMENTED_BOTH, SEGMENTED_TRANSMIT, SEGMENTED_RECEIVE, NO_SEGMENTATION = range(4)
"""BACnetSegmentation."""


@dataclass(frozen=True, slots=True)
class IAm:
    """An I-Am announcement: instance, place, largest accepted APDU, segmentation and vendor of a device."""

    instance: int
    place: DevicePlace
    apdu_max: int
    segmentation: int
    vendor_id: int


def parse_i_am(data: bytes, at: int, host: Host, source: bytes) -> IAm | None:
    """Return the I-Am whose own part begins at ``at``; None if it is none.

    ``source`` is the network and MAC behind ``host``.
    """
    try:
        said = parse_elements(data[at:])
    except FaultError:
        return None
    if [one.kind for one in said] != [OBJECT, UNSIGNED, ENUMERATED, UNSIGNED]:
        return None
    device, apdu_max, segmentation, vendor_id = (one.value for one in said)
    if not isinstance(device, ObjectId) or device.object_type != OBJECT_TYPES["device"]:
        return None
    if not (isinstance(apdu_max, int) and isinstance(segmentation, int) and isinstance(vendor_id, int)):
        return None
    place = DevicePlace(host, int.from_bytes(source[:2], "big"), source[2:]) if source else DevicePlace(host)
    return IAm(device.instance, place, apdu_max, segmentation, vendor_id)


_PRIORITIES = range(1, 17)


def make_read_property(ref: Ref) -> bytes:
    """Return a ReadProperty-Request (15.5)."""
    return encode_object_field(0, ref) + encode_field(1, ref.property_id) + _encode_index(2, ref)


def make_read_multiple(refs: Iterable[Ref]) -> bytes:
    """Return a ReadPropertyMultiple-Request (15.7).

    Consecutive properties of one object share its head.
    """
    return b"".join(
        encode_object_field(0, Ref(kind, instance, 0))
        + b"\x1e"
        + b"".join(encode_field(0, ref.property_id) + _encode_index(1, ref) for ref in own)
        + b"\x1f"
        for (kind, instance), own in groupby(refs, key=lambda ref: (ref.object_type, ref.instance))
    )


def make_write_property(ref: Ref, value: bytes, priority: int | None = None) -> bytes:
    """Return a WriteProperty-Request (15.9) of an encoded ``value``.

    ``priority`` is 1..16, or None if there is no priority array.  Null at a priority relinquishes it (19.2).
    Raises ValueError for another priority.
    """
    if priority is not None and priority not in _PRIORITIES:
        raise ValueError(f"priority {priority}, expected 1 to 16")
    ask = make_read_property(ref) + b"\x3e" + value + b"\x3f"
    return ask if priority is None else ask + encode_field(4, priority)


def make_subscribe(
    process_id: int, object_type: int, instance: int, *, confirmed: bool, lifetime_s: int
) -> bytes:
    """Return a SubscribeCOV-Request (13.14); a ``lifetime_s`` of 0 has no end.

    A request with the process ID of an existing subscription renews it.
    """
    head = encode_field(0, process_id) + encode_object_field(1, Ref(object_type, instance, 0))
    return head + encode_field(2, int(confirmed)) + encode_field(3, lifetime_s)


def make_unsubscribe(process_id: int, object_type: int, instance: int) -> bytes:
    """Return a SubscribeCOV-Request that ends a subscription.

    Both optional parameters are absent then (13.14.1.3, 13.14.1.4).
    """
    return encode_field(0, process_id) + encode_object_field(1, Ref(object_type, instance, 0))


def encode_field(number: int, value: int) -> bytes:
    """Return an unsigned, an enumerated or a boolean under a context tag below 15 (20.2.4).

    It has the fewest octets that hold it.  Raises ValueError for more than four.
    """
    octets = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    if len(octets) > 4:
        raise ValueError(f"{value} takes more than four octets")
    return bytes((number << 4 | 8 | len(octets),)) + octets


def encode_object_field(number: int, ref: Ref) -> bytes:
    """Return the object identifier of a property under a context tag (20.2.14)."""
    return bytes((number << 4 | 0x0C,)) + (ref.object_type << 22 | ref.instance).to_bytes(4, "big")


def _encode_index(number: int, ref: Ref) -> bytes:
    return b"" if ref.index == WHOLE_ARRAY else encode_field(number, ref.index)


REQUEST_MAX = 64
"""Octets of a request's datagram at most: some twenty properties."""


NOTIFICATION_MAX = 160
"""Octets of an unconfirmed one: I-Have, with a name of 100 letters behind a router."""


_I_AM, _I_HAVE, _WHO_HAS, _WHO_IS = 0, 1, 7, 8
_SERVICES = frozenset((_I_AM, _I_HAVE, _WHO_HAS, _WHO_IS))
"""Unconfirmed services that it does something with (clause 21, BACnetUnconfirmedServiceChoice)."""


_UNREQUESTED = frozenset((SIMPLE_ACK, COMPLEX_ACK, SEGMENT, ERROR, REJECT))
"""Answers: the library sends no confirmed requests, so none is for it."""


def is_for_library(heard: Heard | None, size: int) -> bool:
    """Return whether the library receives a datagram of ``size`` octets that the line does not need itself.

    ``heard`` is None for a message to no application: those of routers and BBMDs.
    """
    if heard is None:
        return size <= DATAGRAM_MAX
    pdu, _, service = heard[:3]
    if pdu == UNCONFIRMED:
        return service in _SERVICES and size <= NOTIFICATION_MAX
    return pdu not in _UNREQUESTED and (pdu != CONFIRMED or size <= REQUEST_MAX)


def is_too_long(heard: Heard, size: int) -> bool:
    """Return whether it is a request that its sender should make shorter."""
    return heard[0] == CONFIRMED and size > REQUEST_MAX
