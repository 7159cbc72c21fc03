"""Parse the answer to a Read into values, codes and time stamps; no length in it is trusted.  Pure.

Binary encoding: OPC 10000-6, 5.2.2 (NodeId 5.2.2.9, Variant 5.2.2.16, DataValue 5.2.2.17).  The library makes
an object of each value, with datetimes; here a scalar with its time stamps costs one look into a table and
one unpacking.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from quartier_drivers.opcua.node_types import LOCALIZED_TEXT_TYPE, STRING_TYPE

RawValue = bool | int | float | str | None
"""A value as received; None if there is none, or none that a point could take."""

READ_RESPONSE = 634
"""ReadResponse_Encoding_DefaultBinary (OPC 10000-6, annex A)."""
_FIXED: Mapping[int, str] = {
    1: "?",
    2: "b",
    3: "B",
    4: "h",
    5: "H",
    6: "i",
    7: "I",
    8: "q",
    9: "Q",
    10: "f",
    11: "d",
    13: "q",
    19: "I",
}
# A Guid, a DateTime and a StatusCode are no values that a point could take.
_VALUELESS_TYPES = frozenset({13, 14, 19})
_SIZES = {**{kind: struct.calcsize(f"<{code}") for kind, code in _FIXED.items()}, 14: 16}
_VALUE, _STATUS, _SOURCE, _SERVER, _SOURCE_PICO, _SERVER_PICO = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_DEPTH_MAX = 16


class NodeValue(NamedTuple):
    """The value of a node; ``kind`` is the number of its built-in type, 0 if there is no value.

    Time stamps are in 100 ns since 1601 (UTC), 0 if there is none.
    """

    raw: RawValue
    kind: int
    status: int
    source: int
    server: int


class ReadAnswer(NamedTuple):
    """The answer to a Read; ``sent`` is its time by the server's own clock (100 ns since 1601)."""

    sent: int
    values: Sequence[NodeValue]


class GarbledAnswer(ValueError):  # noqa: N818 - a state of an answer
    """The data is no answer to a Read, or ends too early."""


def parse_answer(data: bytes, count: int) -> ReadAnswer:
    """Return the values of ``count`` nodes in ``data``, the body of a message.  Raises GarbledAnswer."""
    try:
        return _parse_answer(data, count)
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError, RecursionError) as error:
        raise GarbledAnswer(
            f"an answer of {len(data)} bytes ends too early or makes no sense: {error}"
        ) from error


def _parse_answer(data: bytes, count: int) -> ReadAnswer:
    kind, at = _parse_node(data, 0)
    if kind != READ_RESPONSE:
        raise GarbledAnswer(f"an answer of type {kind} to a Read")
    sent, at = _parse_header(data, at)
    told = _INT.unpack_from(data, at)[0]
    at += 4
    if told != count:
        raise GarbledAnswer(f"an answer for {told} nodes, {count} were asked for")
    values: list[NodeValue] = []
    append, forms = values.append, _FORMS
    for _ in range(count):
        mask = data[at]
        form = forms.get(mask << 8 | data[at + 1]) if mask & _VALUE else None
        if form is None:
            value, at = _parse_data_value(data, at, 0)
            append(value)
            continue
        unpack, size, make = form
        append(make(unpack(data, at + 2)))
        at += size
        if at > len(data):
            raise GarbledAnswer("an answer that ends too early")
    return ReadAnswer(sent, values)


_Builder = Callable[[tuple[bool | int | float, ...]], NodeValue]
_INT = struct.Struct("<i")
_TICKS = struct.Struct("<q")
_CODE = struct.Struct("<I")


def _make_builder(kind: int, mask: int) -> _Builder:
    """Return a function that makes a NodeValue of unpacked fields."""
    has_status, has_source, has_server = (bool(mask & bit) for bit in (_STATUS, _SOURCE, _SERVER))
    status_at = 1
    source_at = status_at + has_status
    server_at = source_at + has_source
    known = None if kind in _VALUELESS_TYPES else 0

    def make(found: tuple[bool | int | float, ...]) -> NodeValue:
        return NodeValue(
            None if known is None else found[0],
            kind,
            int(found[status_at]) if has_status else 0,
            int(found[source_at]) if has_source else 0,
            int(found[server_at]) if has_server else 0,
        )

    if known == 0 and (has_status, has_source, has_server) == (False, True, True):
        return lambda found: NodeValue(found[0], kind, 0, found[1], found[2])  # type: ignore[arg-type]  # ticks are whole
    return make


def _make_form(
    kind: int, mask: int
) -> tuple[Callable[[bytes, int], tuple[bool | int | float, ...]], int, _Builder]:
    layout = "<" + _FIXED[kind]
    layout += "I" if mask & _STATUS else ""
    layout += "q" if mask & _SOURCE else ""
    layout += "xx" if mask & _SOURCE_PICO else ""
    layout += "q" if mask & _SERVER else ""
    layout += "xx" if mask & _SERVER_PICO else ""
    unpacker = struct.Struct(layout)
    return unpacker.unpack_from, 2 + unpacker.size, _make_builder(kind, mask)


_FORMS = {
    mask << 8 | kind: _make_form(kind, mask)
    for kind in _FIXED
    for mask in range(0x40)
    if mask & _VALUE  # without it there is no type
}
"""The unpacking of a scalar of a fixed size, by its first two bytes."""


def _parse_header(data: bytes, at: int) -> tuple[int, int]:
    """Return the time of the answer, and the end of its ResponseHeader (OPC 10000-4, 7.33)."""
    sent = _TICKS.unpack_from(data, at)[0]
    at = _skip_diagnostics(data, at + 16, 0)  # over the handle and the result, which the link has looked at
    (strings_count,) = _INT.unpack_from(data, at)
    at += 4
    for _ in range(max(0, strings_count)):
        at = _skip_bytes(data, at)
    return sent, _skip_extension(data, at)


