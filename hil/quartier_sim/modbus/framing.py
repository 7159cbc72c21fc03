"""Modbus RTU and TCP framing, checksum, and number formats.

Sources: MODBUS Application Protocol V1.1b3 sections 4 and 6; MODBUS over Serial Line V1.02 section 2.5 and
appendix B; MODBUS Messaging on TCP/IP V1.0b section 3.1.
"""

import struct

HEADER_BYTES = 7  # MBAP: transaction, protocol, length, unit
PDU_BYTES_MAX = 253
RTU_BYTES_MAX = 256

# Whole requests of one length: two words after the function code, three (mask write), a device's identity.
_FIXED_SIZES = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 22: 10, 43: 7}
_COUNTED_WRITES = frozenset({15, 16})  # requests with a byte count
_READ_WRITE = 23


def compute_crc16(data: bytes) -> bytes:
    """Return the RTU checksum of ``data``: the two bytes that follow it (low byte first)."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def build_rtu_frame(unit: int, pdu: bytes) -> bytes:
    """Return a frame for a serial line."""
    body = bytes([unit]) + pdu
    return body + compute_crc16(body)


def find_rtu_request_size(heard: bytes | bytearray) -> int | None:
    """Return the size of the request that begins ``heard``, in bytes; None while it is unknown."""
    if len(heard) < 2:
        return None
    if heard[1] in _FIXED_SIZES:
        return _FIXED_SIZES[heard[1]]
    if heard[1] in _COUNTED_WRITES:
        return 9 + heard[6] if len(heard) > 6 else None
    if heard[1] == _READ_WRITE:
        return 13 + heard[10] if len(heard) > 10 else None
    return None


def parse_rtu_request(frame: bytes) -> tuple[int, bytes] | None:
    """Unit and PDU of a frame, None when its check does not hold."""
    if len(frame) < 4 or compute_crc16(frame[:-2]) != frame[-2:]:
        return None
    return frame[0], frame[1:-2]


def build_tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """Return a frame for a TCP connection."""
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def parse_tcp_header(header: bytes) -> tuple[int, int, int] | None:
    """Transaction, unit and PDU length of seven bytes; None when this is no Modbus header."""
    transaction, protocol, length, unit = struct.unpack(">HHHB", header)
    if protocol != 0 or not 2 <= length <= PDU_BYTES_MAX + 1:
        return None
    return transaction, unit, length - 1


def encode_integer(value: float, bits: int, *, signed: bool = True, low_first: bool = False) -> list[int]:
    """A number rounded into ``bits`` (16, 32 or 64) and cut into 16-bit words.

    Out of range it saturates, as meters do.  ``low_first``: the least significant word leads.
    """
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    number = min(max(round(value), low), high) & ((1 << bits) - 1)
    words = [number >> shift & 0xFFFF for shift in range(0, bits, 16)]
    return words if low_first else words[::-1]


def encode_float(value: float) -> list[int]:
    """An IEEE 754 single, most significant word first."""
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def encode_text(value: str, words: int) -> list[int]:
    """ASCII, two characters a word, padded with NUL."""
    raw = value.encode("ascii")[: 2 * words].ljust(2 * words, b"\0")
    return list(struct.unpack(f">{words}H", raw))


def decode_int16(word: int) -> int:
    """A 16-bit word as two's complement."""
    return word - 0x10000 if word & 0x8000 else word


def decode_int32(high: int, low: int) -> int:
    """Two words, most significant first, as two's complement."""
    number = high << 16 | low
    return number - 0x1_0000_0000 if number & 0x8000_0000 else number
