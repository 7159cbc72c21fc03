"""What some makers' meters say wrongly, and what they mean; pure.

A profile names the defects of its meter; nothing here is done without one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from quartier_drivers.meter.sml.entries import NARROW, Entry

UNSIGNED_POWER = "unsigned-power"
NARROW_POWER = "narrow-power"

_FNN_BITS = {  # power after the colon of its label, and the bit of its direction in an FNN status word
    "1.7.0": 11,
    "15.7.0": 11,
    "16.7.0": 11,
    "21.7.0": 12,
    "36.7.0": 12,
    "41.7.0": 13,
    "56.7.0": 13,
    "61.7.0": 14,
    "76.7.0": 14,
}
_FNN = 0x04
"""The lowest byte of a status word after FNN's Lastenheft Basiszähler (DZG, product manual WS74, 14.5)."""
_SUMS = ("1.7.0", "15.7.0", "16.7.0")
_EDL_BIT = 5
"""Direction of the sum in the status of older meters (FNN Lastenheft EDL, 2010, page 31)."""
_COUNTERS = ("1.8.0", "2.8.0", "1.8.1", "2.8.1", "1.8.2", "2.8.2")
_DZG = b"\x0a\x01DZG"
_DZG_GOOD_FROM = 60_000_000
"""DZG meters with numbers from here on say it rightly (the maker, in libsml's issue 105)."""


def mended(entries: Sequence[Entry], server: bytes, defects: Sequence[str]) -> list[Entry]:
    """The entries of a list as the meter ``server`` means them."""
    found = list(entries)
    for defect in defects:
        found = MENDINGS[defect](found, server)
    return found


def is_outward(status: int, quantity: str) -> bool:
    """Whether a status word says of a power (``16.7.0``) that it flows to the grid."""
    if status & 0xFF == _FNN:
        return bool(status >> _FNN_BITS[quantity] & 1)
    return quantity in _SUMS and bool(status >> _EDL_BIT & 1)


def _signed(entries: list[Entry], _server: bytes) -> list[Entry]:
    """Power is said without sign, its direction in the status word of a counter of energy."""
    status = _status(entries)
    return [
        Entry(replace(group, value=-group.value), code)
        if _is_power(entry := Entry(group, code))
        and not isinstance(group.value, str)
        and group.value > 0
        and is_outward(status, _quantity(entry))
        else Entry(group, code)
        for group, code in entries
    ]


def _widened(entries: list[Entry], server: bytes) -> list[Entry]:
    """DZG's DVS74 and WS74 code 327.68 to 655.35 W as a signed number of two bytes: it comes out negative."""
    if server.startswith(_DZG) and int.from_bytes(server[6:10], "big") >= _DZG_GOOD_FROM:
        return entries
    status = _status(entries)
    return [
        Entry(replace(group, value=(round(group.value * 100) + 0x10000) / 100), code)
        if code == NARROW
        and _is_power(entry := Entry(group, code))
        and isinstance(group.value, float)  # they say hundredths of a watt
        and group.value < 0
        and not is_outward(status, _quantity(entry))
        else Entry(group, code)
        for group, code in entries
    ]


def _status(entries: Sequence[Entry]) -> int:
    for entry in entries:
        if _quantity(entry) in _COUNTERS and isinstance(status := entry.group.more.get("status"), int):
            return status
    return 0


def _is_power(entry: Entry) -> bool:
    return entry.group.unit == "W" and _quantity(entry) in _FNN_BITS


def _quantity(entry: Entry) -> str:
    return entry.group.label.partition(":")[2]


MENDINGS: Mapping[str, Callable[[list[Entry], bytes], list[Entry]]] = {
    UNSIGNED_POWER: _signed,
    NARROW_POWER: _widened,
}
