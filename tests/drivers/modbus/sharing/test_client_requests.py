"""What others ask becomes our request, or the exception that the standard has for it; answers go back as they came."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.modbus.frames import Answer, OutOfSync, Request, parse_answer
from quartier_drivers.modbus.sharing.client_requests import (
    ClientFrame,
    FrameSplitter,
    RequestedWrite,
    RequestRefused,
    encode_answer,
    encode_exception,
    encode_frame,
    parse_request,
)


def pdu(function: int, *words: int, tail: bytes = b"") -> bytes:
    return struct.pack(f">B{len(words)}H", function, *words) + tail


@pytest.mark.parametrize("function", [1, 2, 3, 4])
def test_a_read_is_ours_as_if_we_asked(function: int) -> None:
    assert Request(9, function, 100, 20) == parse_request(9, pdu(function, 100, 20)).request
    assert pdu(function, 100, 20) == parse_request(9, pdu(function, 100, 20)).request.pdu


REFUSED = [
    (pdu(3, 0, 0), 3),
    (pdu(3, 0, 126), 3),
    (pdu(1, 0, 2001), 3),
    (pdu(3, 0xFFFF, 2), 2),
    (pdu(3, 0), 3),
    (pdu(3, 0, 1, tail=b"\0"), 3),
    (b"\x07", 1),
    (b"\x11", 1),
    (b"\x14\x07\x06\0\4\0\1\0\2", 1),
    (b"\xab", 1),
    (pdu(8, 1, 0), 1),  # it would restart the device
    (pdu(8, 4, 0), 1),  # it would silence it
    (pdu(8, 10, 0), 1),  # it would clear its counters
    (pdu(8, 0, 1, 2), 3),
    (b"\x2b\x0d\x00\x00", 1),
    (b"\x2b\x0e\x05\x00", 3),
    (b"\x2b\x0e\x01", 3),
]


@pytest.mark.parametrize(("asking", "code"), REFUSED)
def test_what_is_not_passed_on_gets_the_exception_of_the_standard(asking: bytes, code: int) -> None:
    with pytest.raises(RequestRefused) as refusal:
        parse_request(1, asking)

    assert code == refusal.value.code


def test_a_write_is_known_by_what_it_writes_and_goes_out_as_it_came() -> None:
    asking = pdu(16, 1000, 2, tail=b"\4\0\1\0\2")
    found = parse_request(1, asking)

    assert RequestedWrite("holding", 1000, 2, (1, 2)) == found.written
    assert asking == found.request.pdu


def test_a_write_beyond_the_last_register_has_no_address() -> None:
    with pytest.raises(RequestRefused, match="exception 2"):
        parse_request(1, pdu(16, 0xFFFF, 2, tail=b"\4\0\1\0\2"))


ANSWERS = [
    (pdu(3, 0, 2), b"\3\4\0\1\0\2"),
    (pdu(1, 0, 9), b"\1\2\xff\1"),
    (pdu(6, 10, 99), pdu(6, 10, 99)),
    (pdu(16, 10, 1, tail=b"\2\0\7"), pdu(16, 10, 1)),
    (pdu(22, 10, 0xF2, 0x25), pdu(22, 10, 0xF2, 0x25)),
    (pdu(23, 3, 2, 14, 1, tail=b"\2\0\xff"), b"\x17\4\0\1\0\2"),
    (pdu(8, 11, 0), pdu(8, 11, 1234)),
    (b"\x2b\x0e\x01\x00", b"\x2b\x0e\x01\x01\x00\x00\x01\x00\x04Acme"),
    (pdu(3, 0, 2), b"\x83\x02"),
]


@pytest.mark.parametrize(("asking", "said"), ANSWERS)
def test_the_devices_answer_goes_back_byte_for_byte(asking: bytes, said: bytes) -> None:
    request = parse_request(1, asking).request

    assert said == encode_answer(request, parse_answer(request, said))


def test_an_answer_that_came_by_the_short_way_is_the_same() -> None:
    """A line that knows an answer by its head hands on what is behind it."""
    read, counter = parse_request(1, pdu(3, 0, 1)).request, parse_request(1, pdu(8, 11, 0)).request

    assert b"\3\2\0\7" == encode_answer(read, Answer(data=b"\0\7", request=read))
    assert pdu(8, 11, 7) == encode_answer(counter, Answer(data=b"\0\7", request=counter))


def test_an_exception_bears_its_function() -> None:
    assert b"\x83\x0b" == encode_exception(3, 11)


FRAMES = st.lists(
    st.builds(ClientFrame, st.integers(0, 0xFFFF), st.integers(0, 255), st.binary(min_size=1, max_size=253)),
    max_size=6,
)


def taken(intake: FrameSplitter) -> list[ClientFrame]:
    found = []
    while (frame := intake.take()) is not None:
        found.append(frame)
    return found


@given(FRAMES, st.lists(st.integers(1, 300), max_size=20))
def test_frames_come_out_as_they_were_sent_wherever_they_are_cut(
    frames: list[ClientFrame], cuts: list[int]
) -> None:
    stream = b"".join(encode_frame(*frame) for frame in frames)
    intake, found = FrameSplitter(), []
    for cut in cuts:
        intake.feed(stream[:cut])
        stream = stream[cut:]
        found += taken(intake)
    intake.feed(stream)

    assert frames == found + taken(intake)
    assert not intake.is_torn


@pytest.mark.parametrize(
    "header",
    [
        b"\0\1\0\1",
        b"\0\1\0\0\0\1",
        b"\0\1\0\0\0\0",
        b"\0\1\0\0\0\xff",
        b"\0\1\0\0\xff\xff",
        b"GET / HTTP/1.1\r\n",
    ],
)
def test_what_begins_like_no_frame_ends_it_before_more_is_kept(header: bytes) -> None:
    intake = FrameSplitter()
    intake.feed(header)

    with pytest.raises(OutOfSync):
        intake.take()


def test_a_beginning_is_known_as_such() -> None:
    intake = FrameSplitter()
    intake.feed(encode_frame(7, 1, b"\3\0\0\0\1")[:-1])

    assert (None, True) == (intake.take(), intake.is_torn)
