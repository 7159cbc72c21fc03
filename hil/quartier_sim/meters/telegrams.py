"""Output of a simulated meter: bytes with their statements, and the protocols' checksums.

Sources: ITU-T V.42 8.1.1.6 and ISO/IEC 13239 (X.25), DSMR P1 companion standard 5.0.2 section 5.2
(polynomial x16+x15+x2+1, no start value: ARC), BSI TR-03109-1 annex IV and SML 1.04 section 6 (X.25), EN
13757-2 (sum), IEC 62056-21 section 6.3 (block check).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a meter, as a right decoder must report it.

    ``label`` is the protocol's own name of it, ``value`` a number in ``unit`` or the text as sent,
    ``time`` ISO 8601 as the meter states it, ``more`` the further fields of the protocol.
    """

    label: str
    value: str | int | float
    unit: str = ""
    time: str = ""
    more: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)

    @property
    def is_number(self) -> bool:
        """Return whether it is a measured number."""
        return not isinstance(self.value, str)


@dataclass(frozen=True, slots=True)
class TelegramPart:
    """The smallest run of bytes that noise can damage by itself: the range of one checksum.

    ``says`` is empty for bytes around the content (STX, ETX).
    """

    data: bytes
    says: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Telegram:
    """One frame of a meter: its pieces in order, and its own identity ("" without one)."""

    pieces: tuple[TelegramPart, ...]
    meter: str = ""

    @property
    def data(self) -> bytes:
        """The bytes on the wire."""
        return b"".join(piece.data for piece in self.pieces)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Everything it states, in order."""
        return tuple(statement for piece in self.pieces for statement in piece.says)

    @property
    def numbers(self) -> tuple[Statement, ...]:
        """The statements that are numbers."""
        return tuple(statement for statement in self.statements if statement.is_number)


def make_telegram(data: bytes, statements: Iterable[Statement], meter: str = "") -> Telegram:
    """A telegram under one checksum."""
    return Telegram((TelegramPart(data, tuple(statements)),), meter)


_X25, _ARC = 0x8408, 0xA001


def _compute_table_entry(crc: int, polynomial: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ polynomial if crc & 1 else crc >> 1
    return crc


# CRC register after each byte value, by polynomial.
_TABLES = {
    polynomial: [_compute_table_entry(byte, polynomial) for byte in range(256)] for polynomial in (_X25, _ARC)
}


def _compute_crc(crc: int, data: bytes, polynomial: int) -> int:
    table = _TABLES[polynomial]
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc


def compute_crc_x25(data: bytes) -> int:
    """CRC-16/X.25: of HDLC and SML; goes out low byte first."""
    return _compute_crc(0xFFFF, data, _X25) ^ 0xFFFF


def compute_crc_kermit(data: bytes) -> int:
    """The same polynomial from zero and not turned over: what some SML meters compute instead."""
    return _compute_crc(0, data, _X25)


def compute_crc_arc(data: bytes) -> int:
    """CRC-16/ARC: of P1."""
    return _compute_crc(0, data, _ARC)


def compute_byte_sum(data: bytes) -> int:
    """The sum of M-Bus: modulo 256."""
    return sum(data) & 0xFF


def compute_block_check(data: bytes) -> int:
    """The BCC of IEC 62056-21: exclusive or, over seven bits."""
    check = 0
    for byte in data:
        check ^= byte & 0x7F
    return check
