"""Bytes of a connection or of datagrams in the frames of a network again, as an analyser wants to see them.

Only the bytes were kept, not the packets that brought them: the heads are made anew.  Ports are those that
the protocol has by rule, so that an analyser knows it without being told.
"""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

_OURS, _THEIRS = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")  # locally administered
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_FIN, _SYN, _RST, _PUSH, _ACK = 1, 2, 4, 8, 16
_WINDOW = 0xFFFF
_UNKNOWN = "0.0.0.0", 0  # noqa: S104 - nothing is bound to it
PIECE_MAX_BYTES = 65_000


def ends(text: str) -> tuple[Address, int]:
    """Address and port of ``address:port``; of nothing, zeros."""
    host, _, port = text.rpartition(":")
    host, number = (host, int(port)) if host else _UNKNOWN
    return ip_address(host.partition("%")[0]), number


class Connection:
    """One TCP connection between us (``here``) and the other end: frames with sequence numbers that fit."""

    def __init__(self, here: tuple[Address, int], there: tuple[Address, int]) -> None:
        self._ends = {False: here, True: there}
        self._next = {False: 1, True: 1}

    def open(self) -> list[tuple[bool, bytes]]:
        """The three frames of its begin, each with whether it came to us."""
        self._next = {False: 0, True: 0}
        begun = [
            (False, self._frame(_SYN, from_there=False)),
            (True, self._frame(_SYN | _ACK, from_there=True)),
        ]
        return [*begun, (False, self._frame(_ACK, from_there=False))]

    def carry(self, data: bytes, *, from_there: bool) -> bytes:
        """A frame with bytes."""
        return self._frame(_PUSH | _ACK, data, from_there=from_there)

    def end(self, *, from_there: bool, is_hard: bool) -> bytes:
        """The frame with which one side ends it."""
        return self._frame(_RST | _ACK if is_hard else _FIN | _ACK, from_there=from_there)

    def _frame(self, flags: int, data: bytes = b"", *, from_there: bool) -> bytes:
        (source, from_port), (target, to_port) = self._ends[from_there], self._ends[not from_there]
        acknowledged = self._next[not from_there] if flags & _ACK else 0
        heads = (from_port, to_port, self._next[from_there], acknowledged, 5 << 4, flags, _WINDOW)
        self._next[from_there] = (self._next[from_there] + len(data) + bool(flags & (_SYN | _FIN))) % 2**32
        blank = struct.pack(">HHIIBBHHH", *heads, 0, 0)
        check = _checksum(_pseudo(source, target, _TCP, len(blank) + len(data)) + blank + data)
        segment = struct.pack(">HHIIBBHHH", *heads, check, 0) + data
        return _ethernet(source, target, _TCP, segment, from_there=from_there)


def datagram(
    here: tuple[Address, int], there: tuple[Address, int], data: bytes, *, from_there: bool
) -> bytes:
    """A frame with one UDP datagram."""
    (source, from_port), (target, to_port) = (there, here) if from_there else (here, there)
    size = 8 + len(data)
    blank = struct.pack(">HHHH", from_port, to_port, size, 0)
    check = _checksum(_pseudo(source, target, _UDP, size) + blank + data) or 0xFFFF
    segment = struct.pack(">HHHH", from_port, to_port, size, check) + data
    return _ethernet(source, target, _UDP, segment, from_there=from_there)


def _ethernet(source: Address, target: Address, protocol: int, segment: bytes, *, from_there: bool) -> bytes:
    cards = _OURS + _THEIRS if from_there else _THEIRS + _OURS
    if isinstance(source, IPv6Address):
        head = struct.pack(">IHBB", 6 << 28, len(segment), protocol, 64) + source.packed + target.packed
        return cards + struct.pack(">H", _IPV6) + head + segment
    fields = (0x45, 0, 20 + len(segment), 0, 0x4000, 64, protocol)
    packed = source.packed + target.packed
    check = _checksum(struct.pack(">BBHHHBBH", *fields, 0) + packed)
    head = struct.pack(">BBHHHBBH", *fields, check) + packed
    return cards + struct.pack(">H", _IPV4) + head + segment


def _pseudo(source: Address, target: Address, protocol: int, size: int) -> bytes:
    if isinstance(source, IPv6Address):
        return source.packed + target.packed + struct.pack(">II", size, protocol)
    return source.packed + target.packed + struct.pack(">BBH", 0, protocol, size)


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    even = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


_TAG_NAME, _TAG_SOURCE_PORT, _TAG_TARGET_PORT, _TAG_END = 12, 25, 26, 0


def named(protocol: str, data: bytes) -> bytes:
    """Bytes of a protocol that an analyser knows by name (``wireshark-upper-pdu``), without a network."""
    name = protocol.encode()
    name += bytes(-len(name) % 4)
    return struct.pack(">HH", _TAG_NAME, len(name)) + name + struct.pack(">HH", _TAG_END, 0) + data
