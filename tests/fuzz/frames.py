"""Frames around any bytes, their checksums right: so that the fuzzer gets past them, to what is inside."""

from itertools import pairwise

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY = bytes(range(16))
"""Of encrypted P1."""


def crc(data: bytes, initial: int = 0xFFFF) -> int:
    """CRC-16 with the polynomial 0x8005 (ARC) or, from 0xFFFF, 0x1021 (X.25), both reflected."""
    polynomial, value = (0x8408, initial) if initial else (0xA001, 0)
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ polynomial if value & 1 else value >> 1
    return value ^ initial


def tic(data: bytes) -> bytes:
    """Groups of a frame, parted by NUL; the first byte says in which mode."""
    separator, covers = (b" ", 0) if data[:1] < b"\x80" else (b"\t", 1)
    groups = []
    for part in data[1:].split(b"\0"):
        checked = part.replace(b"\x01", separator) + separator * covers
        sign = bytes([(sum(checked) & 0x3F) + 0x20])
        groups.append(b"\n" + checked + separator * (1 - covers) + sign + b"\r")
    return b"\2" + b"".join(groups) + b"\3"


def p1(data: bytes) -> bytes:
    """A telegram."""
    body = b"/KFM5KAIFA-METER\r\n\r\n" + data + b"\r\n!"
    return body + b"%04X\r\n" % crc(body, 0)


def p1_sealed(data: bytes) -> bytes:
    """An encrypted telegram of anything, under Luxembourg's public authentication key."""
    title, counter = b"SAGgp\0\1\2", b"\0\0\0\7"
    key = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    text = AESGCM(KEY).encrypt(title + counter, p1(data), b"\x30" + key)[:-4]
    inside = b"\x30" + counter + text
    return b"\xdb\x08" + title + b"\x82" + (len(inside) & 0xFFFF).to_bytes(2, "big") + inside


def iec62056(data: bytes) -> bytes:
    """A data message."""
    body = data + b"\r\n!\r\n\3"
    check = 0
    for byte in body:
        check ^= byte
    return b"/ISk5MT382-1000\r\n\2" + body + bytes([check])


def sml(data: bytes) -> bytes:
    """A file of one GetListResponse whose values are the data."""
    head = b"\x76\x05\x01\x02\x03\x04\x62\x00\x62\x00\x72\x63\x07\x01\x77\x01\x0b\x0a\x01EMH\x00\x00\x01\x02\x03\x04\x01\x01"
    message = head + data + b"\x01\x01"
    message += b"\x63" + crc(message).to_bytes(2, "little") + b"\0"
    fill = -len(message) % 4
    body = message.replace(b"\x1b" * 4, b"\x1b" * 8) + bytes(fill)
    file = b"\x1b\x1b\x1b\x1b\1\1\1\1" + body + b"\x1b\x1b\x1b\x1b\x1a" + bytes([fill])
    return file + crc(file).to_bytes(2, "little")


def mbus(data: bytes) -> bytes:
    """Long frames: length, CI and body of each."""
    found, at = b"", 0
    while at < len(data):
        body = b"\x08\x01" + (data[at + 1 : at + 1 + data[at] % 250] or b"\x78")
        at += 1 + data[at] % 250
        found += b"\x68" + 2 * bytes([len(body)]) + b"\x68" + body + bytes([sum(body) & 0xFF, 0x16])
    return found


def dlms(data: bytes) -> bytes:
    """HDLC frames, the first with a data notification; a cut at 7E begins another segment."""
    parts = (b"\xe6\xe7\x00\x0f\x00\x00\x00\x00\x00" + data).split(b"\x7e")
    found = b""
    for part, after in pairwise([*parts, None]):
        head = (0xA000 | (0x0800 if after is not None else 0) | (len(part[:1500]) + 9)).to_bytes(
            2, "big"
        ) + b"\x41\x08\x83\x13"
        head += crc(head).to_bytes(2, "little")
        body = head + part[:1500]
        found += b"\x7e" + body + crc(body).to_bytes(2, "little") + b"\x7e"
    return found


BACNET_HEADS = (
    "0100 30010e",  # an answer to ReadPropertyMultiple
    "0108 07d1 01 05 30010c",  # one to ReadProperty, from behind a router
    "0100 50010e",  # an error
    "0120 ffff 00 ff 1002",  # a notification
    "0100 0002 01 01 0901 1c02000001 2c00000001 3900",  # a confirmed one, its head with it
)
"""What stands before the service's own part, from the version of the network layer on."""


def bacnet(head: str, data: bytes) -> bytes:
    """A datagram whose length is right."""
    body = bytes.fromhex(head) + data
    return b"\x81\x0a" + ((4 + len(body)) & 0xFFFF).to_bytes(2, "big") + body
