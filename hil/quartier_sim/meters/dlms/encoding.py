"""COSEM data in A-XDR, APDUs of a push, and their transports: HDLC, TCP wrapper, M-Bus.

Source: IEC 62056-5-3 section 9.5 (Data), IEC 62056-6-2 section 4.1.6 (date and time; a deviation of 8000
hex is not specified, else minutes from local time to UTC).

Source: IEC 62056-5-3 section 9.5 (data-notification 0F, general-glo-ciphering DB, general-ded-ciphering
DC,
general-ciphering DD).

Sources: IEC 62056-46 and ISO/IEC 13239 (format type 3: a nibble A, the segmentation bit, eleven bits of
length; HCS over the header, FCS over all), IEC 62056-47 (wrapper), EN 13757-2 and IEC 62056-7-3 (transport
on M-Bus: CI 00..0F numbers a segment, bit 4 marks the last).
"""

import datetime as dt
import struct
from collections.abc import Iterator, Sequence
from typing import Literal

from quartier_sim.meters import encryption, telegrams
from quartier_sim.meters.encryption import CipherKeys

NULL = b"\x00"
_ARRAY, _STRUCTURE, _BOOLEAN = 0x01, 0x02, 0x03
_OCTETS, _VISIBLE, _ENUM = 0x09, 0x0A, 0x16
_NO_DEVIATION = -0x8000
_SUMMER = 0x80


def encode_length(count: int) -> bytes:
    """A length: one byte below 128, else how many bytes follow, and those."""
    if count < 0x80:
        return bytes([count])
    size = (count.bit_length() + 7) // 8
    return bytes([0x80 | size]) + count.to_bytes(size, "big")


def encode_array(parts: Sequence[bytes]) -> bytes:
    """Elements of one kind."""
    return bytes([_ARRAY]) + encode_length(len(parts)) + b"".join(parts)


def encode_structure(parts: Sequence[bytes]) -> bytes:
    """Elements of different kinds."""
    return bytes([_STRUCTURE]) + encode_length(len(parts)) + b"".join(parts)


def encode_octets(content: bytes) -> bytes:
    """An octet string."""
    return bytes([_OCTETS]) + encode_length(len(content)) + content


def encode_visible_string(text: str) -> bytes:
    """A visible string."""
    return bytes([_VISIBLE]) + encode_length(len(text)) + text.encode("ascii")


def encode_enum(value: int) -> bytes:
    """An enumeration, as a unit."""
    return bytes([_ENUM, value])


def encode_boolean(value: bool) -> bytes:  # noqa: FBT001 - it is the value
    """True or false."""
    return bytes([_BOOLEAN, value])


# Bytes and sign of each kind of number: its tag, and how struct writes it.
NUMBER_TYPES = {
    "int8": (0x0F, ">b"),
    "int16": (0x10, ">h"),
    "int32": (0x05, ">i"),
    "int64": (0x14, ">q"),
    "uint8": (0x11, ">B"),
    "uint16": (0x12, ">H"),
    "uint32": (0x06, ">I"),
    "uint64": (0x15, ">Q"),
}


def encode_number(kind: str, value: int) -> bytes:
    """An integer of a kind of ``NUMBERS``.  Raises struct.error when it does not fit."""
    tag, form = NUMBER_TYPES[kind]
    return bytes([tag]) + struct.pack(form, value)


