"""Headers, secondary addresses and decryption of M-Bus telegrams (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

NUMBER_DIGITS = 8
_SIZE = 8
_ADDRESS_FORM = re.compile(r"[0-9A-F]{8}(?:[0-9A-F]{8})?")
_WILD = 0xFF


@dataclass(frozen=True, slots=True)
class AddressMask:
    """A secondary address of 16 hex digits: 8 of the number, then maker, version, medium as they are sent.

    F in the number and FF in a byte of the rest are wild cards.
    """

    text: str

    def __str__(self) -> str:
        """Return it in the usual notation, without trailing wild cards."""
        return self.text if self.text[NUMBER_DIGITS:] != "F" * NUMBER_DIGITS else self.text[:NUMBER_DIGITS]

    @property
    def wire(self) -> bytes:
        """The eight bytes of a selection."""
        raw = bytes.fromhex(self.text)
        return raw[3::-1] + raw[4:]

    @property
    def is_exact(self) -> bool:
        """Return whether the mask matches a single address."""
        return "F" not in self.text[:NUMBER_DIGITS] and _WILD not in bytes.fromhex(self.text[NUMBER_DIGITS:])

    def fits(self, identity: bytes) -> bool:
        """Return whether a meter with these eight bytes (``TelegramHeader.identity``) must answer to it."""
        text = identity.hex().upper()
        digits = zip(self.text[:NUMBER_DIGITS], text[:NUMBER_DIGITS], strict=True)
        rest = zip(bytes.fromhex(self.text[NUMBER_DIGITS:]), identity[4:], strict=True)
        return all(mine in ("F", its) for mine, its in digits) and all(
            mine in (_WILD, its) for mine, its in rest
        )

    def set_digit(self, place: int, digit: str) -> "AddressMask":
        """Return the mask with one digit of the number set."""
        return AddressMask(self.text[:place] + digit + self.text[place + 1 :])

    def with_byte(self, place: int, byte: int) -> "AddressMask":
        """Return the mask with a byte set: 4 and 5 the maker, 6 the version, 7 the medium."""
        return AddressMask(self.text[: 2 * place] + f"{byte:02X}" + self.text[2 * place + 2 :])


ANY_ADDRESS = AddressMask("F" * 2 * _SIZE)


def parse_mask(text: str) -> AddressMask:
    """Parse ``11490378`` or ``1149037877040E16``.  Raises ValueError saying what was expected."""
    code = text.strip().upper()
    if not _ADDRESS_FORM.fullmatch(code):
        raise ValueError(f"{text!r} is no secondary address; expected 8 or 16 hex digits, F for any")
    return AddressMask(code.ljust(2 * _SIZE, "F"))


LONG_CI, LONG_HIGH_FIRST_CI, SHORT_CI, NO_HEADER_CI = 0x72, 0x76, 0x7A, 0x78
"""Control information of readings: long header, the same with the highest byte first, short header, none."""


LONG_SIZE, SHORT_SIZE = 12, 4
MEDIA: Mapping[int, str] = MappingProxyType(
    {
        0x00: "other",
        0x01: "oil",
        0x02: "electricity",
        0x03: "gas",
        0x04: "heat",
        0x05: "steam",
        0x06: "warm_water",
        0x07: "water",
        0x08: "heat_cost_allocator",
        0x09: "compressed_air",
        0x0A: "cooling",
        0x0B: "cooling_inlet",
        0x0C: "heat_inlet",
        0x0D: "heat_cooling",
        0x0E: "system",
        0x0F: "unknown",
        0x10: "irrigation_water",
        0x11: "water_logger",
        0x12: "gas_logger",
        0x13: "gas_converter",
        0x14: "calorific_value",
        0x15: "hot_water",
        0x16: "cold_water",
        0x17: "dual_water",
        0x18: "pressure",
        0x19: "ad_converter",
        0x1A: "smoke_detector",
        0x1B: "room_sensor",
        0x1C: "gas_detector",
        0x20: "breaker",
        0x21: "valve",
        0x25: "customer_unit",
        0x28: "waste_water",
        0x29: "garbage",
        0x2A: "carbon_dioxide",
        0x31: "gateway",
        0x32: "repeater",
        0x33: "repeater",
        0x36: "radio_converter",
        0x37: "radio_converter",
        0x38: "bus_converter",
        0x39: "bus_converter",
    }
)
"""Device types (EN 13757-7:2018, Table 13) in the words by which profiles select."""


# Bits 0 and 1 of the state are a number (EN 13757-7:2018, Table 8); 5 to 7 are defined by the maker.
_STATES = ("", "application busy", "application error", "abnormal")
_BITS = ((0x04, "power low"), (0x08, "permanent error"), (0x10, "temporary error"))
APPLICATION_ERROR, ABNORMAL, PERMANENT_ERROR = 2, 3, 0x08
_MODES: Mapping[int, str] = MappingProxyType(
    {
        2: "DES",
        3: "DES",
        4: "AES-128-CBC",
        5: "AES-128-CBC",
        7: "AES-128-CBC, derived key",
        8: "AES-128-CTR",
        9: "AES-128-GCM",
        10: "AES-128-CCM",
        13: "TLS",
    }
)


@dataclass(frozen=True, slots=True)
class TelegramHeader:
    """The header before the records.

    ``serial`` and ``maker`` are empty if the header does not contain them.
    """

    serial: str = ""
    maker: str = ""
    version: int = 0
    medium: int = 0x0F
    access: int = 0
    state: int = 0
    configuration: int = 0
    identity: bytes = b""

    @property
    def medium_text(self) -> str:
        """The medium in one word."""
        return MEDIA.get(self.medium, f"type_{self.medium:02x}")

    @property
    def state_text(self) -> str:
        """The state in words, empty if all is well."""
        said = [_STATES[self.state & 3], *(text for bit, text in _BITS if self.state & bit)]
        return ", ".join(text for text in said if text)

    @property
    def is_doubtful(self) -> bool:
        """Return whether the meter marks its measured values as doubtful (application or permanent error).

        EN 13757-7:2018, Table 8: a permanent error needs service; a temporary one and an abnormal condition
        do not affect the measured values.
        """
        return self.state & 3 == APPLICATION_ERROR or bool(self.state & PERMANENT_ERROR)

    @property
    def mode(self) -> int:
        """The security mode; 0 if the records are plain.

        It is also 0 if an old meter uses the field in its own way.
        """
        mode = self.configuration >> 8 & 0x1F
        return mode if mode in _MODES else 0

    @property
    def mode_text(self) -> str:
        """The security mode in words."""
        return f"mode {self.mode}, {_MODES[self.mode]}"

    @property
    def secondary(self) -> str:
        """The secondary address as it is sent for selection, 16 hex digits; empty if unknown."""
        return self.identity.hex().upper()


def parse_long_header(data: bytes, *, high_first: bool = False) -> TelegramHeader:
    """Decode the 12 bytes of a long header; highest byte first in mode 2."""
    number, maker = data[0:4], data[4:6]
    if not high_first:
        number, maker = number[::-1], maker[::-1]
    configuration = int.from_bytes(data[10:12], "big" if high_first else "little")
    return TelegramHeader(
        number.hex().upper(),
        render_maker(int.from_bytes(maker, "big")),
        data[6],
        data[7],
        data[8],
        data[9],
        configuration,
        number + maker[::-1] + data[6:8],
    )


def parse_short_header(data: bytes) -> TelegramHeader:
    """Decode the 4 bytes of a short header: access number, state, configuration."""
    return TelegramHeader(access=data[0], state=data[1], configuration=int.from_bytes(data[2:4], "little"))


def render_maker(code: int) -> str:
    """Decode three letters of five bits (EN 62056-21, FLAG); ``?`` for an invalid letter."""
    letters = (code >> 10 & 31, code >> 5 & 31, code & 31)
    return "".join(chr(64 + letter) if 1 <= letter <= 26 else "?" for letter in letters)


_BLOCK_SIZE, _KEY_SIZE = 16, 16
_CHECK_BYTES = b"\x2f\x2f"


def decrypt_records(body: bytes, header: TelegramHeader, key: bytes) -> bytes | None:
    """Return the records in ``body``, or None without the right key or for another mode.

    The configuration gives the number of encrypted blocks of 16 bytes; what follows them is plain.  The two
    idle fillers at the beginning show whether the key is right.
    """
    blocks = header.configuration >> 4 & 0x0F
    if len(key) != _KEY_SIZE or header.mode != 5 or not header.identity:
        return None
    size = blocks * _BLOCK_SIZE
    if not blocks or size > len(body):
        return None
    vector = _make_vector(header)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    plain = decryptor.update(body[:size]) + decryptor.finalize()
    return plain + body[size:] if plain.startswith(_CHECK_BYTES) else None


def _make_vector(header: TelegramHeader) -> bytes:
    """Return maker, number, version, medium as they are sent, then the access number eight times."""
    identity = header.identity
    address = identity[4:6] + identity[3::-1] + identity[6:8]
    return address + bytes([header.access]) * 8
