"""One request and what came of it."""

import pytest
from tests.drivers.meter.mbus.conftest import Line, Slave, converse, framed, in_turn, record, reply

from quartier_drivers.meter.mbus.exchange import Kind, exchange, judged
from quartier_drivers.meter.mbus.frame import short
from quartier_drivers.meter.mbus.timing import Timing

TIMING = Timing()
ASK = short(0x7B, 1)
GOOD = reply(record(1, "13"))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Kind.SILENCE, b""),
        (Kind.ACKNOWLEDGED, b"\xe5"),
        (Kind.NOISE, b"\xe5\xe5"),
        (Kind.NOISE, b"\xa5"),
        (Kind.FRAME, GOOD),
        (Kind.NOISE, GOOD + b"\x00"),
        (Kind.NOISE, b"\xe5" + GOOD),
        (Kind.NOISE, GOOD + GOOD),
        (Kind.NOISE, GOOD[:-1]),
        (Kind.NOISE, framed(0x53, 1, 0x51, b"")),
    ],
)
def test_what_comes_is_told_apart(kind, data):
    assert kind is judged(data).kind


def test_a_good_answer_among_noise_is_given_all_the_same():
    assert judged(b"\x00" + GOOD).frame == judged(GOOD).frame
    assert judged(GOOD + GOOD).frame is None


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("echoes", [False, True])
@pytest.mark.parametrize("to_the_end", [False, True])
def test_an_answer_comes_in_any_pieces_and_behind_an_echo(size, echoes, to_the_end):
    line = Line([Slave("12345678", primary=1)], echoes=echoes)

    heard = converse(exchange(ASK, TIMING, to_the_end=to_the_end), line, size)

    assert (Kind.FRAME, 1) == (heard.kind, heard.frame.address)


def test_a_second_answer_is_waited_for_where_it_matters():
    pair = [Slave("12345678", primary=1), Slave("22345678", primary=1)]

    assert Kind.NOISE is converse(exchange(ASK, TIMING, to_the_end=True), Line(pair, in_turn), 1).kind


def test_waits_are_those_of_the_line():
    talk = exchange(ASK, TIMING)

    first = next(talk)
    second = talk.send(GOOD[:3])
    third = talk.send(GOOD[3:])

    assert (ASK, TIMING.answer_s(5), True) == (first.send, first.wait_s, first.fresh)
    assert (b"", TIMING.gap_s) == (second.send, second.wait_s)
    assert TIMING.rest_s == third.wait_s


def test_silence_is_waited_for_once():
    talk = exchange(ASK, TIMING, to_the_end=True)
    next(talk)
    with pytest.raises(StopIteration) as end:
        talk.send(b"")

    assert Kind.SILENCE is end.value.value.kind


def test_who_never_stops_is_stopped():
    class Babbler(Line):
        def answer(self, _):
            return bytes(100_000)

    assert Kind.NOISE is converse(exchange(ASK, TIMING), Babbler([]), 50).kind
