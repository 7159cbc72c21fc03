"""Transports of an APDU: HDLC frames, the TCP wrapper, M-Bus transport segments.

Sources: IEC 62056-46 and ISO/IEC 13239 (format type 3: a nibble A, the segmentation bit, eleven bits
of length; HCS over the header, FCS over all), IEC 62056-47 (wrapper), EN 13757-2 and IEC 62056-7-3
(transport on M-Bus: CI 00..0F numbers a segment, bit 4 marks the last).
"""

import struct
from collections.abc import Iterator, Sequence

from quartier_hil.devices.meters import checks

FLAG = b"\x7e"
LLC = b"\xe6\xe7\x00"
UI = 0x13  # unnumbered information with the final bit, as pushes are
_FORMAT, _SEGMENTED = 0xA000, 0x0800
_CARRIER_MAX = 245
_FINAL = 0x10


def _address(value: int, size: int) -> bytes:
    """An HDLC address: seven bits a byte, the last byte is odd."""
    parts = [value >> 7 * place & 0x7F for place in reversed(range(size))]
    return bytes(part << 1 | (place == size - 1) for place, part in enumerate(parts))


def hdlc_frame(
    content: bytes,
    *,
    segmented: bool = False,
    target: tuple[int, int] = (0x20, 1),
    source: tuple[int, int] = (0x41, 2),
    control: int = UI,
) -> bytes:
    """One frame between its flags; addresses are (value, bytes)."""
    header = _address(*target) + _address(*source) + bytes([control])
    # The format's two bytes count, both checks count, the flags do not.
    size = 2 + len(header) + 2 + (len(content) + 2 if content else 0)
    head = struct.pack(">H", _FORMAT | (_SEGMENTED if segmented else 0) | size) + header
    head += struct.pack("<H", checks.x25(head))
    body = head + content
    return FLAG + (body + struct.pack("<H", checks.x25(body)) if content else head) + FLAG


def hdlc(apdu: bytes, *, content_max: int = 2000, shares_flags: bool = False) -> bytes:
    """As many frames as ``apdu`` needs; ``shares_flags``: one flag ends a frame and begins the next."""
    parts = list(_cut(LLC + apdu, content_max))
    frames = [hdlc_frame(part, segmented=place < len(parts) - 1) for place, part in enumerate(parts)]
    if shares_flags:
        return FLAG + b"".join(frame[1:] for frame in frames)
    return b"".join(frames)


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def wrapped(apdu: bytes, source: int = 1, target: int = 102) -> bytes:
    """The wrapper of TCP and UDP: version, ports, length."""
    return struct.pack(">HHHH", 1, source, target, len(apdu)) + apdu


def carried(apdu: bytes, *, content_max: int = _CARRIER_MAX, source: int = 1, target: int = 0x67) -> bytes:
    """Long frames of M-Bus to everybody (FF), numbered by their CI."""
    parts: Sequence[bytes] = list(_cut(apdu, content_max))
    return b"".join(
        _long(number | (_FINAL if number == len(parts) - 1 else 0), bytes([source, target]) + part)
        for number, part in enumerate(parts)
    )


def _long(ci: int, content: bytes) -> bytes:
    summed = bytes([0x53, 0xFF, ci]) + content
    size = len(summed)
    return bytes([0x68, size, size, 0x68]) + summed + bytes([checks.byte_sum(summed), 0x16])
