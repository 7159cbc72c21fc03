"""Messages of an SML file: which are sound, and what the list responses among them say; pure.

BSI TR-03109-1, annex IV part b, 6.2 (SML_Message): transaction, group, abort, body (its number and itself), a
CRC-16 over all before it, and an end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from quartier_drivers.meter.sml.checksum import Way
from quartier_drivers.meter.sml.elements import Malformed, element, list_at, number_at
from quartier_drivers.meter.sml.entries import SIMPLE, Entry, entry_at

OPEN_RESPONSE = 0x0101
LIST_RESPONSE = 0x0701
_LIST_PARTS = 7
_OPEN_SERVER = 3

_HEAD = re.compile(rb"\x76" + SIMPLE * 3 + rb"\x72(\x63..|\x65.{4}|\x64.{3})", re.DOTALL)
_SIMPLE_BODY = re.compile(rb"\x71" + SIMPLE + rb"|\x76(?:" + SIMPLE + rb"){6}", re.DOTALL)
_LIST_HEAD = re.compile(rb"\x77" + SIMPLE + rb"(" + SIMPLE + rb")" + SIMPLE, re.DOTALL)
_SUM = re.compile(rb"(?:\x62(.)|\x63(..)|\x64\x00(..)|\x65\x00\x00(..))\x00", re.DOTALL)


@dataclass(slots=True)
class Listing:
    """One list response: the meter's identification number and its entries."""

    server: bytes = b""
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class File:
    """What the messages of one frame say; ``bad_count`` of them were not sound."""

    server: bytes = b""
    listings: list[Listing] = field(default_factory=list)
    bad_count: int = 0


def file_of(data: bytes, ways: Sequence[Way]) -> File:
    """All messages of a frame.  What follows a message that cannot be read is lost with it."""
    found = File()
    at = 0
    while at < len(data):
        if data[at] == 0:  # more fill than was told
            at += 1
            continue
        try:
            listing, server, body_end = _message(data, at)
        except Malformed:
            found.bad_count += 1
            break
        match = _SUM.match(data, body_end)
        if match is None:
            found.bad_count += 1
            break
        told = next(part for part in match.groups() if part is not None).rjust(2, b"\0")
        if any(way.of(data[at:body_end]) == told for way in ways):
            found.server = server or found.server
            if listing is not None:
                found.listings.append(listing)
        else:
            found.bad_count += 1
        at = match.end()
    return found


def _message(data: bytes, at: int) -> tuple[Listing | None, bytes, int]:
    """The list response in the message at ``at``, the server that opens a file in it, where its body ends."""
    match = _HEAD.match(data, at)
    if match is not None:
        kind, end = int.from_bytes(match[1][1:], "big"), match.end()
    else:
        kind, end = _head(data, at)
    if kind == LIST_RESPONSE:
        listing, end = _listing(data, end)
        return listing, b"", end
    if kind == OPEN_RESPONSE:
        body, end = element(data, end)
        server = body[_OPEN_SERVER] if isinstance(body, list) and len(body) > _OPEN_SERVER else b""
        return None, server if isinstance(server, bytes) else b"", end
    simple = _SIMPLE_BODY.match(data, end)
    return None, b"", simple.end() if simple is not None else element(data, end)[1]


def _head(data: bytes, at: int) -> tuple[int, int]:
    """Number of the body of the message at ``at``, and where the body begins."""
    count, at = list_at(data, at)
    if count != 6:
        raise Malformed("a message that is none")
    for _ in range(3):
        _, at = element(data, at)
    count, at = list_at(data, at)
    if count != 2:
        raise Malformed("a body that is none")
    return number_at(data, at)


def _listing(data: bytes, at: int) -> tuple[Listing, int]:
    listing = Listing()
    match = _LIST_HEAD.match(data, at)
    if match is not None:
        listing.server, at = match[1][1:], match.end()
    else:
        count, at = list_at(data, at)
        if count != _LIST_PARTS:
            raise Malformed("a list response that is none")
        _, at = element(data, at)
        server, at = element(data, at)
        listing.server = server if isinstance(server, bytes) else b""
        _, at = element(data, at)
    _, at = element(data, at)  # the meter's clock when it made the list
    count, at = list_at(data, at)
    for _ in range(count):
        entry, at = entry_at(data, at)
        if entry is not None:
            listing.entries.append(entry)
    _, at = element(data, at)  # signature of the list
    _, at = element(data, at)  # the gateway's clock
    return listing, at
