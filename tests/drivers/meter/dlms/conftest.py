"""Telegrams written from the standards, with encoders of their own: nothing here comes from the decoder."""

import struct
from collections.abc import Callable, Iterable, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from quartier_drivers.meter.telegrams import Telegram

KEY = bytes(range(16))
AUTHENTICATION = bytes(range(0xD0, 0xE0))
TITLE = b"KFM\x10\x20\x04\x3b\xd7"
LLC = b"\xe6\xe7\x00"


def crc(data: bytes) -> bytes:
    """CRC-16/X.25 bit by bit, low byte first (ISO/IEC 13239)."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
    return (value ^ 0xFFFF).to_bytes(2, "little")


def hdlc(
    information: bytes,
    *,
    control: int = 0x13,
    to: bytes = b"\x41",
    by: bytes = b"\x08\x83",
    more: bool = False,
) -> bytes:
    size = 2 + len(to) + len(by) + 1 + 2 + (len(information) + 2 if information else 0)
    head = (0xA000 | 0x0800 * more | size).to_bytes(2, "big") + to + by + bytes([control])
    body = head + crc(head) + information if information else head
    return b"\x7e" + body + crc(body) + b"\x7e"


def segmented(apdu: bytes, size: int) -> bytes:
    """One APDU in HDLC frames of ``size`` bytes of information."""
    whole = LLC + apdu
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    return b"".join(hdlc(part, more=part is not parts[-1]) for part in parts)


def mbus(apdu: bytes, size: int = 245) -> bytes:
    """One APDU in M-Bus segments, as Austrian meters send it."""
    parts = [apdu[at : at + size] for at in range(0, len(apdu), size)]
    made = b""
    for number, part in enumerate(parts):
        last = 0x10 if number == len(parts) - 1 else 0
        body = bytes([0x53, 0xFF, last | number % 16, 0x01, 0x67]) + part
        count = len(body) % 256
        made += bytes([0x68, count, count, 0x68]) + body + bytes([sum(body) % 256, 0x16])
    return made


def wrapped(apdu: bytes) -> bytes:
    return struct.pack(">HHHH", 1, 1, 16, len(apdu)) + apdu


def blocks(apdu: bytes, size: int) -> list[bytes]:
    """One APDU as general block transfer."""
    parts = [apdu[at : at + size] for at in range(0, len(apdu), size)]
    return [
        bytes([0xE0, 0xC0 if part is parts[-1] else 0x40])
        + struct.pack(">HH", number, 0)
        + length(len(part))
        + part
        for number, part in enumerate(parts, 1)
    ]


def length(count: int) -> bytes:
    if count < 0x80:
        return bytes([count])
    return bytes([0x81, count]) if count < 0x100 else b"\x82" + count.to_bytes(2, "big")


def octets(data: bytes) -> bytes:
    return b"\x09" + length(len(data)) + data


def text(data: str) -> bytes:
    return b"\x0a" + length(len(data)) + data.encode()


def u8(value: int) -> bytes:
    return b"\x11" + struct.pack(">B", value)


def u16(value: int) -> bytes:
    return b"\x12" + struct.pack(">H", value)


def u32(value: int) -> bytes:
    return b"\x06" + struct.pack(">I", value)


def u64(value: int) -> bytes:
    return b"\x15" + struct.pack(">Q", value)


def i8(value: int) -> bytes:
    return b"\x0f" + struct.pack(">b", value)


def i16(value: int) -> bytes:
    return b"\x10" + struct.pack(">h", value)


def enum(value: int) -> bytes:
    return b"\x16" + bytes([value])


def structure(*items: bytes) -> bytes:
    return b"\x02" + length(len(items)) + b"".join(items)


def array(*items: bytes) -> bytes:
    return b"\x01" + length(len(items)) + b"".join(items)


def obis(label: str) -> bytes:
    media, rest = label.split("-")
    channel, rest = rest.split(":")
    return bytes([int(media), int(channel), *(int(part) for part in rest.split(".")), 255])


def named(label: str) -> bytes:
    return octets(obis(label))


def unit(power: int, code: int) -> bytes:
    return structure(i8(power), enum(code))


def clock(
    year: int = 2026,
    month: int = 11,
    day: int = 25,
    *,
    hour: int = 20,
    minute: int = 10,
    second: int = 5,
    deviation: int = -60,
    status: int = 0,
) -> bytes:
    return struct.pack(">HBBBBBBBhB", year, month, day, 3, hour, minute, second, 0, deviation, status)


NO_DEVIATION = -0x8000


def notification(body: bytes, moment: bytes = b"", *, is_tagged: bool = False) -> bytes:
    head = b"\x0f\x40\x00\x00\x00"
    return head + (b"\x09" if is_tagged else b"") + bytes([len(moment)]) + moment + body


def sealed(
    apdu: bytes,
    counter: int,
    control: int = 0x30,
    *,
    title: bytes = TITLE,
    key: bytes = KEY,
    authentication: bytes = AUTHENTICATION,
) -> bytes:
    """A general-glo-ciphering APDU (Green Book 9.2.7): AES-GCM, tag of 12 bytes."""
    head = bytes([control]) + counter.to_bytes(4, "big")
    nonce, seal = title + head[1:], AESGCM(key)
    if control & 0x30 == 0x30:
        inside = seal.encrypt(nonce, apdu, head[:1] + authentication)[:-4]
    elif control & 0x20:
        inside = seal.encrypt(nonce, apdu, None)[:-16]
    elif control & 0x10:
        inside = apdu + seal.encrypt(nonce, b"", head[:1] + authentication + apdu)[:-4]
    else:
        inside = apdu
    return b"\xdb\x08" + title + length(len(head + inside)) + head + inside


def aidon(power: int = 280, *, with_clock: bool = False) -> bytes:
    """The body of Aidon's list 2: names, values, scalers and units."""
    items = [
        structure(named("1-1:0.2.129"), text("AIDON_V0001")),
        structure(named("0-0:96.1.0"), text("7359992892837656")),
        structure(named("0-0:96.1.7"), text("6525")),
        structure(named("1-0:1.7.0"), u32(power), unit(0, 27)),
        structure(named("1-0:31.7.0"), i16(13), unit(-1, 33)),
        structure(named("1-0:32.7.0"), u16(2274), unit(-1, 35)),
    ]
    if with_clock:
        items.append(structure(named("0-0:1.0.0"), octets(clock(deviation=NO_DEVIATION))))
        items.append(structure(named("1-0:1.8.0"), u32(123456), unit(1, 30)))
    return array(*items)


