"""The checks of the serial protocols, each by the bits of its definition.

Sources: ITU-T V.42 8.1.1.6 and ISO/IEC 13239 (X.25), DSMR P1 companion standard 5.0.2 section 5.2
(polynomial x16+x15+x2+1, no start value: ARC), BSI TR-03109-1 annex IV and SML 1.04 section 6
(X.25), EN 13757-2 (sum), IEC 62056-21 section 6.3 (block check).
"""

_X25, _ARC = 0x8408, 0xA001


def _bits(crc: int, polynomial: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ polynomial if crc & 1 else crc >> 1
    return crc


# CRC register after each byte value, by polynomial.
_TABLES = {polynomial: [_bits(byte, polynomial) for byte in range(256)] for polynomial in (_X25, _ARC)}


def _shifted(crc: int, data: bytes, polynomial: int) -> int:
    table = _TABLES[polynomial]
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc


def x25(data: bytes) -> int:
    """CRC-16/X.25: of HDLC and SML; goes out low byte first."""
    return _shifted(0xFFFF, data, _X25) ^ 0xFFFF


def kermit(data: bytes) -> int:
    """The same polynomial from zero and not turned over: what some SML meters compute instead."""
    return _shifted(0, data, _X25)


def arc(data: bytes) -> int:
    """CRC-16/ARC: of P1."""
    return _shifted(0, data, _ARC)


def byte_sum(data: bytes) -> int:
    """The sum of M-Bus: modulo 256."""
    return sum(data) & 0xFF


def block_check(data: bytes) -> int:
    """The BCC of IEC 62056-21: exclusive or, over seven bits."""
    check = 0
    for byte in data:
        check ^= byte & 0x7F
    return check
