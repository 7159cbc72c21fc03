"""Frame an APDU on UDP: the BVLC of Annex J and the NPDU of clause 6 (ASHRAE 135-2020)."""

import struct
from dataclasses import dataclass, field

FORWARDED, UNICAST, BROADCAST = 0x04, 0x0A, 0x0B
_BVLC, _VERSION = 0x81, 1
_HEAD_BYTES, _ORIGIN_BYTES = 4, 6
_MESSAGE, _HAS_TO, _HAS_FROM, _WANTS_REPLY = 0x80, 0x20, 0x08, 0x04
_HOPS_MAX = 255
WHO_IS_ROUTER, I_AM_ROUTER, REJECT_MESSAGE = 0, 1, 3
GLOBAL = 0xFFFF
NOT_DIRECTLY_CONNECTED = 1


@dataclass(frozen=True, slots=True)
class Place:
    """A station on a network: ``mac`` is empty for all of that network."""

    network: int
    mac: bytes = b""


@dataclass(frozen=True, slots=True)
class Packet:
    """One NPDU: ``message`` is the type of a message between routers, None for an APDU in ``data``."""

    data: bytes
    to: Place | None = None
    source: Place | None = None
    message: int | None = None
    wants_reply: bool = field(default=False, compare=False)


def datagram(packet: Packet, function: int = UNICAST) -> bytes:
    """Its octets on UDP."""
    npdu = _npdu(packet)
    return struct.pack(">BBH", _BVLC, function, _HEAD_BYTES + len(npdu)) + npdu


def _npdu(packet: Packet) -> bytes:
    control = _WANTS_REPLY if packet.wants_reply else 0
    control |= 0 if packet.message is None else _MESSAGE
    parts = []
    if packet.to is not None:
        control |= _HAS_TO
        parts.append(_placed(packet.to))
    if packet.source is not None:
        control |= _HAS_FROM
        parts.append(_placed(packet.source))
    if packet.to is not None:
        parts.append(bytes([_HOPS_MAX]))
    if packet.message is not None:
        parts.append(bytes([packet.message]))
    return bytes([_VERSION, control]) + b"".join(parts) + packet.data


def _placed(place: Place) -> bytes:
    return struct.pack(">HB", place.network, len(place.mac)) + place.mac


def packet(octets: bytes) -> Packet | None:
    """Return the packet of a datagram; None for a malformed one and for messages between BBMDs."""
    try:
        kind, function, length = struct.unpack_from(">BBH", octets)
        if kind != _BVLC or length != len(octets) or function not in (FORWARDED, UNICAST, BROADCAST):
            return None
        return _read(octets[_HEAD_BYTES + (_ORIGIN_BYTES if function == FORWARDED else 0) :])
    except (struct.error, IndexError):
        return None


def _read(npdu: bytes) -> Packet | None:
    version, control = npdu[0], npdu[1]
    at = 2
    to = source = None
    if version != _VERSION:
        return None
    if control & _HAS_TO:
        to, at = _place(npdu, at)
    if control & _HAS_FROM:
        source, at = _place(npdu, at)
    if control & _HAS_TO:
        at += 1
    message = None
    if control & _MESSAGE:
        message = npdu[at]
        at += 1
    return Packet(npdu[at:], to, source, message, wants_reply=bool(control & _WANTS_REPLY))


def _place(npdu: bytes, at: int) -> tuple[Place, int]:
    network, length = struct.unpack_from(">HB", npdu, at)
    mac = npdu[at + 3 : at + 3 + length]
    if len(mac) < length:
        raise IndexError(at)
    return Place(network, mac), at + 3 + length
