"""Corrects what meters of some makers send wrongly, and the direction of unsigned power; pure.

A profile names the defects of its meter; without one only ``directed`` is applied.
"""

from collections.abc import Callable, Mapping, Sequence

from quartier_drivers.meter.sml.entries import NARROW
from quartier_drivers.meter.sml.messages import Listing
from quartier_drivers.meter.telegram import Group

UNSIGNED_POWER = "unsigned-power"
NARROW_POWER = "narrow-power"

_FNN_BITS = {  # power after the colon of its label, and the bit of its direction in an FNN status word
    "1.7.0": 11,
    "16.7.0": 11,
    "21.7.0": 12,
    "36.7.0": 12,
    "41.7.0": 13,
    "56.7.0": 13,
    "61.7.0": 14,
    "76.7.0": 14,
}
_FNN = 0x04
"""The lowest byte of a status word by FNN's Lastenheft Basiszähler (DZG, product manual WS74, 14.5)."""
_SUMS = ("1.7.0", "16.7.0")
_EDL_BIT = 5
"""Direction of the sum in the status of older meters (FNN Lastenheft EDL, 2010, page 31)."""
_EDL_SIZE = 16
_EDL_MARK = 1 << 7
"""Set in every status word of this kind that was observed: 0x82 and 0xA2, 0x182 and 0x1A2, 0x1B0."""
_ABSOLUTE, _SIGNED = ":15.7.0", "16.7.0"
_COUNTERS = ("1.8.0", "2.8.0", "1.8.1", "2.8.1", "1.8.2", "2.8.2")
_DZG = b"\x0a\x01DZG"
_DZG_GOOD_FROM = 60_000_000
"""DZG meters with numbers from here on send it correctly (the maker, in libsml's issue 105)."""


def mended(listing: Listing, server: bytes, defects: Sequence[str]) -> list[Group]:
    """Return the corrected groups of a list of the meter ``server``."""
    _, groups, codes = listing
    for defect in defects:
        groups = MENDINGS[defect](groups, codes, server)
    return groups


def directed(groups: list[Group]) -> list[Group]:
    """Return the groups, with 16.7.0 (signed) for a meter that states 15.7.0 (absolute) and a direction.

    Without a direction 15.7.0 is no power of the building: nobody knows whether it imports or exports.
    """
    absolute = next((one for one in groups if one.label.endswith(_ABSOLUTE)), None)
    if (
        absolute is None
        or isinstance(absolute.value, str)
        or any(_quantity(one) == _SIGNED for one in groups)
    ):
        return groups
    status = _status(groups)
    if not has_direction(status) and absolute.value:
        return groups
    value = -abs(absolute.value) if is_outward(status, _SIGNED) else abs(absolute.value)
    label = absolute.label.replace(_ABSOLUTE, f":{_SIGNED}")
    return [*groups, Group(label, value, absolute.unit, absolute.time, absolute.more)]


def has_direction(status: int) -> bool:
    """Return whether a status word is of a kind with a direction of power."""
    return status & 0xFF == _FNN or (status & _EDL_MARK > 0 and status.bit_length() <= _EDL_SIZE)


def is_outward(status: int, quantity: str) -> bool:
    """Return whether a status word says that a power (``16.7.0``) flows to the grid."""
    if status & 0xFF == _FNN:
        return bool(status >> _FNN_BITS[quantity] & 1)
    return has_direction(status) and quantity in _SUMS and bool(status >> _EDL_BIT & 1)


def _signed(groups: list[Group], _codes: bytes, _server: bytes) -> list[Group]:
    """Sign a power that is sent without sign; its direction is in the status word of an energy counter."""
    status = _status(groups)
    return [
        _with(group, -group.value)
        if _is_power(group)
        and not isinstance(group.value, str)
        and group.value > 0
        and is_outward(status, _quantity(group))
        else group
        for group in groups
    ]


def _widened(groups: list[Group], codes: bytes, server: bytes) -> list[Group]:
    """Correct DZG's DVS74 and WS74, which code 327.68 to 655.35 W as a signed number of two bytes.

    Uncorrected it is negative.
    """
    if server.startswith(_DZG) and int.from_bytes(server[6:10], "big") >= _DZG_GOOD_FROM:
        return groups
    status = _status(groups)
    return [
        _with(group, (round(group.value * 100) + 0x10000) / 100)
        if code == NARROW
        and _is_power(group)
        and isinstance(group.value, float)  # they say hundredths of a watt
        and group.value < 0
        and not is_outward(status, _quantity(group))
        else group
        for group, code in zip(groups, codes, strict=True)
    ]


def _with(group: Group, value: float) -> Group:
    return Group(group.label, value, group.unit, group.time, group.more)


def _status(groups: Sequence[Group]) -> int:
    for group in groups:
        if _quantity(group) in _COUNTERS and isinstance(status := group.more.get("status"), int):
            return status
    return 0


def _is_power(group: Group) -> bool:
    return group.unit == "W" and _quantity(group) in _FNN_BITS


def _quantity(group: Group) -> str:
    return group.label.partition(":")[2]


MENDINGS: Mapping[str, Callable[[list[Group], bytes, bytes], list[Group]]] = {
    UNSIGNED_POWER: _signed,
    NARROW_POWER: _widened,
}
