"""Blocks of a pcapng file (draft-ietf-opsawg-pcapng): a section, one interface, a packet after the other.

Times are in ns, the direction of a packet is in its flags, what else is to be said in comments.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

ETHERNET, UPPER_PDU = 1, 252
"""LINKTYPE_ETHERNET, LINKTYPE_WIRESHARK_UPPER_PDU: frames of a network, or of a named protocol."""

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_ORDER = 0x1A2B3C4D
_UNKNOWN_LENGTH = 0xFFFF_FFFF_FFFF_FFFF
_COMMENT = 1
_APPLICATION = 4
_NAME, _DESCRIPTION, _RESOLUTION = 2, 3, 9
_NANOSECONDS = 9
_FLAGS = 2
_INBOUND, _OUTBOUND = 1, 2


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet at ``utc_ns`` (Unix); ``is_inbound``: it came to us."""

    utc_ns: int
    data: bytes
    is_inbound: bool
    comment: str = ""


def file(link_type: int, name: str, about: str, packets: Iterable[Packet]) -> bytes:
    """A whole file with one interface called ``name``; ``about`` is the comment of the section."""
    head = struct.pack("<IHHQ", _ORDER, 1, 0, _UNKNOWN_LENGTH)
    section = _block(_SECTION, head, [(_COMMENT, about.encode()), (_APPLICATION, b"quartier record")])
    told = [
        (_NAME, name.encode()),
        (_DESCRIPTION, about.partition("\n")[0].encode()),
        (_RESOLUTION, bytes([_NANOSECONDS])),
    ]
    interface = _block(_INTERFACE, struct.pack("<HHI", link_type, 0, 0), told)
    return b"".join([section, interface, *map(_packet, packets)])


def _packet(packet: Packet) -> bytes:
    size = len(packet.data)
    moment = packet.utc_ns >> 32, packet.utc_ns & 0xFFFF_FFFF
    body = struct.pack("<IIIII", 0, *moment, size, size) + _padded(packet.data)
    flags = struct.pack("<I", _INBOUND if packet.is_inbound else _OUTBOUND)
    options = [(_FLAGS, flags)]
    if packet.comment:
        options.append((_COMMENT, packet.comment.encode()))
    return _block(_PACKET, body, options)


def _block(kind: int, body: bytes, options: Iterable[tuple[int, bytes]]) -> bytes:
    tail = b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options)
    inside = body + tail + bytes(4)
    size = struct.pack("<I", len(inside) + 12)
    return struct.pack("<I", kind) + size + inside + size


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
