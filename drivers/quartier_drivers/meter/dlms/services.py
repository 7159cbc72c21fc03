"""Makes requests for attributes and reads their answers: get, get with list, blocks, action; pure.

IEC 62056-5-3, 9.3.6 (GET), 9.3.8 (ACTION), 9.3.14 (exception response); Blue Book 4.3.6 (profile generic).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms.axdr import Item, Malformed, Reader, written

_GET, _ACTION, _GOT, _ACTED, _EXCEPTION, _SERVICE_ERROR = 0xC0, 0xC3, 0xC4, 0xC7, 0xD8, 0x0E
_INVOKE = 0xC1  # high priority, confirmed, number 1
LIST_MAX = 32
"""Most attributes in one request."""

REASONS = {
    1: "hardware fault",
    2: "temporary failure",
    3: "read access denied",
    4: "no such object",
    9: "object is of another class",
    11: "object not available",
    12: "type does not match",
    13: "beyond what this client may see",
    14: "block not available",
    15: "long answer aborted",
    16: "no long answer is under way",
    19: "block number is wrong",
    250: "another reason",
}
_EXCEPTIONS = {
    1: "operation not possible",
    2: "service not supported",
    3: "other reason",
    6: "invocation counter",
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of an object: class, name, number; ``selection`` is a selector with data, or empty."""

    kind: int
    name: bytes
    number: int = 2
    selection: bytes = b""

    @property
    def descriptor(self) -> bytes:
        """The encoded attribute of a request."""
        head = self.kind.to_bytes(2, "big") + self.name + bytes([self.number & 0xFF])
        return head + (b"\x01" + self.selection if self.selection else b"\0")


@dataclass(frozen=True, slots=True)
class Failed:
    """An attribute that is not returned, and the reason (DataAccessResult)."""

    code: int

    def __str__(self) -> str:
        return REASONS.get(self.code, f"result {self.code}")


Result = Item | Failed


class ServiceRefused(Exception):  # noqa: N818 - what the meter said
    """The meter refused the whole request; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a long answer."""

    number: int
    data: bytes
    is_last: bool


def get(attributes: Sequence[Attribute]) -> bytes:
    """Return a request for one attribute, or for several in one request."""
    if len(attributes) == 1:
        return bytes([_GET, 1, _INVOKE]) + attributes[0].descriptor
    asked = b"".join(attribute.descriptor for attribute in attributes)
    return bytes([_GET, 3, _INVOKE]) + axdr.length(len(attributes)) + asked


def get_next(number: int) -> bytes:
    """Return a request that acknowledges a block and asks for the next one."""
    return bytes([_GET, 2, _INVOKE]) + number.to_bytes(4, "big")


def action(kind: int, name: bytes, method: int, parameter: Item) -> bytes:
    """Return a request that invokes a method."""
    head = bytes([_ACTION, 1, _INVOKE]) + kind.to_bytes(2, "big") + name + bytes([method, 1])
    return head + written(parameter)


def got(answer: bytes) -> list[Result] | Block:
    """Return the results of a get, or one block of a long answer; raises ServiceRefused or Malformed."""
    reader = Reader(answer)
    form = _form(reader, _GOT)
    if form == 1:
        return [_result(reader)]
    if form == 3:
        return _results(reader)
    if form != 2:
        raise Malformed(f"a get response of form {form}")
    is_last = reader.byte() != 0
    number = int.from_bytes(reader.take(4), "big")
    if reader.byte():
        raise ServiceRefused(f"a long answer ends: {Failed(reader.byte())}")
    return Block(number, reader.string(), is_last)


def joined(data: bytes, count: int) -> list[Result]:
    """Return the results in the joined blocks of an answer for ``count`` attributes; raises Malformed."""
    reader = Reader(data)
    return [reader.item()] if count == 1 else _results(reader)


def acted(answer: bytes) -> Item | None:
    """Return the result of a method; raises ServiceRefused or Malformed."""
    reader = Reader(answer)
    form = _form(reader, _ACTED)
    if form != 1:
        raise Malformed(f"an action response of form {form}")
    if code := reader.byte():
        raise ServiceRefused(str(Failed(code)))
    if not reader.left or not reader.byte():
        return None
    given = _result(reader)
    if isinstance(given, Failed):
        raise ServiceRefused(str(given))
    return given


def by_range(column: Attribute, begin: bytes, end: bytes) -> bytes:
    """Return a selection of rows of a load curve between two values of a column, usually its clock."""
    described = [
        Item(axdr.UINT16, column.kind),
        Item(axdr.OCTETS, column.name),
        Item(axdr.INT8, column.number),
        Item(axdr.UINT16, 0),
    ]
    parts = [
        Item(axdr.STRUCTURE, described),
        Item(axdr.OCTETS, begin),
        Item(axdr.OCTETS, end),
        Item(axdr.ARRAY, []),
    ]
    return b"\x01" + written(Item(axdr.STRUCTURE, parts))


def by_entry(first: int, last: int = 0) -> bytes:
    """Return a selection of rows by number, from 1; ``last`` 0: to the end."""
    parts = [
        Item(axdr.UINT32, first),
        Item(axdr.UINT32, last),
        Item(axdr.UINT16, 1),
        Item(axdr.UINT16, 0),
    ]
    return b"\x02" + written(Item(axdr.STRUCTURE, parts))


def _form(reader: Reader, expected: int) -> int:
    tag = reader.byte()
    if tag == _EXCEPTION:
        reader.byte()  # state error
        code = reader.byte()
        raise ServiceRefused(f"exception: {_EXCEPTIONS.get(code, f'service error {code}')}")
    if tag == _SERVICE_ERROR:
        raise ServiceRefused(f"service error {reader.take(reader.left).hex(' ')}")
    if tag != expected:
        raise Malformed(f"APDU {tag:#04x}, expected {expected:#04x}")
    form = reader.byte()
    reader.byte()  # invoke id and priority
    return form


def _results(reader: Reader) -> list[Result]:
    count = reader.length()
    if count > reader.left:
        raise Malformed(f"{reader.left} bytes for {count} results")
    return [_result(reader) for _ in range(count)]


def _result(reader: Reader) -> Result:
    return Failed(reader.byte()) if reader.byte() else reader.item()
