"""Checks a client's PDU and makes it a request of ours, and the answer a PDU for the client.  Pure.

Modbus Application Protocol V1.1b3, sections 6 (functions, and the order in which a server checks them) and 7
(exceptions).
"""

import struct
from dataclasses import dataclass
from functools import lru_cache

from quartier_drivers.modbus.frame import DIAGNOSE, IDENTIFY, Answer, Request
from quartier_drivers.modbus.share.written import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    PLACES,
    READ_MAX,
    WRITES,
    Refusal,
    Written,
    counted,
    sized,
)

BUSY, NO_PATH, NO_ANSWER = 6, 10, 11

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
class Asked:
    """A valid request; ``written`` is None if it only reads."""

    request: Request
    written: Written | None = None


def asked(unit: int, pdu: bytes) -> Asked:
    """Return the request of a PDU.

    Raises Refusal for a function that is not forwarded, or an invalid PDU.
    """
    function = pdu[0]
    if function in _READS_MAX:
        return Asked(_read(unit, pdu))
    if function in (DIAGNOSE, IDENTIFY):
        return Asked(_question(unit, pdu))
    parse = WRITES.get(function)
    if parse is None:
        raise Refusal(ILLEGAL_FUNCTION)
    count, written = parse(pdu)
    if written.first + written.count > PLACES:
        raise Refusal(ILLEGAL_ADDRESS)
    first = int.from_bytes(pdu[1:3], "big")
    return Asked(Request(unit, function, first, count, written.values, pdu), written)


def answered(asked: Request, answer: Answer) -> bytes:
    """Return the device's answer as a PDU, with the bytes as received."""
    if answer.exception:
        return refused(asked.function, answer.exception)
    if asked.function == DIAGNOSE:
        return asked.sound + answer.data[-2:]
    if asked.gives:
        return asked.sound + answer.data
    return asked.sound


def refused(function: int, code: int) -> bytes:
    """Return the PDU of an exception."""
    return bytes([function | 0x80, code])


@lru_cache(KNOWN_MAX)
def _read(unit: int, pdu: bytes) -> Request:
    sized(pdu, 5)
    function, first, count = struct.unpack(">BHH", pdu)
    counted(count, _READS_MAX[function])
    if first + count > PLACES:
        raise Refusal(ILLEGAL_ADDRESS)
    return Request(unit, function, first, count)


def _question(unit: int, pdu: bytes) -> Request:
    """Return a request of function 8 or 43 that changes nothing and whose answer can be checked."""
    if pdu[0] == IDENTIFY:
        sized(pdu, 4)
        if pdu[1] != _OBJECTS:
            raise Refusal(ILLEGAL_FUNCTION)
        if pdu[2] not in _CODES:
            raise Refusal(ILLEGAL_VALUE)
        return Request(unit, IDENTIFY, 0, 0, raw=pdu)
    sized(pdu, 5)
    if int.from_bytes(pdu[1:3], "big") not in _ASKING:
        raise Refusal(ILLEGAL_FUNCTION)
    return Request(unit, DIAGNOSE, 0, 0, raw=pdu)
