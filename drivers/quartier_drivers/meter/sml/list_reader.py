"""Reads list responses of SML meters in their usual form; computes the CRC-16 with polynomial 0x1021.

BSI TR-03109-1, annex IV part b, 6.2 and 6.3.  Nearly all meters send this form.
``messages.parse_general_file`` reads all others.
"""

import re
from binascii import crc_hqx
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from quartier_drivers.meter.telegrams import NO_DETAILS, Group, GroupValue

ChecksumForm = tuple[int, int, bool]
"""One kind of checksum: initial register, bits inverted at the end, whether the high byte comes first."""
ServerList = tuple[bytes, list[Group], bytes]
"""One list response: its server, its groups, and the first byte of each group's value as it was coded."""

OPEN_RESPONSE = 0x0101
CLOSE_RESPONSE = 0x0201
LIST_RESPONSE = 0x0701
_UNITS = 256

_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def crc16_ccitt(data: bytes | bytearray, state: int) -> int:
    """Return the register of a CRC-16 with polynomial 0x1021, lowest bits first, after ``data``.

    ``state`` is the register before.  CRC-16/X.25 begins with 0xFFFF and inverts all bits at the end; Kermit
    begins with 0.
    """
    mirrored = _MIRROR[state & 0xFF] << 8 | _MIRROR[state >> 8]
    after = crc_hqx(data.translate(_MIRROR), mirrored)
    return _MIRROR[after & 0xFF] << 8 | _MIRROR[after >> 8]


def _make_size_pattern(heads: bytes, sizes: range) -> bytes:
    """Return the pattern of an element of one of ``sizes``; its TL field is one of ``heads`` plus size."""
    return b"|".join(
        b"[" + b"".join(re.escape(bytes([first + size])) for first in heads) + b"].{%d}" % size
        for size in sizes
    )


# A TL field counts itself: types 0 octets, 4 boolean, 5 signed, 6 unsigned.
_ABSENT = rb"[\x00\x01]"
_SIMPLE = rb"(?:" + _ABSENT + rb"|" + _make_size_pattern(b"\x01\x41\x51\x61", range(1, 15)) + rb")"
_OCTETS = rb"(?:" + _ABSENT + rb"|" + _make_size_pattern(b"\x01", range(1, 15)) + rb")"
_TIME = rb"(?:" + _SIMPLE + rb"|\x72\x62." + _SIMPLE + rb")"
_HEAD = re.compile(rb"\x76" + _SIMPLE * 3 + rb"\x72(?:\x63|\x65\x00\x00)(..)", re.DOTALL)
_OPEN = re.compile(rb"\x76" + _SIMPLE * 3 + rb"(" + _OCTETS + rb")" + _TIME + _SIMPLE, re.DOTALL)
_CLOSE = re.compile(rb"\x71" + _SIMPLE, re.DOTALL)
_LIST = re.compile(
    rb"\x77" + _SIMPLE + rb"(" + _OCTETS + rb")" + _SIMPLE + _TIME + rb"([\x70-\x7f]|[\xf0-\xff][\x00-\x0f])",
    re.DOTALL,
)
_TAIL = re.compile(_OCTETS + _TIME, re.DOTALL)
_NUMBER = _make_size_pattern(b"\x51\x61", range(1, 9)) + rb"|\x42."
_ENTRY = re.compile(
    rb"\x77\x07(.{6})"
    rb"(" + _ABSENT + rb"|" + _make_size_pattern(b"\x61", range(1, 9)) + rb")"
    rb"(?:" + _ABSENT + rb"|(?:\x72\x62\x01)?(" + _make_size_pattern(b"\x61", range(1, 5)) + rb"))"
    rb"(" + _ABSENT + rb"|\x62.)(" + _ABSENT + rb"|\x52.)"
    rb"(?:(" + _NUMBER + rb"|" + _OCTETS + rb")|([\x80-\x8f])([\x00-\x0f]))",
    re.DOTALL,
)
_SUM = re.compile(rb"(?:\x62(.)|\x63(..))\x00", re.DOTALL)


