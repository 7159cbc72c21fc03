"""Checks the PDUs of write functions of other clients.  Pure.

Modbus Application Protocol V1.1b3, 6.5, 6.6, 6.11, 6.12, 6.16 and 6.17.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from quartier_drivers.modbus.frame import MASK_WRITE, READ_WRITE
from quartier_drivers.modbus.share.span import Table

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
PLACES = 0x10000
READ_MAX = 125
_COILS_MAX, _REGISTERS_MAX, _BOTH_MAX = 1968, 123, 121
_ON = (0x0000, 0xFF00)


class Refusal(Exception):  # noqa: N818 - what is answered, not what failed
    """The request is answered with exception ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Written:
    """``count`` places of a table from ``first``, with their words.

    Coils are 0 and 1; a mask write has its two masks.
    """

    table: Table
    first: int
    count: int
    values: tuple[int, ...]


def counted(count: int, most: int) -> None:
    """Raise Refusal if a count is outside 1..``most``."""
    if not 1 <= count <= most:
        raise Refusal(ILLEGAL_VALUE)


def sized(pdu: bytes, size: int) -> None:
    """Raise Refusal if a PDU has another length."""
    if len(pdu) != size:
        raise Refusal(ILLEGAL_VALUE)


def _one(pdu: bytes) -> tuple[int, Written]:
    sized(pdu, 5)
    function, first, word = struct.unpack(">BHH", pdu)
    if function == 6:
        return 1, Written("holding", first, 1, (word,))
    if word not in _ON:
        raise Refusal(ILLEGAL_VALUE)
    return 1, Written("coil", first, 1, (int(word > 0),))


def _coils(pdu: bytes) -> tuple[int, Written]:
    first, count = _head(pdu, 6)
    counted(count, _COILS_MAX)
    sized(pdu, 6 + (count + 7) // 8)
    if pdu[5] != len(pdu) - 6:
        raise Refusal(ILLEGAL_VALUE)
    return count, Written("coil", first, count, tuple(pdu[6 + at // 8] >> at % 8 & 1 for at in range(count)))


def _registers(pdu: bytes) -> tuple[int, Written]:
    first, count = _head(pdu, 6)
    counted(count, _REGISTERS_MAX)
    return count, Written("holding", first, count, _words(pdu, 6, count))


def _mask(pdu: bytes) -> tuple[int, Written]:
    sized(pdu, 7)
    _, first, keep, put = struct.unpack(">BHHH", pdu)
    return 1, Written("holding", first, 1, (keep, put))


def _both(pdu: bytes) -> tuple[int, Written]:
    """Parse a read/write request: both ranges are independent; the answer's count is that of the read."""
    first, count = _head(pdu, 10)
    counted(count, READ_MAX)
    if first + count > PLACES:
        raise Refusal(ILLEGAL_ADDRESS)
    to, many = struct.unpack_from(">HH", pdu, 5)
    counted(many, _BOTH_MAX)
    return count, Written("holding", to, many, _words(pdu, 10, many))


def _head(pdu: bytes, size: int) -> tuple[int, int]:
    """Return the first place and the count of a request with a header of this size."""
    if len(pdu) < size:
        raise Refusal(ILLEGAL_VALUE)
    first, count = struct.unpack_from(">HH", pdu, 1)
    return first, count


def _words(pdu: bytes, start: int, count: int) -> tuple[int, ...]:
    sized(pdu, start + 2 * count)
    if pdu[start - 1] != 2 * count:
        raise Refusal(ILLEGAL_VALUE)
    return struct.unpack_from(f">{count}H", pdu, start)


WRITES: Mapping[int, Callable[[bytes], tuple[int, Written]]] = {
    5: _one,
    6: _one,
    15: _coils,
    16: _registers,
    MASK_WRITE: _mask,
    READ_WRITE: _both,
}
"""Parsers by function: the count of the answer, and what is written.  Each raises Refusal."""
