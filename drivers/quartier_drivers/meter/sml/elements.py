"""Decodes SML's binary coding: type and length before each element, lists within lists; pure.

BSI TR-03109-1, annex IV part b, 6.3 (SML binary encoding): the TL field's first byte is ``mttt llll``:
another TL byte follows, type, length including the TL field (of a list: number of elements).
"""

from dataclasses import dataclass

DEPTH_MAX = 12
"""Deepest nesting of lists; a list response has five levels."""
_TL_BYTES_MAX = 4
_NUMBER_MAX = 16  # bytes; the standard has eight

_MORE = 0x80
_TYPE = 0x70
_OCTETS = 0x00
_BOOLEAN = 0x40
_SIGNED = 0x50
_UNSIGNED = 0x60
_LIST = 0x70


class Malformed(Exception):  # noqa: N818 - what came, not what failed
    """The bytes are no SML element."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number as it was coded: in ``size`` bytes, with or without a sign."""

    value: int
    size: int
    is_signed: bool


Element = bytes | bool | Whole | list["Element"] | None
"""None is an omitted optional element."""


def head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the TL field at ``at``: type, length without the field (of a list: its elements), and its end.

    An octet string of length -1 is the end of a message (or what some meters send for nothing). Raises
    Malformed.
    """
    try:
        first = byte = data[at]
        length, end = byte & 0x0F, at + 1
        while byte & _MORE:
            byte = data[end]
            if byte & _TYPE or end - at >= _TL_BYTES_MAX:
                raise Malformed("a TL field that is none")
            length, end = length << 4 | byte & 0x0F, end + 1
    except IndexError:
        raise Malformed("it ends within a TL field") from None
    kind = first & _TYPE
    if kind != _LIST:
        length -= end - at
        if length < 0 and (kind != _OCTETS or end - at > 1):
            raise Malformed("a length shorter than its TL field")
        if end + length > len(data):
            raise Malformed("it ends within an element")
    elif length > len(data) - end:
        raise Malformed("it ends within a list")
    return kind, length, end


def element(data: bytes, at: int, depth: int = 0) -> tuple[Element, int]:
    """Return the element at ``at`` and the place of the next one.  Raises Malformed."""
    kind, length, end = head(data, at)
    if kind == _LIST:
        if depth >= DEPTH_MAX:
            raise Malformed("lists too deep in each other")
        items: list[Element] = []
        for _ in range(length):
            item, end = element(data, end, depth + 1)
            items.append(item)
        return items, end
    if length <= 0:
        return None, end
    content = data[end : end + length]
    end += length
    if kind == _OCTETS:
        return content, end
    if kind == _BOOLEAN:
        return any(content), end
    if kind not in (_SIGNED, _UNSIGNED) or length > _NUMBER_MAX:
        raise Malformed("a type that SML does not have")
    is_signed = kind == _SIGNED
    return Whole(int.from_bytes(content, "big", signed=is_signed), length, is_signed), end


def list_at(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of elements of the list at ``at``, and the place of the first.  Raises Malformed."""
    kind, length, end = head(data, at)
    if kind != _LIST:
        raise Malformed("no list where one should be")
    return length, end


def number_at(data: bytes, at: int) -> tuple[int, int]:
    """Return the whole number at ``at`` and the place of the next element.  Raises Malformed."""
    found, end = element(data, at)
    if not isinstance(found, Whole):
        raise Malformed("no number where one should be")
    return found.value, end
