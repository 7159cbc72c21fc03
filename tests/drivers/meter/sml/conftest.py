"""An encoder of SML for tests, from the standard (BSI TR-03109-1, annex IV part b) and nothing of the decoder."""

from collections.abc import Sequence
from random import Random
from types import SimpleNamespace

import pytest

ESCAPE = b"\x1b\x1b\x1b\x1b"
NOTHING = b"\x01"


def crc16(data: bytes, first: int, flip: int) -> int:
    """Polynomial 0x1021 reflected, bit by bit."""
    value = first
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
    return value ^ flip


def x25(data: bytes) -> bytes:
    return crc16(data, 0xFFFF, 0xFFFF).to_bytes(2, "little")


def kermit(data: bytes) -> bytes:
    return crc16(data, 0, 0).to_bytes(2, "little")


def element(kind: int, content: bytes, tl_bytes: int = 1) -> bytes:
    """``kind`` 0 octets, 4 boolean, 5 signed, 6 unsigned; as few TL bytes as will do, or more."""
    size = len(content) + tl_bytes
    if size >= 1 << 4 * tl_bytes:
        return element(kind, content, tl_bytes + 1)
    return tl(kind, size, tl_bytes) + content


def tl(kind: int, length: int, tl_bytes: int = 1) -> bytes:
    """The TL field; ``length`` counts it, but for lists."""
    nibbles = [length >> 4 * place & 0x0F for place in reversed(range(tl_bytes))]
    return bytes(
        (0x80 if place < tl_bytes - 1 else 0) | (kind << 4 if place == 0 else 0) | nibble
        for place, nibble in enumerate(nibbles)
    )


def octets(content: bytes, tl_bytes: int = 1) -> bytes:
    return element(0, content, tl_bytes)


def unsigned(value: int, size: int) -> bytes:
    return element(6, value.to_bytes(size, "big"))


def signed(value: int, size: int) -> bytes:
    return element(5, value.to_bytes(size, "big", signed=True))


def boolean(*, value: bool) -> bytes:
    return element(4, b"\xff" if value else b"\x00")


def items(*parts: bytes) -> bytes:
    tl_bytes = 1
    while len(parts) >= 1 << 4 * tl_bytes:
        tl_bytes += 1
    return tl(7, len(parts), tl_bytes) + b"".join(parts)


def sec_index(seconds: int) -> bytes:
    return items(unsigned(1, 1), unsigned(seconds, 4))


def timestamp(seconds: int) -> bytes:
    return items(unsigned(2, 1), unsigned(seconds, 4))


def local_time(seconds: int, offset_min: int, season_min: int) -> bytes:
    return items(unsigned(3, 1), items(unsigned(seconds, 4), signed(offset_min, 2), signed(season_min, 2)))


def obis(label: str) -> bytes:
    """``1-0:1.8.0`` or ``1-0:96.50.1*1``."""
    medium, _, rest = label.partition(":")
    numbers, _, storage = rest.partition("*")
    return bytes([*map(int, medium.split("-")), *map(int, numbers.split(".")), int(storage or 255)])


def entry(
    label: str,
    value: bytes,
    unit: int | None = None,
    scaler: int | None = None,
    status: bytes = NOTHING,
    time: bytes = NOTHING,
    signature: bytes = NOTHING,
) -> bytes:
    return items(
        octets(obis(label)),
        status,
        time,
        NOTHING if unit is None else unsigned(unit, 1),
        NOTHING if scaler is None else signed(scaler, 1),
        value,
        signature,
    )


def message(
    number: int, body: bytes, crc=x25, transaction: bytes = b"\x01\x02\x03\x04", tag_size: int = 2
) -> bytes:
    head = tl(7, 6) + octets(transaction) + unsigned(0, 1) + unsigned(0, 1)
    data = head + items(unsigned(number, tag_size), body)
    return data + element(6, crc(data)) + b"\x00"


def opening(server: bytes, crc=x25) -> bytes:
    return message(
        0x0101, items(NOTHING, NOTHING, octets(b"\x00\x07"), octets(server), NOTHING, NOTHING), crc
    )


def listing(
    server: bytes,
    entries: Sequence[bytes],
    crc=x25,
    *,
    client: bytes = NOTHING,
    name: bytes = NOTHING,
    sensor_time: bytes = NOTHING,
    signature: bytes = NOTHING,
    gateway_time: bytes = NOTHING,
) -> bytes:
    body = items(client, octets(server), name, sensor_time, items(*entries), signature, gateway_time)
    return message(0x0701, body, crc)


def closing(crc=x25) -> bytes:
    return message(0x0201, items(NOTHING), crc)


def escaped(content: bytes, how: str = "standard") -> bytes:
    if how == "standard":
        return content.replace(ESCAPE, ESCAPE + ESCAPE)
    if how == "aligned":
        blocks = [content[at : at + 4] for at in range(0, len(content), 4)]
        return b"".join(block + block if block == ESCAPE else block for block in blocks)
    return content


def transport(content: bytes, crc=x25, how: str = "standard") -> bytes:
    fill = -len(content) % 4
    data = (
        ESCAPE + b"\x01\x01\x01\x01" + escaped(content + bytes(fill), how) + ESCAPE + b"\x1a" + bytes([fill])
    )
    return data + crc(data)


def frame(server: bytes, entries: Sequence[bytes], crc=x25, how: str = "standard", **rest: bytes) -> bytes:
    content = opening(server, crc) + listing(server, entries, crc, **rest) + closing(crc)
    return transport(content, crc, how)


def server_id(maker: str, number: int) -> bytes:
    """DIN 43863-5: ``1EMH0012345678``."""
    return b"\x0a\x01" + maker.encode() + b"\x00" + number.to_bytes(4, "big")


WIDTHS = range(1, 9)


def random_entry(random: Random, labels: Sequence[str]) -> tuple[str, bytes, int, int]:
    """label, value coded, number, scaler: any width, any sign."""
    size = random.choice(WIDTHS)
    scaler = random.randint(-4, 3)
    if random.random() < 0.5:
        number = random.getrandbits(8 * size)
        return random.choice(labels), unsigned(number, size), number, scaler
    number = random.getrandbits(8 * size) - (1 << 8 * size - 1)
    return random.choice(labels), signed(number, size), number, scaler


@pytest.fixture(scope="session")
def wire() -> SimpleNamespace:
    """The encoder: what stands above."""
    return SimpleNamespace(**{name: thing for name, thing in globals().items() if not name.startswith("_")})
