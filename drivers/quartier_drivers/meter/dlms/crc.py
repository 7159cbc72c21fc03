"""The check sequence of HDLC: CRC-16/X.25 (ISO/IEC 13239, annex A)."""

from binascii import crc_hqx

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def x25(data: bytes | bytearray | memoryview) -> int:
    """Return the CRC over ``data``; it is sent low byte first.

    ``crc_hqx`` computes the same polynomial from the other end, so bits are mirrored on the way in and out.
    """
    crc = crc_hqx(bytes(data).translate(_MIRRORED), 0xFFFF)
    return (_MIRRORED[crc & 0xFF] << 8 | _MIRRORED[crc >> 8]) ^ 0xFFFF


def holds(data: bytes | bytearray | memoryview, check: bytes | bytearray | memoryview) -> bool:
    """Return whether the two bytes ``check`` are the check sequence of ``data``."""
    return x25(data).to_bytes(2, "little") == check
