"""Every function that writes is taken apart, and nothing that does not add up passes."""

import struct

import pytest

from quartier_drivers.modbus.sharing.client_requests import (
    READ_MAX,
    WRITE_PARSERS,
    RequestedWrite,
    RequestRefused,
    check_count,
    check_size,
)


def pdu(function: int, *words: int, tail: bytes = b"") -> bytes:
    return struct.pack(f">B{len(words)}H", function, *words) + tail


SOUND = [
    (pdu(5, 3, 0xFF00), 1, RequestedWrite("coil", 3, 1, (1,))),
    (pdu(5, 3, 0), 1, RequestedWrite("coil", 3, 1, (0,))),
    (pdu(6, 3, 500), 1, RequestedWrite("holding", 3, 1, (500,))),
    (pdu(15, 3, 10, tail=b"\2\xcd\1"), 10, RequestedWrite("coil", 3, 10, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0))),
    (pdu(16, 3, 2, tail=b"\4\0\1\0\2"), 2, RequestedWrite("holding", 3, 2, (1, 2))),
    (pdu(22, 4, 0xF2, 0x25), 1, RequestedWrite("holding", 4, 1, (0xF2, 0x25))),
    (
        pdu(23, 3, 6, 14, 3, tail=b"\6\0\xff\0\xff\0\xff"),
        6,
        RequestedWrite("holding", 14, 3, (255, 255, 255)),
    ),
]


@pytest.mark.parametrize(("asking", "count", "written"), SOUND)
def test_a_write_tells_its_places_and_values(asking: bytes, count: int, written: RequestedWrite) -> None:
    assert (count, written) == WRITE_PARSERS[asking[0]](asking)


UNSOUND = [
    pdu(5, 3, 1),
    pdu(5, 3),
    pdu(6, 3, 1, 2),
    pdu(15, 3, 0, tail=b"\0"),
    pdu(15, 3, 1969, tail=b"\xf7" + bytes(247)),
    pdu(15, 3, 10, tail=b"\1\xcd\1"),
    pdu(15, 3, 10, tail=b"\2\xcd"),
    pdu(16, 3, 0, tail=b"\0"),
    pdu(16, 3, 124, tail=b"\xf8" + bytes(248)),
    pdu(16, 3, 2, tail=b"\2\0\1\0\2"),
    pdu(16, 3, 2, tail=b"\4\0\1\0"),
    pdu(16, 3),
    pdu(22, 4, 0xF2),
    pdu(23, 3, 126, 14, 1, tail=b"\2\0\1"),
    pdu(23, 3, 6, 14, 122, tail=b"\xf4" + bytes(244)),
    pdu(23, 3, 6, 14, 1, tail=b"\4\0\1"),
    pdu(23, 3, 6, 14),
]


@pytest.mark.parametrize("asking", UNSOUND)
def test_what_does_not_add_up_is_an_illegal_value(asking: bytes) -> None:
    with pytest.raises(RequestRefused, match="exception 3"):
        WRITE_PARSERS[asking[0]](asking)


def test_what_is_read_back_beyond_the_last_register_has_no_address() -> None:
    with pytest.raises(RequestRefused, match="exception 2"):
        WRITE_PARSERS[23](pdu(23, 0xFFFF, 2, 14, 1, tail=b"\2\0\1"))


@pytest.mark.parametrize("count", [0, READ_MAX + 1])
def test_a_count_has_its_bounds(count: int) -> None:
    check_count(READ_MAX, READ_MAX)
    with pytest.raises(RequestRefused):
        check_count(count, READ_MAX)


def test_a_length_is_exact() -> None:
    check_size(b"12345", 5)
    with pytest.raises(RequestRefused):
        check_size(b"123456", 5)
