"""Seven bits and even parity, seen through a port that was opened with eight bits and none.

The line is 7E1 (Enedis-NOI-CPT_54E, chapter 5.3).  A port or a capture of eight bits shows the parity as
bit 7: then each byte proves itself, and one that does not is damaged.
"""

DAMAGED = 0xFF
"""What stands for a byte of odd parity: no group holds it."""

_EVEN = bytes(byte & 0x7F if byte.bit_count() % 2 == 0 else DAMAGED for byte in range(256))


def stripped(span: bytes) -> bytes:
    """The seven bits of each byte that has even parity, ``DAMAGED`` for each other."""
    return span.translate(_EVEN)