def _parse_data_value(data: bytes, at: int, depth: int) -> tuple[NodeValue, int]:
    mask = data[at]
    at += 1
    raw, kind, status, source, server = None, 0, 0, 0, 0
    if mask & _VALUE:
        (raw, kind), at = _parse_variant(data, at, depth)
    if mask & _STATUS:
        status, at = _CODE.unpack_from(data, at)[0], at + 4
    if mask & _SOURCE:
        source, at = _TICKS.unpack_from(data, at)[0], at + 8
    at += 2 * bool(mask & _SOURCE_PICO)
    if mask & _SERVER:
        server, at = _TICKS.unpack_from(data, at)[0], at + 8
    at += 2 * bool(mask & _SERVER_PICO)
    if mask & 0xC0 or at > len(data):
        raise GarbledAnswer("a value whose mask makes no sense, or that ends too early")
    return NodeValue(raw, kind, status, source, server), at


def _parse_variant(data: bytes, at: int, depth: int) -> tuple[tuple[RawValue, int], int]:
    """Return a scalar, or the only element of an array; of anything else only its end."""
    mask = data[at]
    kind, at = mask & 0x3F, at + 1
    count = 1
    if mask & 0x80:
        count, at = max(0, _INT.unpack_from(data, at)[0]), at + 4
        if count > len(data):  # an element has a byte at least
            raise GarbledAnswer(f"an array of {count} elements in {len(data)} bytes")
    raw: RawValue = None
    if kind in _SIZES:
        size = _SIZES[kind]
        if count == 1 and kind not in _VALUELESS_TYPES:
            raw = struct.unpack_from(f"<{_FIXED[kind]}", data, at)[0]
        at += size * count
    elif kind:  # elements without a type take no bytes, whatever their stated number
        for _ in range(count):
            raw, at = _parse_element(data, at, kind, depth)
    if mask & 0x40:
        dimensions_count, at = _INT.unpack_from(data, at)[0], at + 4
        at += 4 * max(0, dimensions_count)
    if at > len(data):
        raise GarbledAnswer("a value that ends too early")
    return (raw if count == 1 else None, kind), at


def _parse_element(data: bytes, at: int, kind: int, depth: int) -> tuple[RawValue, int]:
    """Return one element of a type without a fixed size."""
    if depth > _DEPTH_MAX:
        raise GarbledAnswer("values nested too deep")
    if kind == STRING_TYPE:
        return _parse_text(data, at)
    if kind == LOCALIZED_TEXT_TYPE:
        return _parse_localized(data, at)
    return None, _SKIP[kind](data, at, depth) if kind in _SKIP else _skip_bytes(data, at)


def _parse_text(data: bytes, at: int) -> tuple[str | None, int]:
    (length,) = _INT.unpack_from(data, at)
    end = _skip_bytes(data, at)
    return (None if length < 0 else data[at + 4 : end].decode("utf-8", "replace")), end


def _parse_localized(data: bytes, at: int) -> tuple[str | None, int]:
    mask, at = data[at], at + 1
    if mask & 0x01:
        at = _skip_bytes(data, at)
    return _parse_text(data, at) if mask & 0x02 else (None, at)


def _skip_bytes(data: bytes, at: int) -> int:
    (length,) = _INT.unpack_from(data, at)
    end: int = at + 4 + max(0, length)
    if end > len(data):
        raise GarbledAnswer("a text that ends too early")
    return end


def _parse_node(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of a numeric node (-1: it has none), and its end."""
    mask = data[at]
    form = mask & 0x3F
    if form == 0:
        number, at = data[at + 1], at + 2
    elif form == 1:
        number, at = struct.unpack_from("<H", data, at + 2)[0], at + 4
    elif form == 2:
        number, at = _CODE.unpack_from(data, at + 3)[0], at + 7
    elif form in (3, 5):
        number, at = -1, _skip_bytes(data, at + 3)
    elif form == 4:
        number, at = -1, at + 19
    else:
        raise GarbledAnswer(f"a node of form {form}")
    if mask & 0x80:
        at = _skip_bytes(data, at)
    if mask & 0x40:
        at += 4
    return number, at


def _skip_extension(data: bytes, at: int) -> int:
    _, at = _parse_node(data, at)
    has_body, at = data[at], at + 1
    return _skip_bytes(data, at) if has_body else at


def _skip_diagnostics(data: bytes, at: int, depth: int) -> int:
    """Return the end of a DiagnosticInfo (OPC 10000-6, 5.2.2.12)."""
    if depth > _DEPTH_MAX:
        raise GarbledAnswer("diagnostics nested too deep")
    mask, at = data[at], at + 1
    at += 4 * sum(bool(mask & bit) for bit in (0x01, 0x02, 0x08, 0x04))
    if mask & 0x10:
        at = _skip_bytes(data, at)
    at += 4 * bool(mask & 0x20)
    return _skip_diagnostics(data, at, depth + 1) if mask & 0x40 else at


_SKIP: Mapping[int, Callable[[bytes, int, int], int]] = {
    17: lambda data, at, _: _parse_node(data, at)[1],
    18: lambda data, at, _: _parse_node(data, at)[1],
    20: lambda data, at, _: _skip_bytes(data, at + 2),
    22: lambda data, at, _: _skip_extension(data, at),
    23: lambda data, at, depth: _parse_data_value(data, at, depth + 1)[1],
    24: lambda data, at, depth: _parse_variant(data, at, depth + 1)[1],
    25: _skip_diagnostics,
}
"""The end of an element whose value no point could take; types that are not here are ByteStrings."""
