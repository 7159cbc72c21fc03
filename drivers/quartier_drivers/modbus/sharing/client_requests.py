"""Split, parse and check what a client sends; encode answers (pure).

Modbus Application Protocol V1.1b3, sections 6 (functions, and the order in which a server checks them) and 7
(exceptions).

Modbus Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3: seven bytes of header (number, protocol 0,
length of what follows it, unit), then a PDU of 1 to 253 bytes.

Modbus Application Protocol V1.1b3, 6.5, 6.6, 6.11, 6.12, 6.16 and 6.17.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from quartier_drivers.modbus.frames import (
    DIAGNOSTICS,
    MASK_WRITE,
    READ_DEVICE_ID,
    READ_WRITE_REGISTERS,
    Answer,
    OutOfSync,
    Request,
)
from quartier_drivers.modbus.sharing.register_spans import Table

SERVER_BUSY, GATEWAY_PATH_UNAVAILABLE, GATEWAY_NO_RESPONSE = 6, 10, 11
READ_MAX = 125
# The most that one request may ask for (6.1 to 6.17).
_READS_MAX = {1: 2000, 2: 2000, 3: READ_MAX, 4: READ_MAX}
# Subfunctions of function 8 that only read: the echo, the diagnostic register and the counters (6.8.1);
# others reset or silence the device.
_ASKING = frozenset({0, 2, *range(11, 19)})
_OBJECTS = 14
# Clients repeat their requests; a cached request costs less than a new one.
KNOWN_MAX = 256
_CODES = range(1, 5)


@dataclass(frozen=True, slots=True)
class RequestedWrite:
    """``count`` places of a table from ``first``, with their words.

    Coils are 0 and 1; a mask write has its two masks.
    """

    table: Table
    first: int
    count: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A valid request; ``written`` is None if it only reads."""

    request: Request
    written: RequestedWrite | None = None


def parse_request(unit: int, pdu: bytes) -> ClientRequest:
    """Return the request of a PDU.

    Raises Refusal for a function that is not forwarded, or an invalid PDU.
    """
    function = pdu[0]
    if function in _READS_MAX:
        return ClientRequest(_parse_read(unit, pdu))
    if function in (DIAGNOSTICS, READ_DEVICE_ID):
        return ClientRequest(_parse_question(unit, pdu))
    parse = WRITE_PARSERS.get(function)
    if parse is None:
        raise RequestRefused(ILLEGAL_FUNCTION)
    count, written = parse(pdu)
    if written.first + written.count > ADDRESS_COUNT:
        raise RequestRefused(ILLEGAL_ADDRESS)
    first = int.from_bytes(pdu[1:3], "big")
    return ClientRequest(Request(unit, function, first, count, written.values, pdu), written)


def encode_answer(asked: Request, answer: Answer) -> bytes:
    """Return the device's answer as a PDU, with the bytes as received."""
    if answer.exception:
        return encode_exception(asked.function, answer.exception)
    if asked.function == DIAGNOSTICS:
        return asked.sound + answer.data[-2:]
    if asked.gives:
        return asked.sound + answer.data
    return asked.sound


def encode_exception(function: int, code: int) -> bytes:
    """Return the PDU of an exception."""
    return bytes([function | 0x80, code])


@lru_cache(KNOWN_MAX)
def _parse_read(unit: int, pdu: bytes) -> Request:
    check_size(pdu, 5)
    function, first, count = struct.unpack(">BHH", pdu)
    check_count(count, _READS_MAX[function])
    if first + count > ADDRESS_COUNT:
        raise RequestRefused(ILLEGAL_ADDRESS)
    return Request(unit, function, first, count)


def _parse_question(unit: int, pdu: bytes) -> Request:
    """Return a request of function 8 or 43 that changes nothing and whose answer can be checked."""
    if pdu[0] == READ_DEVICE_ID:
        check_size(pdu, 4)
        if pdu[1] != _OBJECTS:
            raise RequestRefused(ILLEGAL_FUNCTION)
        if pdu[2] not in _CODES:
            raise RequestRefused(ILLEGAL_VALUE)
        return Request(unit, READ_DEVICE_ID, 0, 0, raw=pdu)
    check_size(pdu, 5)
    if int.from_bytes(pdu[1:3], "big") not in _ASKING:
        raise RequestRefused(ILLEGAL_FUNCTION)
    return Request(unit, DIAGNOSTICS, 0, 0, raw=pdu)


_HEADER = struct.Struct(">HHHB")
_HEADER_SIZE = 7
# The length counts the unit and a PDU of 1..253 bytes.
_LENGTHS = range(2, 255)


class ClientFrame(NamedTuple):
    """One request as received: its number, which the answer repeats, the unit, and the PDU."""

    number: int
    unit: int
    pdu: bytes


