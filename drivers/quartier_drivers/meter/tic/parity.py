"""Seven bits and even parity, received through a port with eight bits and no parity.

The line is 7E1 (Enedis-NOI-CPT_54E, chapter 5.3).  A port or a capture of eight bits shows the parity as bit
7: each byte then proves itself, and one with odd parity is damaged.
"""

DAMAGED = 0xFF
"""Replaces a byte of odd parity: no group contains it."""

_EVEN = bytes(byte & 0x7F if byte.bit_count() % 2 == 0 else DAMAGED for byte in range(256))


def stripped(span: bytes) -> bytes:
    """Return the seven bits of each byte with even parity, ``DAMAGED`` for all others."""
    return span.translate(_EVEN)
