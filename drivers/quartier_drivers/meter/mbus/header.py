"""The headers of M-Bus telegrams: makers, media, states (EN 13757-3:2018, EN 13757-7); pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LONG, LONG_HIGH, SHORT, NONE = 0x72, 0x76, 0x7A, 0x78
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
class Header:
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
        """Whether the meter marks its measured values as doubtful: application error or permanent error.

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


def long_header(data: bytes, *, high_first: bool = False) -> Header:
    """Decode the 12 bytes of a long header; highest byte first in mode 2."""
    number, maker = data[0:4], data[4:6]
    if not high_first:
        number, maker = number[::-1], maker[::-1]
    configuration = int.from_bytes(data[10:12], "big" if high_first else "little")
    return Header(
        number.hex().upper(),
        maker_text(int.from_bytes(maker, "big")),
        data[6],
        data[7],
        data[8],
        data[9],
        configuration,
        number + maker[::-1] + data[6:8],
    )


def short_header(data: bytes) -> Header:
    """Decode the 4 bytes of a short header: access number, state, configuration."""
    return Header(access=data[0], state=data[1], configuration=int.from_bytes(data[2:4], "little"))


def maker_text(code: int) -> str:
    """Decode three letters of five bits (EN 62056-21, FLAG); ``?`` for an invalid letter."""
    letters = (code >> 10 & 31, code >> 5 & 31, code & 31)
    return "".join(chr(64 + letter) if 1 <= letter <= 26 else "?" for letter in letters)
