"""Frames of M-Bus and the headers of their user data.

Source: EN 13757-2:2018 section 5 (E5; 10 C A sum 16; 68 L L 68 … sum 16), EN 13757-3:2018 section 5
(CI 72: identification, maker, version, medium, access number, status, signature), EN 1434-3 section
6.4 (CI 73: two counters in a fixed structure), EN 13757-3 section 6.6 (CI 70: errors).
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from quartier_sim.meters import telegrams
from quartier_sim.meters.mbus.records import Record, scale_value
from quartier_sim.meters.telegrams import Statement, Telegram, make_telegram

ACKNOWLEDGED = b"\xe5"
RESPONSE = 0x08
VARIABLE, FIXED, ERROR = 0x72, 0x73, 0x70
BUSY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaveIdentity:
    """Identity of a slave: eight digits, three letters of the maker, version, medium."""

    serial: int
    maker: str = "QRT"
    version: int = 1
    medium: int = 4

    @property
    def code(self) -> int:
        """The maker's letters in 15 bits (EN 13757-3, 5.5)."""
        one, two, three = (ord(letter) - 64 for letter in self.maker)
        return one << 10 | two << 5 | three

    @property
    def data(self) -> bytes:
        """The eight bytes that select it."""
        digits = bytes.fromhex(f"{self.serial:08d}")[::-1]
        return digits + struct.pack("<HBB", self.code, self.version, self.medium)


def build_short_frame(control: int, address: int) -> bytes:
    """A frame without data, as a master sends."""
    return bytes([0x10, control, address, telegrams.compute_byte_sum(bytes([control, address])), 0x16])


def build_long_frame(control: int, address: int, ci: int, data: bytes = b"") -> bytes:
    """A frame with data.  Raises ValueError above the 252 bytes that it can hold."""
    summed = bytes([control, address, ci]) + data
    if len(summed) > 255:
        raise ValueError(f"{len(data)} bytes are more than a frame holds, 252")
    return (
        bytes([0x68, len(summed), len(summed), 0x68])
        + summed
        + bytes([telegrams.compute_byte_sum(summed), 0x16])
    )


def build_response(
    identity: SlaveIdentity,
    records: Iterable[Record],
    *,
    address: int = 0,
    access: int = 0,
    status: int = 0,
    more: bool = False,
    manufacturer: bytes = b"",
) -> Telegram:
    """RSP_UD with records; ``more``: others follow in the next one; ``manufacturer`` data at the end."""
    listed = list(records)
    header = identity.data + bytes([access & 0xFF, status]) + bytes(2)
    body = b"".join(record.data for record in listed)
    if more:
        body += b"\x1f"
    elif manufacturer:
        body += b"\x0f" + manufacturer
    statements = (statement for number, record in enumerate(listed) for statement in record.says(number))
    return make_telegram(
        build_long_frame(RESPONSE, address, VARIABLE, header + body), statements, f"{identity.serial:08d}"
    )


# Unit codes of the fixed structure (EN 1434-3 table 4): unit, power of ten.
FIXED_UNITS: dict[int, tuple[str, int]] = {
    **{0x02 + place: ("Wh", place) for place in range(9)},
    **{0x0B + place: ("J", 3 + place) for place in range(9)},
    **{0x14 + place: ("W", place) for place in range(9)},
    **{0x1D + place: ("J/h", 3 + place) for place in range(9)},
    **{0x26 + place: ("m3", place - 6) for place in range(9)},
    **{0x2F + place: ("m3/h", place - 6) for place in range(9)},
    0x38: ("C", -3),
}
AS_FIRST = 0x3E  # of the second counter: the unit of the first, at a past date


def build_fixed_response(
    serial: int,
    counters: tuple[tuple[int, int], tuple[int, int]],
    *,
    address: int = 0,
    access: int = 0,
    medium: int = 4,
    binary: bool = False,
) -> Telegram:
    """RSP_UD in the fixed structure; each counter is (count, unit code)."""
    codes = bytes(
        [counters[0][1] | (medium & 3) << 6, counters[1][1] | (medium >> 2 & 3) << 6],
    )
    raw = b"".join(
        struct.pack("<I", count) if binary else bytes.fromhex(f"{count:08d}")[::-1] for count, _ in counters
    )
    data = bytes.fromhex(f"{serial:08d}")[::-1] + bytes([access & 0xFF, int(binary)]) + codes + raw
    statements = []
    for number, (count, code) in enumerate(counters):
        unit, exponent = FIXED_UNITS[counters[0][1] if code == AS_FIRST else code]
        statements.append(Statement(str(number), scale_value(count, exponent), unit))
    return make_telegram(build_long_frame(RESPONSE, address, FIXED, data), statements, f"{serial:08d}")


def build_error(code: int, address: int = 0) -> bytes:
    """A general application error, as ``BUSY``."""
    return build_long_frame(RESPONSE, address, ERROR, bytes([code]))
