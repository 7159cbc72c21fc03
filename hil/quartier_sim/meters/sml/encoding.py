"""SML files: binary form, list entries, messages with their checks, and the transport.

Source: SML 1.04 (BSI TR-03109-1 annex IV), section 6.2: the high nibble is the type (0 octets, 4 boolean,
5
integer, 6 unsigned, 7 list), the low one the length with its own bytes, for lists the number of elements;
bit 7: another length byte follows.  01 is an omitted element.

Source: SML 1.04 section 5.1.5 (SML_ListEntry); units by IEC 62056-6-2 table 4.

Source: SML 1.04, sections 5.1 (messages and their tags), 6.3 (check over all before it).
``MakerDeviations`` are what certain makers do otherwise: ``kermit`` computes the check from zero,
``bare_time`` sends the time as a number without saying which kind it is (Holley DTZ541).

Source: SML 1.04 section 8: 1B×4 01×4 begins, four escapes inside are doubled, zeros fill up to four bytes,
1B×4 1A, the number of zeros and the CRC end it; the CRC covers all from the first escape on.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from quartier_sim.meters import telegrams
from quartier_sim.meters.telegrams import Statement

ABSENT, END = b"\x01", b"\x00"
_OCTETS, _BOOLEAN, _SIGNED, _UNSIGNED, _LIST = 0, 4, 5, 6, 7
_MORE = 0x80


def _encode_head(kind: int, number: int) -> bytes:
    """Type and length: as many nibbles of ``number`` as it needs."""
    nibbles = [number & 0xF]
    while number := number >> 4:
        nibbles.insert(0, number & 0xF)
    heads = [nibble | (_MORE if place < len(nibbles) - 1 else 0) for place, nibble in enumerate(nibbles)]
    heads[0] |= kind << 4
    return bytes(heads)


def _encode_sized(kind: int, content: bytes) -> bytes:
    """Return a value with a length that counts its own head."""
    heads = (_encode_head(kind, len(content) + count) for count in range(1, 9))
    return next(head for count, head in enumerate(heads, 1) if len(head) == count) + content


def encode_octets(content: bytes | None) -> bytes:
    """An octet string; None: left out."""
    return ABSENT if content is None else _encode_sized(_OCTETS, content)


def encode_unsigned(value: int, width: int) -> bytes:
    """An unsigned number in ``width`` bytes (1..8).  Raises OverflowError when it does not fit."""
    return _encode_sized(_UNSIGNED, value.to_bytes(width, "big"))


def encode_signed(value: int, width: int) -> bytes:
    """A number in two's complement in ``width`` bytes (1..8).  Raises OverflowError when it does not fit."""
    return _encode_sized(_SIGNED, value.to_bytes(width, "big", signed=True))


def encode_boolean(value: bool) -> bytes:  # noqa: FBT001 - it is the value
    """Any byte but 0 is true."""
    return _encode_sized(_BOOLEAN, b"\xff" if value else b"\x00")


def encode_list(parts: Sequence[bytes]) -> bytes:
    """A list; its length counts the elements alone."""
    return _encode_head(_LIST, len(parts)) + b"".join(parts)


UNITS: Mapping[str, int] = {
    "": 255,
    "°": 8,
    "W": 27,
    "VA": 28,
    "var": 29,
    "Wh": 30,
    "VAh": 31,
    "varh": 32,
    "A": 33,
    "V": 35,
    "Hz": 44,
}
# Bit 5 of the status word of many heads: energy flows out now (FNN "Lastenheft EDL" 2.1, table 6).
EXPORT_STATUS_BIT = 0x20
_F_ALL = 255


@dataclass(frozen=True, slots=True)
class ObisCode:
    """``A-B:C.D.E*F``."""

    code: tuple[int, int, int, int, int, int]

    @property
    def label(self) -> str:
        """Name of the entry; F is left out where it has no meaning."""
        a, b, c, d, e, f = self.code
        return f"{a}-{b}:{c}.{d}.{e}" + ("" if f == _F_ALL else f"*{f}")


def parse_obis(text: str) -> ObisCode:
    """``1-0:1.8.0`` or ``1-0:96.50.1*1``."""
    body, _, last = text.partition("*")
    medium, rest = body.split(":")
    a, b = medium.split("-")
    c, d, e = rest.split(".")
    return ObisCode((int(a), int(b), int(c), int(d), int(e), int(last or _F_ALL)))


@dataclass(frozen=True, slots=True)
class Entry:
    """Its bytes, and what it states."""

    data: bytes
    says: Statement


