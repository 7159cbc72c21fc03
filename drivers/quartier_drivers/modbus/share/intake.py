"""Splits what a client sends into frames; pure.

Modbus Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3: seven bytes of header (number, protocol 0,
length of what follows it, unit), then a PDU of 1 to 253 bytes.
"""

import struct
from typing import NamedTuple

from quartier_drivers.modbus.frame import OutOfStep

_HEADER = struct.Struct(">HHHB")
_HEADER_SIZE = 7
# The length counts the unit and a PDU of 1..253 bytes.
_LENGTHS = range(2, 255)


class Frame(NamedTuple):
    """One request as received: its number, which the answer repeats, the unit, and the PDU."""

    number: int
    unit: int
    pdu: bytes


class Intake:
    """The stream of one client.

    Keeps what was fed and not yet taken: the caller takes all before feeding more.
    """

    __slots__ = ("_heard",)

    def __init__(self) -> None:
        self._heard = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self._heard += data

    def take(self) -> Frame | None:
        """Return the next complete frame; None if there is none.

        Raises OutOfStep for an invalid header: the beginning of the next frame is then unknown.
        """
        heard = self._heard
        size = len(heard)
        protocol, length = int.from_bytes(heard[2:4], "big"), int.from_bytes(heard[4:6], "big")
        if (size >= 4 and protocol) or (size >= 6 and length not in _LENGTHS):
            raise OutOfStep(f"a header of protocol {protocol}, length {length}")
        if size < _HEADER_SIZE or size < 6 + length:
            return None
        number, _, _, unit = _HEADER.unpack_from(heard)
        pdu = bytes(heard[_HEADER_SIZE : 6 + length])
        del heard[: 6 + length]
        return Frame(number, unit, pdu)

    @property
    def is_torn(self) -> bool:
        """Whether there is an incomplete frame."""
        return len(self._heard) > 0


def framed(number: int, unit: int, pdu: bytes) -> bytes:
    """Return an answer as it is sent."""
    return _HEADER.pack(number, 0, len(pdu) + 1, unit) + pdu
