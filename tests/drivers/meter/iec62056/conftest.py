"""An encoder of IEC 62056-21 for tests, from the standard and nothing of the decoder."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

STX, ETX = b"\x02", b"\x03"


def block_check(data: bytes) -> bytes:
    """ISO 1155: each bit makes the number of ones even, over all behind STX, ETX included."""
    value = 0
    for byte in data:
        value ^= byte
    return bytes([value & 0x7F])


def lines(*sets: str) -> bytes:
    return b"".join(one.encode("ascii") + b"\r\n" for one in sets)


def data_message(*sets: str) -> bytes:
    """Modes A, B and C: STX, data, an end, ETX, block check."""
    block = lines(*sets) + b"!\r\n" + ETX
    return STX + block + block_check(block)


def identity(text: str) -> bytes:
    return b"/" + text.encode("ascii") + b"\r\n"


def pushed(text: str, sets: Sequence[str]) -> bytes:
    """Mode D: identification, an empty line, data, an end."""
    return identity(text) + b"\r\n" + lines(*sets) + b"!\r\n"


def as_eight_bits(data: bytes) -> bytes:
    """What 7E1 looks like to somebody who reads 8N1."""
    return bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in data)


@pytest.fixture(scope="session")
def wire() -> SimpleNamespace:
    """The encoder: what stands above."""
    return SimpleNamespace(**{name: thing for name, thing in globals().items() if not name.startswith("_")})