def read_listings(
    data: bytes, ways: Sequence[ChecksumForm], units: tuple[str, ...]
) -> tuple[bytes, list[ServerList], int] | None:
    """Read the messages of one frame; return None if any of them does not have the usual form.

    Return the server that opens the file, the list responses with a valid checksum, and the number of
    messages with an invalid one.  ``units`` has the text of each of the 256 unit codes; code 0 means no unit.
    Raises ValueError for another number of units.
    """
    if len(units) != _UNITS:
        raise ValueError("one text for each of 256 units is needed")
    server, listings, bad_count, at = b"", [], 0, 0
    while at < len(data):
        if data[at] == 0:
            at += 1
            continue
        read = _parse_message(data, at, units)
        told = None if read is None else _SUM.match(data, read[2])
        if read is None or told is None:
            return None
        listing, opened, end = read
        if any(_make_checksum(data[at:end], way) == (told[2] or b"\0" + told[1]) for way in ways):
            server = opened or server
            if listing is not None:
                listings.append(listing)
        else:
            bad_count += 1
        at = told.end()
    return server, listings, bad_count


def _parse_message(
    data: bytes, at: int, units: tuple[str, ...]
) -> tuple[ServerList | None, bytes, int] | None:
    """Return the list response and the server of the message at ``at``, and the end of its body.

    None if the message does not have the usual form.
    """
    head = _HEAD.match(data, at)
    if head is None:
        return None
    number, at = int.from_bytes(head[1], "big"), head.end()
    if number == LIST_RESPONSE:
        read = _parse_list(data, at, units)
        return None if read is None else (read[0], b"", read[1])
    if number == OPEN_RESPONSE:
        body = _OPEN.match(data, at)
        return None if body is None else (None, body[1][1:], body.end())
    body = _CLOSE.match(data, at) if number == CLOSE_RESPONSE else None
    return None if body is None else (None, b"", body.end())


def _make_checksum(data: bytes, way: ChecksumForm) -> bytes:
    first, flip, is_high_first = way
    return (crc16_ccitt(data, first) ^ flip).to_bytes(2, "big" if is_high_first else "little")


def _parse_list(data: bytes, at: int, units: tuple[str, ...]) -> tuple[ServerList, int] | None:
    head = _LIST.match(data, at)
    if head is None:
        return None
    tl, at = head[2], head.end()
    count = tl[0] & 0x0F if len(tl) == 1 else (tl[0] & 0x0F) << 4 | tl[1]
    groups, codes = [], bytearray()
    for _ in range(count):
        match = _ENTRY.match(data, at)
        if match is None:
            return None
        name, status, seconds, unit, scaler, value, first, second = match.groups()
        at = match.end()
        if value is None:
            size = (first[0] & 0x0F) << 4 | second[0]
            value, at = first + data[at : at + size - 2], at + size - 2
            if size < 3 or at > len(data):
                return None
        if at >= len(data) or data[at] > 1:  # a signature
            return None
        at += 1
        power = int.from_bytes(scaler[1:], "big", signed=True)
        text = units[unit[1] if len(unit) > 1 else 0]
        groups.append(
            Group(_render_obis(name), _decode_value(value, power), text, "", _make_details(status, seconds))
        )
        codes.append(value[0])
    tail = _TAIL.match(data, at)
    return None if tail is None else ((head[1][1:], groups, bytes(codes)), tail.end())


def _render_obis(name: bytes) -> str:
    """Return an OBIS number in the usual notation: ``1-0:1.8.0``, with ``*F`` only if F is not 255."""
    media, channel, quantity, process, tariff, billing = name
    short = f"{media}-{channel}:{quantity}.{process}.{tariff}"
    return short if billing == 0xFF else f"{short}*{billing}"


def _decode_value(coded: bytes, power: int) -> str | int | float:
    code, content = coded[0], coded[1:]
    if code < 0x10 or code >= 0x80:
        text = content.decode("latin-1")
        return text if all(" " <= letter <= "~" for letter in text) else content.hex()
    number = int(content != b"\0") if code == 0x42 else int.from_bytes(content, "big", signed=code < 0x60)
    ten: int = 10 ** abs(power)
    return number * ten if power >= 0 else number / ten


def _make_details(status: bytes, seconds: bytes | None) -> Mapping[str, GroupValue]:
    more: dict[str, GroupValue] = {}
    if len(status) > 1:
        more["status"] = int.from_bytes(status[1:], "big")
    if seconds is not None:
        more["sec_index"] = int.from_bytes(seconds[1:], "big")
    return MappingProxyType(more) if more else NO_DETAILS
