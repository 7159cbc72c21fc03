"""Network frames and pcapng blocks.

Only the bytes were recorded, not the packets that carried them: the headers are made again. Ports are the
standard ports of the protocol, so that an analyser recognises it. Times are in ns. The direction of a packet
is in its flags, other information in comments.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address
_OWN_MAC, _PEER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")  # locally administered
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_FIN, _SYN, _RST, _PUSH, _ACK = 1, 2, 4, 8, 16
_WINDOW = 0xFFFF
_UNKNOWN_ENDPOINT = "0.0.0.0", 0  # noqa: S104 - nothing is bound to it
PIECE_MAX_BYTES = 65_000


def parse_endpoint(text: str) -> tuple[Address, int]:
    """Return address and port of ``address:port``; zeros for an empty text."""
    host, _, port = text.rpartition(":")
    host, number = (host, int(port)) if host else _UNKNOWN_ENDPOINT
    return ip_address(host.partition("%")[0]), number


class TcpConnection:
    """One TCP connection between us (``here``) and the other end: frames with matching sequence numbers."""

    def __init__(self, here: tuple[Address, int], there: tuple[Address, int]) -> None:
        self._ends = {False: here, True: there}
        self._next = {False: 1, True: 1}

    def open(self) -> list[tuple[bool, bytes]]:
        """Return the three frames of its start, each with whether it came to us."""
        self._next = {False: 0, True: 0}
        begun = [
            (False, self._frame(_SYN, from_there=False)),
            (True, self._frame(_SYN | _ACK, from_there=True)),
        ]
        return [*begun, (False, self._frame(_ACK, from_there=False))]

    def carry(self, data: bytes, *, from_there: bool) -> bytes:
        """Return a frame with data."""
        return self._frame(_PUSH | _ACK, data, from_there=from_there)

    def end(self, *, from_there: bool, is_hard: bool) -> bytes:
        """Return the frame with which one side closes it."""
        return self._frame(_RST | _ACK if is_hard else _FIN | _ACK, from_there=from_there)

    def _frame(self, flags: int, data: bytes = b"", *, from_there: bool) -> bytes:
        (source, from_port), (target, to_port) = self._ends[from_there], self._ends[not from_there]
        acknowledged = self._next[not from_there] if flags & _ACK else 0
        heads = (from_port, to_port, self._next[from_there], acknowledged, 5 << 4, flags, _WINDOW)
        self._next[from_there] = (self._next[from_there] + len(data) + bool(flags & (_SYN | _FIN))) % 2**32
        blank = struct.pack(">HHIIBBHHH", *heads, 0, 0)
        check = _find_checksum(
            _make_pseudo_header(source, target, _TCP, len(blank) + len(data)) + blank + data
        )
        segment = struct.pack(">HHIIBBHHH", *heads, check, 0) + data
        return _make_ethernet_frame(source, target, _TCP, segment, from_there=from_there)


def make_datagram(
    here: tuple[Address, int], there: tuple[Address, int], data: bytes, *, from_there: bool
) -> bytes:
    """Return a frame with one UDP datagram."""
    (source, from_port), (target, to_port) = (there, here) if from_there else (here, there)
    size = 8 + len(data)
    blank = struct.pack(">HHHH", from_port, to_port, size, 0)
    check = _find_checksum(_make_pseudo_header(source, target, _UDP, size) + blank + data) or 0xFFFF
    segment = struct.pack(">HHHH", from_port, to_port, size, check) + data
    return _make_ethernet_frame(source, target, _UDP, segment, from_there=from_there)


def _make_ethernet_frame(
    source: Address, target: Address, protocol: int, segment: bytes, *, from_there: bool
) -> bytes:
    cards = _OWN_MAC + _PEER_MAC if from_there else _PEER_MAC + _OWN_MAC
    if isinstance(source, IPv6Address):
        head = struct.pack(">IHBB", 6 << 28, len(segment), protocol, 64) + source.packed + target.packed
        return cards + struct.pack(">H", _IPV6) + head + segment
    fields = (0x45, 0, 20 + len(segment), 0, 0x4000, 64, protocol)
    packed = source.packed + target.packed
    check = _find_checksum(struct.pack(">BBHHHBBH", *fields, 0) + packed)
    head = struct.pack(">BBHHHBBH", *fields, check) + packed
    return cards + struct.pack(">H", _IPV4) + head + segment


def _make_pseudo_header(source: Address, target: Address, protocol: int, size: int) -> bytes:
    if isinstance(source, IPv6Address):
        return source.packed + target.packed + struct.pack(">II", size, protocol)
    return source.packed + target.packed + struct.pack(">BBH", 0, protocol, size)


def _find_checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    even = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


_TAG_NAME, _TAG_SOURCE_PORT, _TAG_TARGET_PORT, _TAG_END = 12, 25, 26, 0


def make_upper_pdu(protocol: str, data: bytes) -> bytes:
    """Return data of a protocol that an analyser knows by name (``wireshark-upper-pdu``), without network."""
    name = protocol.encode()
    name += bytes(-len(name) % 4)
    return struct.pack(">HH", _TAG_NAME, len(name)) + name + struct.pack(">HH", _TAG_END, 0) + data


LINK_ETHERNET, LINK_UPPER_PDU = 1, 252
"""LINKTYPE_ETHERNET, LINKTYPE_WIRESHARK_UPPER_PDU: frames of a network, or of a named protocol."""


_SECTION_BLOCK, _INTERFACE_BLOCK, _PACKET_BLOCK = 0x0A0D0D0A, 1, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_UNKNOWN_LENGTH = 0xFFFF_FFFF_FFFF_FFFF
_COMMENT_OPTION = 1
_APPLICATION_OPTION = 4
_NAME_OPTION, _DESCRIPTION_OPTION, _RESOLUTION_OPTION = 2, 3, 9
_NANOSECONDS = 9
_FLAGS_OPTION = 2
_INBOUND, _OUTBOUND = 1, 2


@dataclass(frozen=True, slots=True)
class CapturedPacket:
    """One packet at ``utc_ns`` (Unix); ``is_inbound``: it came to us."""

    utc_ns: int
    data: bytes
    is_inbound: bool
    comment: str = ""


def make_pcapng(link_type: int, name: str, about: str, packets: Iterable[CapturedPacket]) -> bytes:
    """Return a complete file with one interface called ``name``; ``about`` is the comment of the section."""
    head = struct.pack("<IHHQ", _BYTE_ORDER_MAGIC, 1, 0, _UNKNOWN_LENGTH)
    section = _make_block(
        _SECTION_BLOCK, head, [(_COMMENT_OPTION, about.encode()), (_APPLICATION_OPTION, b"quartier record")]
    )
    options = [
        (_NAME_OPTION, name.encode()),
        (_DESCRIPTION_OPTION, about.partition("\n")[0].encode()),
        (_RESOLUTION_OPTION, bytes([_NANOSECONDS])),
    ]
    interface = _make_block(_INTERFACE_BLOCK, struct.pack("<HHI", link_type, 0, 0), options)
    return b"".join([section, interface, *map(_make_packet_block, packets)])


def _make_packet_block(packet: CapturedPacket) -> bytes:
    size = len(packet.data)
    high, low = packet.utc_ns >> 32, packet.utc_ns & 0xFFFF_FFFF
    body = struct.pack("<IIIII", 0, high, low, size, size) + _pad(packet.data)
    flags = struct.pack("<I", _INBOUND if packet.is_inbound else _OUTBOUND)
    options = [(_FLAGS_OPTION, flags)]
    if packet.comment:
        options.append((_COMMENT_OPTION, packet.comment.encode()))
    return _make_block(_PACKET_BLOCK, body, options)


def _make_block(kind: int, body: bytes, options: Iterable[tuple[int, bytes]]) -> bytes:
    tail = b"".join(struct.pack("<HH", code, len(value)) + _pad(value) for code, value in options)
    inside = body + tail + bytes(4)
    size = struct.pack("<I", len(inside) + 12)
    return struct.pack("<I", kind) + size + inside + size


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
