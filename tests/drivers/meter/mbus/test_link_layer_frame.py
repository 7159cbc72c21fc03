"""Frames of FT 1.2: each good one is found, whatever stands around it and however it comes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.mbus.conftest import framed

from quartier_drivers.meter.mbus.link_layer import (
    FRAME_MAX,
    MbusFrame,
    MbusFramer,
    make_long_frame,
    make_short_frame,
)

DATA = st.binary(max_size=252)
FRAMES = st.builds(framed, st.just(0x08), st.integers(0, 255), st.just(0x72), DATA)


def frames_of(data, size=10**6):
    framer = MbusFramer()
    found = [frame for at in range(0, len(data), size) for frame in framer.feed(data[at : at + size])]
    return found + framer.end()


def test_a_long_frame_is_taken_apart():
    assert [MbusFrame(0x08, 5, 0x72, b"abc")] == frames_of(framed(0x08, 5, 0x72, b"abc"))


def test_a_short_frame_has_no_control_information():
    assert [MbusFrame(0x7B, 254)] == frames_of(bytes.fromhex("107BFE7916"))


def test_what_is_sent_is_what_the_standard_writes():
    assert "1040014116" == make_short_frame(0x40, 1).hex()
    assert framed(0x53, 253, 0x52, b"12345678") == make_long_frame(0x53, 253, 0x52, b"12345678")


@pytest.mark.parametrize("control", [0x08, 0x18, 0x28, 0x38])
def test_an_answer_may_have_any_flags(control):
    assert MbusFrame(control, 1, 0x72).is_answer


@pytest.mark.parametrize(
    "frame",
    [MbusFrame(0x53, 1, 0x51), MbusFrame(0x7B, 1), MbusFrame(0x44, 1, 0x72), MbusFrame(0x48, 1, 0x72)],
)
def test_what_a_master_says_is_no_answer(frame):
    assert not frame.is_answer


@pytest.mark.parametrize("place", range(9 + 5))
def test_one_wrong_byte_costs_the_frame_and_nothing_else(place):
    good = framed(0x08, 1, 0x72, b"after")
    bad = bytearray(framed(0x08, 1, 0x72, b"first"))
    bad[place] ^= 0x41

    assert [MbusFrame(0x08, 1, 0x72, b"after")] == frames_of(bytes(bad) + good)


def test_a_good_frame_inside_a_failed_one_is_found():
    inner = framed(0x08, 1, 0x72, b"inner")
    outer = b"\x68\x40\x40\x68" + b"\x08\x01\x72" + inner + bytes(80)

    assert [MbusFrame(0x08, 1, 0x72, b"inner")] == frames_of(outer)


def test_a_good_frame_inside_an_unfinished_one_is_found_at_the_end():
    inner = framed(0x08, 1, 0x72, b"inner")
    framer = MbusFramer()

    assert [] == framer.feed(b"\x68\xff\xff\x68\x08" + inner)
    assert [MbusFrame(0x08, 1, 0x72, b"inner")] == framer.end()


@given(
    st.lists(st.one_of(FRAMES, st.binary(max_size=9).map(lambda noise: noise.replace(b"\x68", b"")))),
    st.integers(1, 40),
)
def test_chunks_do_not_matter(parts, size):
    data = b"".join(parts)
    whole, pieces = MbusFramer(), MbusFramer()

    expected = whole.feed(data) + whole.end()
    found = [
        one for at in range(0, len(data), size) for one in pieces.feed(data[at : at + size])
    ] + pieces.end()

    assert expected == found
    assert [one.bad_count for one in expected] == [one.bad_count for one in found]
    assert whole.counts == pieces.counts


@given(st.lists(FRAMES, min_size=1, max_size=4), st.lists(st.binary(max_size=30), min_size=5, max_size=5))
def test_no_good_frame_is_lost_among_noise_without_begins(frames, noises):
    clean = [noise.translate(None, b"\x10\x68") for noise in noises]
    data = b"".join(part for pair in zip(clean, frames, strict=False) for part in pair)

    assert len(frames) == len(frames_of(data))


@given(st.binary(max_size=600))
def test_nothing_stops_it_and_little_is_kept(noise):
    framer = MbusFramer()
    for at in range(0, len(noise), 7):
        framer.feed(noise[at : at + 7])
        assert len(framer._buffer) < FRAME_MAX
    framer.end()

    assert not framer._buffer
    assert len(noise) == framer.counts.bytes_count


def test_bad_frames_and_lost_places_are_counted():
    good = framed(0x08, 1, 0x72, b"good")
    bad = good[:-2] + b"\x00\x16"
    framer = MbusFramer()

    first, second = framer.feed(good + b"\xe5" + bad + good)

    assert (0, 1) == (first.bad_count, second.bad_count)
    assert (1, 1) == (framer.counts.bad_count, framer.counts.resync_count)


def test_random_corruption_never_makes_a_frame_of_other_content():
    dice = random.Random(4)
    good = framed(0x08, 1, 0x72, bytes(range(60)))
    for _ in range(2000):
        noisy = bytearray(good)
        noisy[dice.randrange(len(noisy))] ^= 1 << dice.randrange(8)

        assert all(one.data in bytes(noisy) for one in frames_of(bytes(noisy)))
        assert [] == [one for one in frames_of(bytes(noisy)) if one.is_answer]
