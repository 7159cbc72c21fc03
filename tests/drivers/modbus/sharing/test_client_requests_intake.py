"""The stream of a client falls into frames, however it comes, or ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.modbus.frames import OutOfSync
from quartier_drivers.modbus.sharing.client_requests import ClientFrame, FrameSplitter, encode_frame

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