def make_number_entry(
    code: str,
    raw: int,
    *,
    width: int,
    is_signed: bool = True,
    scaler: int | None = 0,
    unit: str = "",
    status: int | None = None,
    status_width: int = 4,
    meaning: float | None = None,
) -> Entry:
    """``raw`` × 10^``scaler`` in ``unit``; ``meaning`` is what it means where a defect hides its sign."""
    name = parse_obis(code)
    power = scaler or 0
    scaled = raw * 10**power if power >= 0 else round(raw / 10**-power, -power)
    parts = [
        encode_octets(bytes(name.code)),
        ABSENT if status is None else encode_unsigned(status, status_width),
        ABSENT,
        encode_unsigned(UNITS[unit], 1) if unit else ABSENT,
        ABSENT if scaler is None else encode_signed(scaler, 1),
        encode_signed(raw, width) if is_signed else encode_unsigned(raw, width),
        ABSENT,
    ]
    more = {} if status is None else {"status": status}
    value = scaled if meaning is None else meaning
    return Entry(encode_list(parts), Statement(name.label, value, unit, "", more))


def make_identity_entry(code: str, content: bytes) -> Entry:
    """Return an entry with octets as value: a maker, a server id, a public key."""
    name = parse_obis(code)
    data = encode_list([encode_octets(bytes(name.code)), *[ABSENT] * 4, encode_octets(content), ABSENT])
    return Entry(data, Statement(name.label, content.hex()))


OPEN, CLOSE, LIST = 0x0101, 0x0201, 0x0701
_SECONDS_INDEX = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerDeviations:
    """Deviations of a maker from the standard."""

    kermit: bool = False
    bare_time: bool = False

    @property
    def check(self) -> Callable[[bytes], int]:
        """The CRC it computes."""
        return telegrams.compute_crc_kermit if self.kermit else telegrams.compute_crc_x25


def build_message(transaction: bytes, group: int, tag: int, body: bytes, habit: MakerDeviations) -> bytes:
    """One SML_Message."""
    parts = [
        encode_octets(transaction),
        encode_unsigned(group, 1),
        encode_unsigned(0, 1),
        encode_list([encode_unsigned(tag, 4 if tag > 0xFFFF else 2), body]),
    ]
    # The head of the list counts the check and the end, which are not summed.
    summed = encode_list([*parts, b"", b""])
    crc = int.from_bytes(habit.check(summed).to_bytes(2, "little"), "big")  # low byte first
    return summed + encode_unsigned(crc, 2) + END


def encode_time(seconds: int | None, habit: MakerDeviations) -> bytes:
    """SML_Time as the meter's second counter."""
    if seconds is None:
        return ABSENT
    count = encode_unsigned(seconds, 4)
    return count if habit.bare_time else encode_list([encode_unsigned(_SECONDS_INDEX, 1), count])


def build_open_message(transaction: bytes, file: bytes, server: bytes, habit: MakerDeviations) -> bytes:
    """SML_PublicOpen.Res."""
    body = encode_list([ABSENT, ABSENT, encode_octets(file), encode_octets(server), ABSENT, ABSENT])
    return build_message(transaction, 0, OPEN, body, habit)


def build_close_message(transaction: bytes, habit: MakerDeviations) -> bytes:
    """SML_PublicClose.Res."""
    return build_message(transaction, 0, CLOSE, encode_list([ABSENT]), habit)


def build_list_message(
    transaction: bytes, server: bytes, entries: Sequence[bytes], seconds: int | None, habit: MakerDeviations
) -> bytes:
    """SML_GetList.Res with the entries of one list."""
    name = encode_octets(bytes((1, 0, 98, 10, 255, 255)))
    parts = [
        ABSENT,
        encode_octets(server),
        name,
        encode_time(seconds, habit),
        encode_list(entries),
        ABSENT,
        ABSENT,
    ]
    return build_message(transaction, 0, LIST, encode_list(parts), habit)


_ESCAPE, _TRANSPORT_BEGIN, _TRANSPORT_END = b"\x1b" * 4, b"\x01" * 4, 0x1A


def frame_messages(messages: bytes, check: Callable[[bytes], int]) -> bytes:
    """A file on the wire."""
    zeros = -len(messages) % 4
    body = (messages + bytes(zeros)).replace(_ESCAPE, _ESCAPE * 2)
    summed = _ESCAPE + _TRANSPORT_BEGIN + body + _ESCAPE + bytes([_TRANSPORT_END, zeros])
    return summed + struct.pack("<H", check(summed))
