"""A tape keeps the newest bytes of a wire, never more than its bounds, and copies none of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.transport.frame_recorder import OVERHEAD_BYTES, FrameRecorder, RecordedFrame


class Hand:
    def __init__(self) -> None:
        self.ns = 10**9

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_it_tells_what_came_and_went_in_its_order_and_what_became_of_the_wire(hand: Hand) -> None:
    tape = FrameRecorder(hand, 100_000, 60)
    tape.mark("opened", "connected", "10.0.0.2:40000", "10.0.0.3:502")
    hand.ns += 1
    tape.record_sent(b"ask")
    hand.ns += 1
    tape.record_received(b"answer")
    tape.mark("ended", "reset by the peer")

    assert [
        RecordedFrame(0, 10**9, "opened", b"", "connected", "10.0.0.2:40000", "10.0.0.3:502"),
        RecordedFrame(1, 10**9 + 1, "out", b"ask"),
        RecordedFrame(2, 10**9 + 2, "in", b"answer"),
        RecordedFrame(3, 10**9 + 2, "ended", b"", "reset by the peer"),
    ] == list(tape.frames())


def test_a_datagram_says_whose_it_is(hand: Hand) -> None:
    tape = FrameRecorder(hand, 100_000, 60)
    tape.record_sent_datagram(b"who-is", "10.0.0.255", 47808)
    tape.record_received_datagram(b"i-am", "10.0.0.9", 47808)

    assert [("out", "10.0.0.255:47808"), ("in", "10.0.0.9:47808")] == [
        (frame.way, frame.there) for frame in tape.frames()
    ]


def test_bytes_are_kept_as_they_came_not_copied(hand: Hand) -> None:
    tape, data = FrameRecorder(hand, 100_000, 60), b"x" * 100
    tape.record_received(data)

    assert data is next(tape.frames()).data


def test_what_is_older_than_its_time_is_gone_and_numbers_go_on(hand: Hand) -> None:
    tape = FrameRecorder(hand, 100_000, 60)
    tape.record_sent(b"old")
    hand.ns += 61 * 10**9
    tape.record_sent(b"new")

    assert [(1, b"new")] == [(frame.number, frame.data) for frame in tape.frames()]
    assert OVERHEAD_BYTES + 3 == tape.size_bytes


def test_only_what_came_after_a_number_is_told(hand: Hand) -> None:
    tape = FrameRecorder(hand, 100_000, 60)
    for number in range(5):
        tape.record_received(bytes([number]))

    assert [3, 4] == [frame.number for frame in tape.frames(after=2)]


def test_how_the_wire_was_opened_is_known_when_all_of_that_time_is_gone(hand: Hand) -> None:
    tape = FrameRecorder(hand, 2_000, 60)
    tape.mark("opened", "/dev/ttyUSB0 9600 8N1")
    for _ in range(100):
        tape.record_received(b"x" * 50)

    first, second, *_ = tape.frames()
    assert (0, "/dev/ttyUSB0 9600 8N1") == (first.number, first.words)
    assert 1 < second.number


def test_a_smaller_tape_keeps_the_newest(hand: Hand) -> None:
    tape = FrameRecorder(hand, 100_000, 60)
    for number in range(100):
        tape.record_received(bytes([number]))
    tape.resize(1_000, 60)

    held = [frame.data[0] for frame in tape.frames()]
    assert tape.size_bytes <= 1_000
    assert list(range(100 - len(held), 100)) == held


@given(st.lists(st.binary(max_size=600), max_size=300), st.integers(1_000, 20_000))
def test_it_never_holds_more_than_its_bound_nor_less_than_half_of_it_once_full(
    pieces: list[bytes], most: int
) -> None:
    tape = FrameRecorder(Hand(), most, 60)
    given_bytes = 0
    for piece in pieces:
        tape.record_received(piece)
        given_bytes += len(piece) + OVERHEAD_BYTES
        held = sum(len(frame.data) + OVERHEAD_BYTES for frame in tape.frames())
        assert held == tape.size_bytes <= most
        assert given_bytes <= most or tape.size_bytes >= most - most // 16 - 600 - OVERHEAD_BYTES


def identified(tape: FrameRecorder, device: str, *words: bytes) -> None:
    since = tape.next_number
    for word in words:
        tape.record_received(word)
    tape.keep_identity(device, since)


def test_the_last_identity_of_each_device_outlives_its_time_and_comes_in_its_place(hand: Hand) -> None:
    tape = FrameRecorder(hand, 100_000, 60)
    identified(tape, "m1", b"old")
    tape.mark("opened", "connected")
    identified(tape, "m2", b"two")
    identified(tape, "m1", b"one", b"more")
    assert [("", ""), ("two", "m2"), ("one", "m1"), ("more", "m1")] == [
        (frame.data.decode(), frame.device) for frame in tape.frames(0)
    ]
    hand.ns += 61 * 10**9
    tape.record_received(b"now")

    found = [(frame.number, frame.data, frame.device) for frame in tape.frames()]
    assert [(1, b"", ""), (2, b"two", "m2"), (3, b"one", "m1"), (4, b"more", "m1"), (5, b"now", "")] == found
    assert [5] == [frame.number for frame in tape.frames(4)]


def test_identities_never_take_more_than_a_quarter_of_the_tape(hand: Hand) -> None:
    tape = FrameRecorder(hand, 8_000, 60)
    identified(tape, "small", b"x" * 100)
    identified(tape, "large", b"x" * 3_000)
    for number in range(100):
        identified(tape, f"m{number}", b"x" * 500)
        assert tape.size_bytes <= 8_000
    hand.ns += 61 * 10**9

    kept = [frame.device for frame in tape.frames()]
    assert kept[0] == "small"
    assert "large" not in kept
    assert sum(len(frame.data) for frame in tape.frames()) <= 2_000
