"""Seven bits and even parity, also if they were received as eight bits without parity; pure."""

_EVEN = [byte.bit_count() % 2 == 0 for byte in range(256)]

SEVEN = bytes(byte & 0x7F for byte in range(256))
"""Table for ``bytes.translate`` that removes the parity bit."""
DAMAGED = 0x7F
"""Replaces a character that cannot have been sent; no meter sends it (DEL)."""

_PARITY = bytes(byte & 0x7F if _EVEN[byte] else DAMAGED for byte in range(256))
_PLAIN = bytes(byte if byte < 0x80 else DAMAGED for byte in range(256))
_SET_BITS = bytes(byte for byte in range(0x80, 0x100) if _EVEN[byte])
_CLEAR_BITS = bytes(byte for byte in range(0x80) if not _EVEN[byte])


def characters(raw: bytes) -> bytes:
    """Return the characters of a message, with ``DAMAGED`` for those with visible damage.

    A line of 7E1 that was received as 8N1 has its parity in the highest bit: each character can then be
    checked.
    """
    if raw.isascii():
        return raw
    has_parity = _count(raw, _SET_BITS) > _count(raw, _CLEAR_BITS)
    return raw.translate(_PARITY if has_parity else _PLAIN)


def _count(raw: bytes, which: bytes) -> int:
    return len(raw) - len(raw.translate(None, which))
