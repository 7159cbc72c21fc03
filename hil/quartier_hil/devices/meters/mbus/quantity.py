"""Quantities of records: the VIF tables of EN 13757-3, by quantity.

Source: EN 13757-3:2018, tables 10 (primary), 12 (extension FB) and 14 (extension FD).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """``unit`` × 10^exponent: ``count`` of them from ``low`` on, coded from ``first`` on behind ``head``."""

    unit: str
    first: int
    low: int
    count: int
    head: bytes = b""

    @property
    def exponents(self) -> range:
        """Those that it can code."""
        return range(self.low, self.low + self.count)

    def vif(self, exponent: int) -> bytes:
        """VIF, with the extension's head where it has one.  Raises ValueError outside the table."""
        if exponent not in self.exponents:
            raise ValueError(f"10^{exponent} {self.unit} is not in {self.exponents}")
        return self.head + bytes([self.first + exponent - self.low])


_FB, _FD = b"\xfb", b"\xfd"
QUANTITIES: Mapping[str, Quantity] = {
    "energy": Quantity("Wh", 0x00, -3, 8),
    "energy_j": Quantity("J", 0x08, 0, 8),
    "volume": Quantity("m3", 0x10, -6, 8),
    "mass": Quantity("kg", 0x18, -3, 8),
    "power": Quantity("W", 0x28, -3, 8),
    "power_j_per_h": Quantity("J/h", 0x30, 0, 8),
    "flow": Quantity("m3/h", 0x38, -6, 8),
    "flow_per_min": Quantity("m3/min", 0x40, -7, 8),
    "flow_per_s": Quantity("m3/s", 0x48, -9, 8),
    "mass_flow": Quantity("kg/h", 0x50, -3, 8),
    "flow_temperature": Quantity("C", 0x58, -3, 4),
    "return_temperature": Quantity("C", 0x5C, -3, 4),
    "difference_temperature": Quantity("K", 0x60, -3, 4),
    "external_temperature": Quantity("C", 0x64, -3, 4),
    "pressure": Quantity("bar", 0x68, -3, 4),
    "allocation": Quantity("", 0x6E, 0, 1),
    "energy_mwh": Quantity("Wh", 0x00, 5, 2, _FB),
    "energy_gj": Quantity("J", 0x08, 8, 2, _FB),
    "volume_large": Quantity("m3", 0x10, 2, 2, _FB),
    "mass_large": Quantity("kg", 0x18, 5, 2, _FB),
    "power_mw": Quantity("W", 0x28, 5, 2, _FB),
    "voltage": Quantity("V", 0x40, -9, 16, _FD),
    "current": Quantity("A", 0x50, -12, 16, _FD),
}
# Durations: seconds, minutes, hours, days in the two low bits (table 10).
DURATIONS: Mapping[str, int] = {"on_time": 0x20, "operating_time": 0x24, "averaging": 0x70, "actuality": 0x74}
DURATION_UNITS = ("s", "min", "h", "d")
DATE, DATE_TIME = b"\x6c", b"\x6d"
FABRICATION, OWNER = b"\x78", b"\xfd\x10"