def encode_date_time(when: dt.datetime, *, deviates: bool = True) -> bytes:
    """Return the 12 bytes of a date-time, local as ``when`` is; without ``deviates`` it has no offset."""
    offset = when.utcoffset()
    known = deviates and offset is not None
    minutes = -int(offset.total_seconds() // 60) if known and offset is not None else _NO_DEVIATION
    summer = _SUMMER if when.dst() else 0
    date = struct.pack(">HBBB", when.year, when.month, when.day, when.isoweekday())
    clock = struct.pack(">BBBB", when.hour, when.minute, when.second, 0xFF)
    return date + clock + struct.pack(">hB", minutes, summer)


_NOTIFICATION = 0x0F
_GENERAL = {"glo": 0xDB, "ded": 0xDC}


def build_notification(
    body: bytes, *, invoke: int = 0x40000000, moment: bytes = b"", tagged: bool = False
) -> bytes:
    """A data-notification; ``moment`` is its date-time or nothing.

    ``tagged``: the date-time carries the tag of an octet string, as Kaifa sends it.
    """
    when = encode_octets(moment) if tagged else encode_length(len(moment)) + moment
    return bytes([_NOTIFICATION]) + struct.pack(">I", invoke) + when + body


def build_ciphered_apdu(
    apdu: bytes,
    keys: CipherKeys,
    counter: int,
    *,
    title: bytes,
    control: int = encryption.AUTHENTICATED | encryption.ENCRYPTED,
    kind: Literal["glo", "ded"] = "glo",
) -> bytes:
    """``apdu`` under the keys; ``counter`` must rise."""
    content = encryption.build_ciphered_content(keys, title, counter, apdu, control)
    return bytes([_GENERAL[kind]]) + encode_length(len(title)) + title + encode_length(len(content)) + content


FLAG = b"\x7e"
LLC = b"\xe6\xe7\x00"
UI = 0x13  # unnumbered information with the final bit, as pushes are
_FORMAT, _SEGMENTED = 0xA000, 0x0800
_CARRIER_MAX = 245
_FINAL = 0x10


def _encode_address(value: int, size: int) -> bytes:
    """An HDLC address: seven bits a byte, the last byte is odd."""
    parts = [value >> 7 * place & 0x7F for place in reversed(range(size))]
    return bytes(part << 1 | (place == size - 1) for place, part in enumerate(parts))


def build_hdlc_frame(
    content: bytes,
    *,
    segmented: bool = False,
    target: tuple[int, int] = (0x20, 1),
    source: tuple[int, int] = (0x41, 2),
    control: int = UI,
) -> bytes:
    """One frame between its flags; addresses are (value, bytes)."""
    header = _encode_address(*target) + _encode_address(*source) + bytes([control])
    # The format's two bytes count, both checks count, the flags do not.
    size = 2 + len(header) + 2 + (len(content) + 2 if content else 0)
    head = struct.pack(">H", _FORMAT | (_SEGMENTED if segmented else 0) | size) + header
    head += struct.pack("<H", telegrams.compute_crc_x25(head))
    body = head + content
    return FLAG + (body + struct.pack("<H", telegrams.compute_crc_x25(body)) if content else head) + FLAG


def build_hdlc_frames(apdu: bytes, *, content_max: int = 2000, shares_flags: bool = False) -> bytes:
    """As many frames as ``apdu`` needs; ``shares_flags``: one flag ends a frame and begins the next."""
    parts = list(_split_bytes(LLC + apdu, content_max))
    frames = [build_hdlc_frame(part, segmented=place < len(parts) - 1) for place, part in enumerate(parts)]
    if shares_flags:
        return FLAG + b"".join(frame[1:] for frame in frames)
    return b"".join(frames)


def _split_bytes(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def build_wrapper(apdu: bytes, source: int = 1, target: int = 102) -> bytes:
    """The wrapper of TCP and UDP: version, ports, length."""
    return struct.pack(">HHHH", 1, source, target, len(apdu)) + apdu


def build_mbus_frames(
    apdu: bytes, *, content_max: int = _CARRIER_MAX, source: int = 1, target: int = 0x67
) -> bytes:
    """Long frames of M-Bus to everybody (FF), numbered by their CI."""
    parts: Sequence[bytes] = list(_split_bytes(apdu, content_max))
    return b"".join(
        _build_long_frame(
            number | (_FINAL if number == len(parts) - 1 else 0), bytes([source, target]) + part
        )
        for number, part in enumerate(parts)
    )


def _build_long_frame(ci: int, content: bytes) -> bytes:
    summed = bytes([0x53, 0xFF, ci]) + content
    size = len(summed)
    return bytes([0x68, size, size, 0x68]) + summed + bytes([telegrams.compute_byte_sum(summed), 0x16])
