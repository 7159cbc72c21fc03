"""SML's binary form: type-length bytes and what follows them.

Source: SML 1.04 (BSI TR-03109-1 annex IV), section 6.2: the high nibble is the type (0 octets, 4
boolean, 5 integer, 6 unsigned, 7 list), the low one the length with its own bytes, for lists the
number of elements; bit 7: another length byte follows.  01 is an omitted element.
"""

from collections.abc import Sequence

ABSENT, END = b"\x01", b"\x00"
_OCTETS, _BOOLEAN, _SIGNED, _UNSIGNED, _LIST = 0, 4, 5, 6, 7
_MORE = 0x80


def _head(kind: int, number: int) -> bytes:
    """Type and length: as many nibbles of ``number`` as it needs."""
    nibbles = [number & 0xF]
    while number := number >> 4:
        nibbles.insert(0, number & 0xF)
    heads = [nibble | (_MORE if place < len(nibbles) - 1 else 0) for place, nibble in enumerate(nibbles)]
    heads[0] |= kind << 4
    return bytes(heads)


def _sized(kind: int, content: bytes) -> bytes:
    """Return a value with a length that counts its own head."""
    heads = (_head(kind, len(content) + count) for count in range(1, 9))
    return next(head for count, head in enumerate(heads, 1) if len(head) == count) + content


def octets(content: bytes | None) -> bytes:
    """An octet string; None: left out."""
    return ABSENT if content is None else _sized(_OCTETS, content)


def unsigned(value: int, width: int) -> bytes:
    """An unsigned number in ``width`` bytes (1..8).  Raises OverflowError when it does not fit."""
    return _sized(_UNSIGNED, value.to_bytes(width, "big"))


def signed(value: int, width: int) -> bytes:
    """A number in two's complement in ``width`` bytes (1..8).  Raises OverflowError when it does not fit."""
    return _sized(_SIGNED, value.to_bytes(width, "big", signed=True))


def boolean(value: bool) -> bytes:  # noqa: FBT001 - it is the value
    """Any byte but 0 is true."""
    return _sized(_BOOLEAN, b"\xff" if value else b"\x00")


def sequence(parts: Sequence[bytes]) -> bytes:
    """A list; its length counts the elements alone."""
    return _head(_LIST, len(parts)) + b"".join(parts)