def kaifa(items: int = 13) -> bytes:
    """Kaifa's lists by position."""
    head = [
        octets(b"KFM_001"),
        octets(b"6970631402614476"),
        octets(b"MA304H3E"),
        *map(u32, (9745, 0, 0, 435)),
    ]
    currents, voltages = [*map(u32, (33813, 28103, 18178))], [*map(u32, (2168, 0, 2188))]
    tail = [octets(clock(deviation=NO_DEVIATION)), *map(u32, (79591144, 0, 889389, 3210932))]
    lists = {
        1: [u32(9745)],
        9: [*head, currents[0], voltages[0]],
        13: [*head, *currents, *voltages],
        14: [*head, currents[0], voltages[0], *tail],
        18: [*head, *currents, *voltages, *tail],
    }
    return structure(*lists[items])


def kamstrup(kind: str = "6841121BN243101040") -> bytes:
    """Kamstrup's list with names, without units."""
    pairs = [
        (named("1-1:0.0.5"), text("5706567274389702")),
        (named("1-1:96.1.1"), text(kind)),
        (named("1-1:1.7.0"), u32(1468)),
        (named("1-1:4.7.0"), u32(462)),
        (named("1-1:31.7.0"), u32(564)),
        (named("1-1:32.7.0"), u16(232)),
        (named("0-1:1.0.0"), octets(clock(deviation=NO_DEVIATION))),
        (named("1-1:1.8.0"), u32(6307498)),
        (named("1-1:33.7.0"), u16(87)),
    ]
    return structure(text("Kamstrup_V0001"), *(part for pair in pairs for part in pair))


def described(*entries: tuple[int, str, int, bytes]) -> bytes:
    """A push object list that stands before its values and for its own first line, as Landis+Gyr sends it."""
    lines = [structure(u16(40), named("0-8:25.9.0"), i8(2), u16(0))]
    lines += [
        structure(u16(kind), named(label), i8(attribute), u16(0)) for kind, label, attribute, _ in entries
    ]
    return structure(array(*lines), *(value for *_, value in entries))


def said(telegrams: Iterable[Telegram]) -> list[dict[str, tuple[object, str]]]:
    """Label -> (value, unit) of each telegram."""
    return [{group.label: (group.value, group.unit) for group in telegram.groups} for telegram in telegrams]


def chunked(feed: Callable[[bytes], list[Telegram]], data: bytes, sizes: Sequence[int]) -> list[Telegram]:
    made, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        made += feed(data[at : at + size])
        at, turn = at + size, turn + 1
    return made
