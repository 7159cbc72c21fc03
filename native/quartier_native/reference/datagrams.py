"""Parses the headers of a BACnet/IP datagram (ASHRAE 135-2020, annex J, clauses 6.2 and 20.1).

This is the specification; the compiled kernel gives the same result.
"""

from quartier_native.reference.bacnet_tags import FaultError, number_at

CONFIRMED, UNCONFIRMED, SIMPLE_ACK, COMPLEX_ACK, SEGMENT_ACK, ERROR, REJECT, ABORT, SEGMENT = range(9)
"""Types of PDU (20.1.2); the last one: a piece of a segmented request or answer, whichever it is."""
DATAGRAM_MAX = 1507
"""The longest one: an NPDU of 1497 bytes (table 6-1) that a BBMD forwards."""

Heard = tuple[int, int, int, int, bytes, bytes]
"""See ``hear``."""
Notice = tuple[int, int, int, int, int]
"""See ``notice_of``."""

_BVLC, _FORWARDED, _UNICAST, _BROADCAST = 0x81, 0x04, 0x0A, 0x0B
_VERSION, _IS_NETWORK, _HAS_DESTINATION, _HAS_SOURCE = 1, 0x80, 0x20, 0x08
_EVERYWHERE = b"\xff\xff"
_DEVICE = 8
_SEGMENTED = 0x08


def hear(data: bytes) -> Heard | None:
    """The type of its PDU, the invoke ID (-1: none), the service choice, where the service's part begins, the
    source and the origin.

    ``source`` is empty for who is on the network itself, else network and address behind a router: two
    octets and the rest.  ``origin`` is empty, or the six octets (IP address, port) from which a BBMD
    forwarded it.  In the place of the service choice a reject and an abort have their reason, a segment and
    its acknowledgement the sequence number.

    None for all else: what is no BVLC message of an NPDU, is cut, longer than ``DATAGRAM_MAX`` or of another
    length than it says, is a message of the network layer or one to another network.
    """
    if (
        len(data) < 6
        or len(data) > DATAGRAM_MAX
        or data[0] != _BVLC
        or data[1] not in {_FORWARDED, _UNICAST, _BROADCAST}
    ):
        return None
    if int.from_bytes(data[2:4], "big") != len(data):
        return None
    at, origin = 4, b""
    if data[1] == _FORWARDED:
        at, origin = 10, data[4:10]
    network = _network(data, at)
    return None if network is None else _message(data, *network, origin)


def _network(data: bytes, at: int) -> tuple[int, bytes] | None:
    """Return where the APDU begins, and the source (6.2)."""
    if len(data) < at + 2 or data[at] != _VERSION or data[at + 1] & _IS_NETWORK:
        return None
    control, source, at = data[at + 1], b"", at + 2
    if control & _HAS_DESTINATION:
        if len(data) < at + 3 or data[at : at + 2] != _EVERYWHERE:
            return None
        at += 3 + data[at + 2]
    if control & _HAS_SOURCE:
        if len(data) < at + 3 or data[at + 2] == 0 or len(data) < at + 3 + data[at + 2]:
            return None
        source = data[at : at + 2] + data[at + 3 : at + 3 + data[at + 2]]
        if source[:2] in {b"\0\0", _EVERYWHERE}:
            return None
        at += 3 + data[at + 2]
    if control & _HAS_DESTINATION:
        at += 1  # hop count
    return at, source


def _message(data: bytes, at: int, source: bytes, origin: bytes) -> Heard | None:
    """The head of the APDU (20.1)."""
    if len(data) <= at:
        return None
    pdu, is_segment = data[at] >> 4, bool(data[at] & _SEGMENTED)
    if pdu > ABORT:
        return None
    if pdu == UNCONFIRMED:
        return None if len(data) < at + 2 else (pdu, -1, data[at + 1], at + 2, source, origin)
    at += 2 if pdu == CONFIRMED else 1
    if is_segment and pdu in {CONFIRMED, COMPLEX_ACK}:
        return None if len(data) < at + 4 else (SEGMENT, data[at], data[at + 1], at + 4, source, origin)
    if len(data) < at + (3 if pdu == SEGMENT_ACK else 2):
        return None
    return pdu, data[at], data[at + 1], at + (3 if pdu == SEGMENT_ACK else 2), source, origin


def notice_of(data: bytes, at: int) -> Notice | None:
    """The head of a COV notification, confirmed or not (clause 21).

    The subscriber's process, the device's instance, the object (its type by 2**22 and its instance), the
    seconds that the subscription has left, and where the list of values begins.  None where it is none.
    """
    try:
        process_id, at = number_at(data, at, 0)
        device, at = number_at(data, at, 1, least=4)
        object_id, at = number_at(data, at, 2, least=4)
        left_s, at = number_at(data, at, 3)
    except FaultError:
        return None
    return None if device >> 22 != _DEVICE else (process_id, device & 0x3FFFFF, object_id, left_s, at)
