"""One request and what came of it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.mbus.conftest import Line, Slave, converse, framed, in_turn, record, reply

from quartier_drivers.meter.mbus.link_layer import (
    BAUDS,
    FRAME_MAX,
    AnswerKind,
    LineTiming,
    MbusFrame,
    MbusFramer,
    classify_answer,
    exchange_request,
    make_long_frame,
    make_short_frame,
)

TIMING = LineTiming()
ASK = make_short_frame(0x7B, 1)
GOOD = reply(record(1, "13"))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (AnswerKind.SILENCE, b""),
        (AnswerKind.ACKNOWLEDGED, b"\xe5"),
        (AnswerKind.NOISE, b"\xe5\xe5"),
        (AnswerKind.NOISE, b"\xa5"),
        (AnswerKind.FRAME, GOOD),
        (AnswerKind.NOISE, GOOD + b"\x00"),
        (AnswerKind.NOISE, b"\xe5" + GOOD),
        (AnswerKind.NOISE, GOOD + GOOD),
        (AnswerKind.NOISE, GOOD[:-1]),
        (AnswerKind.NOISE, framed(0x53, 1, 0x51, b"")),
    ],
)
def test_what_comes_is_told_apart(kind, data):
    assert kind is classify_answer(data).kind


def test_a_good_answer_among_noise_is_given_all_the_same():
    assert classify_answer(b"\x00" + GOOD).frame == classify_answer(GOOD).frame
    assert classify_answer(GOOD + GOOD).frame is None


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("echoes", [False, True])
@pytest.mark.parametrize("to_the_end", [False, True])
def test_an_answer_comes_in_any_pieces_and_behind_an_echo(size, echoes, to_the_end):
    line = Line([Slave("12345678", primary=1)], echoes=echoes)

    heard = converse(exchange_request(ASK, TIMING, to_the_end=to_the_end), line, size)

    assert (AnswerKind.FRAME, 1) == (heard.kind, heard.frame.address)


def test_a_second_answer_is_waited_for_where_it_matters():
    pair = [Slave("12345678", primary=1), Slave("22345678", primary=1)]

    assert (
        AnswerKind.NOISE
        is converse(exchange_request(ASK, TIMING, to_the_end=True), Line(pair, in_turn), 1).kind
    )


def test_waits_are_those_of_the_line():
    talk = exchange_request(ASK, TIMING)

    first = next(talk)
    second = talk.send(GOOD[:3])
    third = talk.send(GOOD[3:])

    assert (ASK, TIMING.answer_s(5), True) == (first.send, first.wait_s, first.fresh)
    assert (b"", TIMING.gap_s) == (second.send, second.wait_s)
    assert TIMING.rest_s == third.wait_s


def test_silence_is_waited_for_once():
    talk = exchange_request(ASK, TIMING, to_the_end=True)
    next(talk)
    with pytest.raises(StopIteration) as end:
        talk.send(b"")

    assert AnswerKind.SILENCE is end.value.value.kind


def test_who_never_stops_is_stopped():
    class Babbler(Line):
        def answer(self, _):
            return bytes(100_000)

    assert AnswerKind.NOISE is converse(exchange_request(ASK, TIMING), Babbler([]), 50).kind


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


@pytest.mark.parametrize(("answer_s", "baud"), [(1.15, 300), (0.1875, 2400), (0.084375, 9600)])
def test_an_answer_may_take_330_bits_and_50_ms(answer_s, baud):
    assert answer_s == pytest.approx(LineTiming(baud).answer_s())


@pytest.mark.parametrize("baud", BAUDS)
def test_a_gap_is_longer_than_a_rest_and_than_a_character(baud):
    timing = LineTiming(baud)

    assert timing.gap_s > timing.rest_s > timing.sending_s(1)


def test_slow_meters_are_allowed_for():
    assert LineTiming(2400).answer_s() + 0.5 == pytest.approx(LineTiming(2400, 0.5).answer_s())


def test_over_tcp_the_request_is_still_to_be_sent_when_we_wait():
    assert LineTiming(300).answer_s() + 0.1 + 17 * 11 / 300 == pytest.approx(
        LineTiming(300, over_tcp=True).answer_s(17)
    )
    assert LineTiming(300).answer_s() == LineTiming(300).answer_s(17)
    assert LineTiming(2400).gap_s + 0.2 == pytest.approx(LineTiming(2400, over_tcp=True).gap_s)


def test_eleven_bits_are_a_character():
    assert 0.055 == pytest.approx(LineTiming(2400).sending_s(12))


def test_a_reading_takes_its_reset_or_selection_and_the_longest_telegram_at_most():
    timing = LineTiming(2400)

    assert (6 + 266) * 11 / 2400 + 2 * (0.1875 + 33 / 2400) == pytest.approx(timing.reading_s(selects=False))
    assert 12 * 11 / 2400 == pytest.approx(timing.reading_s(selects=True) - timing.reading_s(selects=False))
