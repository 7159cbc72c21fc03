"""Parse SML messages; correct known defects of makers (pure).

A profile names the defects of its meter; without a profile only ``add_signed_power`` is applied.

BSI TR-03109-1, annex IV part b, 6.2 (SML_Message): transaction, group, abort, body (its number and itself), a
CRC-16 over all before it, and an end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from quartier_drivers.meter.sml.elements import (
    TWO_BYTE_NUMBER,
    Element,
    MalformedElement,
    WholeNumber,
    parse_element,
    parse_entry,
    parse_list_head,
    parse_number,
)
from quartier_drivers.meter.sml.list_reader import read_listings
from quartier_drivers.meter.sml.transport import ChecksumVariant
from quartier_drivers.meter.telegrams import Group
from quartier_drivers.meter.units import COSEM_UNITS

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


Listing = tuple[bytes, list[Group], bytes]
"""One list response: the meter's identification number, its groups, the TL field of each one's value."""


def correct_groups(listing: Listing, server: bytes, defects: Sequence[str]) -> list[Group]:
    """Return the corrected groups of a list of the meter ``server``."""
    _, groups, codes = listing
    for defect in defects:
        groups = CORRECTIONS[defect](groups, codes, server)
    return groups


def add_signed_power(groups: list[Group]) -> list[Group]:
    """Return the groups, with 16.7.0 (signed) for a meter that states 15.7.0 (absolute) and a direction.

    Without a direction 15.7.0 is no power of the building: nobody knows whether it imports or exports.
    """
    absolute = next((one for one in groups if one.label.endswith(_ABSOLUTE)), None)
    if (
        absolute is None
        or isinstance(absolute.value, str)
        or any(_find_quantity(one) == _SIGNED for one in groups)
    ):
        return groups
    status = _find_status(groups)
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


def _sign_power(groups: list[Group], _codes: bytes, _server: bytes) -> list[Group]:
    """Sign a power that is sent without sign; its direction is in the status word of an energy counter."""
    status = _find_status(groups)
    return [
        _replace_value(group, -group.value)
        if _is_power(group)
        and not isinstance(group.value, str)
        and group.value > 0
        and is_outward(status, _find_quantity(group))
        else group
        for group in groups
    ]


def _widen_power(groups: list[Group], codes: bytes, server: bytes) -> list[Group]:
    """Correct DZG's DVS74 and WS74, which code 327.68 to 655.35 W as a signed number of two bytes.

    Uncorrected it is negative.
    """
    if server.startswith(_DZG) and int.from_bytes(server[6:10], "big") >= _DZG_GOOD_FROM:
        return groups
    status = _find_status(groups)
    return [
        _replace_value(group, (round(group.value * 100) + 0x10000) / 100)
        if code == TWO_BYTE_NUMBER
        and _is_power(group)
        and isinstance(group.value, float)  # they say hundredths of a watt
        and group.value < 0
        and not is_outward(status, _find_quantity(group))
        else group
        for group, code in zip(groups, codes, strict=True)
    ]


def _replace_value(group: Group, value: float) -> Group:
    return Group(group.label, value, group.unit, group.time, group.more)


def _find_status(groups: Sequence[Group]) -> int:
    for group in groups:
        if _find_quantity(group) in _COUNTERS and isinstance(status := group.more.get("status"), int):
            return status
    return 0


def _is_power(group: Group) -> bool:
    return group.unit == "W" and _find_quantity(group) in _FNN_BITS


def _find_quantity(group: Group) -> str:
    return group.label.partition(":")[2]


CORRECTIONS: Mapping[str, Callable[[list[Group], bytes, bytes], list[Group]]] = {
    UNSIGNED_POWER: _sign_power,
    NARROW_POWER: _widen_power,
}
OPEN_RESPONSE = 0x0101
LIST_RESPONSE = 0x0701
_MESSAGE_PARTS = 6
_OPEN_SERVER = 3
_LIST_SERVER, _LIST_ENTRIES, _LIST_PARTS = 1, 4, 7
_UNITS = tuple(COSEM_UNITS.get(code, "") for code in range(256))


@dataclass(slots=True)
class SmlFile:
    """The content of the messages of one frame; ``bad_count`` of them were invalid."""

    server: bytes = b""
    listings: list[Listing] = field(default_factory=list)
    bad_count: int = 0


def parse_file(data: bytes, ways: Sequence[ChecksumVariant]) -> SmlFile:
    """Read all messages of a frame.  What follows an unreadable message is lost with it."""
    found = read_listings(data, ways, _UNITS)
    return parse_general_file(data, ways) if found is None else SmlFile(*found)


def parse_general_file(data: bytes, ways: Sequence[ChecksumVariant]) -> SmlFile:
    """Read all messages of a frame, whatever form they have."""
    found = SmlFile()
    at = 0
    while at < len(data):
        if data[at] == 0:  # more fill than was told
            at += 1
            continue
        try:
            number, body, body_end = _parse_message(data, at)
            told, end = _find_sum(data, body_end)
        except MalformedElement:
            found.bad_count += 1
            break
        if any(way.of(data[at:body_end]) == told for way in ways):
            _take_message(found, number, body)
        else:
            found.bad_count += 1
        at = end
    return found


def _parse_message(data: bytes, at: int) -> tuple[int, Element, int]:
    """Return number and body of the message at ``at``, and the end of the body."""
    count, at = parse_list_head(data, at)
    if count != _MESSAGE_PARTS:
        raise MalformedElement("a message that is none")
    for _ in range(3):
        _, at = parse_element(data, at)
    count, at = parse_list_head(data, at)
    if count != 2:
        raise MalformedElement("a body that is none")
    number, at = parse_number(data, at)
    body, at = parse_element(data, at)
    return number, body, at


def _find_sum(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the checksum after a message's body, and the end of the message."""
    told, at = parse_element(data, at)
    if not isinstance(told, WholeNumber) or not 0 <= told.value < 1 << 16 or data[at : at + 1] != b"\0":
        raise MalformedElement("no checksum behind a message")
    return told.value.to_bytes(2, "big"), at + 1


def _take_message(found: SmlFile, number: int, body: Element) -> None:
    """Add the content of a valid message."""
    if not isinstance(body, list):
        return
    if number == OPEN_RESPONSE and len(body) > _OPEN_SERVER:
        found.server = _find_octets(body[_OPEN_SERVER]) or found.server
    entries = body[_LIST_ENTRIES] if number == LIST_RESPONSE and len(body) == _LIST_PARTS else None
    if isinstance(entries, list):
        said = [entry for one in entries if (entry := parse_entry(one)) is not None]
        codes = bytes(code for _, code in said)
        found.listings.append((_find_octets(body[_LIST_SERVER]), [group for group, _ in said], codes))


def _find_octets(told: Element) -> bytes:
    return told if isinstance(told, bytes) else b""
