"""One request and what came of it."""

import pytest
from tests.drivers.meter.mbus.conftest import Line, Slave, converse, framed, in_turn, record, reply

from quartier_drivers.meter.mbus.link_layer import (
    AnswerKind,
    LineTiming,
    classify_answer,
    exchange_request,
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
