"""Reads the messages of an SML file: checks them and extracts the list responses; pure.

BSI TR-03109-1, annex IV part b, 6.2 (SML_Message): transaction, group, abort, body (its number and itself), a
CRC-16 over all before it, and an end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from quartier_drivers.meter.obis import UNITS
from quartier_drivers.meter.sml.checksum import Way
from quartier_drivers.meter.sml.elements import Element, Malformed, Whole, element, list_at, number_at
from quartier_drivers.meter.sml.entries import entry_of
from quartier_drivers.meter.telegram import Group
from quartier_native.meters import read_listings

OPEN_RESPONSE = 0x0101
LIST_RESPONSE = 0x0701
_MESSAGE_PARTS = 6
_OPEN_SERVER = 3
_LIST_SERVER, _LIST_ENTRIES, _LIST_PARTS = 1, 4, 7
_UNITS = tuple(UNITS.get(code, "") for code in range(256))

Listing = tuple[bytes, list[Group], bytes]
"""One list response: the meter's identification number, its groups, the TL field of each one's value."""


@dataclass(slots=True)
class File:
    """The content of the messages of one frame; ``bad_count`` of them were invalid."""

    server: bytes = b""
    listings: list[Listing] = field(default_factory=list)
    bad_count: int = 0


def file_of(data: bytes, ways: Sequence[Way]) -> File:
    """Read all messages of a frame.  What follows an unreadable message is lost with it."""
    found = read_listings(data, ways, _UNITS)
    return general_file_of(data, ways) if found is None else File(*found)


def general_file_of(data: bytes, ways: Sequence[Way]) -> File:
    """Read all messages of a frame, whatever form they have."""
    found = File()
    at = 0
    while at < len(data):
        if data[at] == 0:  # more fill than was told
            at += 1
            continue
        try:
            number, body, body_end = _message(data, at)
            told, end = _sum(data, body_end)
        except Malformed:
            found.bad_count += 1
            break
        if any(way.of(data[at:body_end]) == told for way in ways):
            _take(found, number, body)
        else:
            found.bad_count += 1
        at = end
    return found


def _message(data: bytes, at: int) -> tuple[int, Element, int]:
    """Return number and body of the message at ``at``, and the end of the body."""
    count, at = list_at(data, at)
    if count != _MESSAGE_PARTS:
        raise Malformed("a message that is none")
    for _ in range(3):
        _, at = element(data, at)
    count, at = list_at(data, at)
    if count != 2:
        raise Malformed("a body that is none")
    number, at = number_at(data, at)
    body, at = element(data, at)
    return number, body, at


def _sum(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the checksum after a message's body, and the end of the message."""
    told, at = element(data, at)
    if not isinstance(told, Whole) or not 0 <= told.value < 1 << 16 or data[at : at + 1] != b"\0":
        raise Malformed("no checksum behind a message")
    return told.value.to_bytes(2, "big"), at + 1


def _take(found: File, number: int, body: Element) -> None:
    """Add the content of a valid message."""
    if not isinstance(body, list):
        return
    if number == OPEN_RESPONSE and len(body) > _OPEN_SERVER:
        found.server = _octets(body[_OPEN_SERVER]) or found.server
    entries = body[_LIST_ENTRIES] if number == LIST_RESPONSE and len(body) == _LIST_PARTS else None
    if isinstance(entries, list):
        said = [entry for one in entries if (entry := entry_of(one)) is not None]
        codes = bytes(code for _, code in said)
        found.listings.append((_octets(body[_LIST_SERVER]), [group for group, _ in said], codes))


def _octets(told: Element) -> bytes:
    return told if isinstance(told, bytes) else b""