class FrameSplitter:
    """The stream of one client.

    Keeps what was fed and not yet taken: the caller takes all before feeding more.
    """

    __slots__ = ("_received",)

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self._received += data

    def take(self) -> ClientFrame | None:
        """Return the next complete frame; None if there is none.

        Raises OutOfSync for an invalid header: the beginning of the next frame is then unknown.
        """
        data = self._received
        size = len(data)
        protocol, length = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:6], "big")
        if (size >= 4 and protocol) or (size >= 6 and length not in _LENGTHS):
            raise OutOfSync(f"a header of protocol {protocol}, length {length}")
        if size < _HEADER_SIZE or size < 6 + length:
            return None
        number, _, _, unit = _HEADER.unpack_from(data)
        pdu = bytes(data[_HEADER_SIZE : 6 + length])
        del data[: 6 + length]
        return ClientFrame(number, unit, pdu)

    @property
    def is_torn(self) -> bool:
        """Return whether there is an incomplete frame."""
        return len(self._received) > 0


def encode_frame(number: int, unit: int, pdu: bytes) -> bytes:
    """Return an answer as it is sent."""
    return _HEADER.pack(number, 0, len(pdu) + 1, unit) + pdu


ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
ADDRESS_COUNT = 0x10000
_COILS_MAX, _REGISTERS_MAX, _BOTH_MAX = 1968, 123, 121
_ON = (0x0000, 0xFF00)


class RequestRefused(Exception):  # noqa: N818 - what is answered, not what failed
    """The request is answered with exception ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


def check_count(count: int, most: int) -> None:
    """Raise Refusal if a count is outside 1..``most``."""
    if not 1 <= count <= most:
        raise RequestRefused(ILLEGAL_VALUE)


def check_size(pdu: bytes, size: int) -> None:
    """Raise Refusal if a PDU has another length."""
    if len(pdu) != size:
        raise RequestRefused(ILLEGAL_VALUE)


def _parse_single(pdu: bytes) -> tuple[int, RequestedWrite]:
    check_size(pdu, 5)
    function, first, word = struct.unpack(">BHH", pdu)
    if function == 6:
        return 1, RequestedWrite("holding", first, 1, (word,))
    if word not in _ON:
        raise RequestRefused(ILLEGAL_VALUE)
    return 1, RequestedWrite("coil", first, 1, (int(word > 0),))


def _parse_coils(pdu: bytes) -> tuple[int, RequestedWrite]:
    first, count = _parse_head(pdu, 6)
    check_count(count, _COILS_MAX)
    check_size(pdu, 6 + (count + 7) // 8)
    if pdu[5] != len(pdu) - 6:
        raise RequestRefused(ILLEGAL_VALUE)
    return count, RequestedWrite(
        "coil", first, count, tuple(pdu[6 + at // 8] >> at % 8 & 1 for at in range(count))
    )


def _parse_registers(pdu: bytes) -> tuple[int, RequestedWrite]:
    first, count = _parse_head(pdu, 6)
    check_count(count, _REGISTERS_MAX)
    return count, RequestedWrite("holding", first, count, _parse_words(pdu, 6, count))


def _parse_mask(pdu: bytes) -> tuple[int, RequestedWrite]:
    check_size(pdu, 7)
    _, first, keep, put = struct.unpack(">BHHH", pdu)
    return 1, RequestedWrite("holding", first, 1, (keep, put))


def _parse_read_write(pdu: bytes) -> tuple[int, RequestedWrite]:
    """Parse a read/write request: both ranges are independent; the answer's count is that of the read."""
    first, count = _parse_head(pdu, 10)
    check_count(count, READ_MAX)
    if first + count > ADDRESS_COUNT:
        raise RequestRefused(ILLEGAL_ADDRESS)
    to, many = struct.unpack_from(">HH", pdu, 5)
    check_count(many, _BOTH_MAX)
    return count, RequestedWrite("holding", to, many, _parse_words(pdu, 10, many))


def _parse_head(pdu: bytes, size: int) -> tuple[int, int]:
    """Return the first place and the count of a request with a header of this size."""
    if len(pdu) < size:
        raise RequestRefused(ILLEGAL_VALUE)
    first, count = struct.unpack_from(">HH", pdu, 1)
    return first, count


def _parse_words(pdu: bytes, start: int, count: int) -> tuple[int, ...]:
    check_size(pdu, start + 2 * count)
    if pdu[start - 1] != 2 * count:
        raise RequestRefused(ILLEGAL_VALUE)
    return struct.unpack_from(f">{count}H", pdu, start)


WRITE_PARSERS: Mapping[int, Callable[[bytes], tuple[int, RequestedWrite]]] = {
    5: _parse_single,
    6: _parse_single,
    15: _parse_coils,
    16: _parse_registers,
    MASK_WRITE: _parse_mask,
    READ_WRITE_REGISTERS: _parse_read_write,
}
"""Parsers by function: the count of the answer, and what is written.  Each raises Refusal."""
