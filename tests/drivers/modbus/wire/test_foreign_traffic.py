"""An answer is in doubt where it may be the last one once more; pure."""

import pytest
from tests.drivers.modbus.conftest import registers, rtu

from quartier_drivers.modbus.frames import Answer, make_read, make_write
from quartier_drivers.modbus.wire.foreign_traffic import LineListener, RepeatedAnswers, is_foreign_request

FIRST, SECOND = make_read(1, "holding", 0, 1), make_read(1, "holding", 7, 1)


def said(data: bytes) -> Answer:
    return Answer(data=data, request=FIRST)


def test_only_the_same_data_for_as_much_elsewhere_is_in_doubt() -> None:
    doubles = RepeatedAnswers()
    assert not doubles.doubts(FIRST, said(b"ab"))
    doubles.note_answer(FIRST, said(b"ab"))

    assert doubles.doubts(SECOND, said(b"ab"))
    assert not doubles.doubts(SECOND, said(b"ac"))
    assert not doubles.doubts(FIRST, said(b"ab")), "the same question: the same answer is right"
    assert not doubles.doubts(make_read(1, "input", 7, 1), said(b"ab"))
    assert not doubles.doubts(make_read(1, "holding", 7, 2), said(b"ab"))
    assert not doubles.doubts(make_read(2, "holding", 7, 1), said(b"ab"))


def test_exceptions_and_echoes_are_never_in_doubt() -> None:
    doubles = RepeatedAnswers()
    doubles.note_answer(FIRST, Answer(exception=2))
    assert not doubles.doubts(SECOND, Answer(exception=2))
    write = make_write(1, "holding", 0, (5,))
    doubles.note_answer(write, Answer(request=write))
    assert not doubles.doubts(make_write(1, "holding", 1, (5,)), Answer(request=write))


def test_a_unit_whose_blocks_hold_the_same_is_trusted_until_it_says_too_much() -> None:
    doubles = RepeatedAnswers()
    doubles.note_answer(FIRST, said(b"ab"))
    for _ in range(3):
        assert doubles.doubts(SECOND, said(b"ab"))
        doubles.note_no_surplus(1)
    assert not doubles.doubts(SECOND, said(b"ab"))
    doubles.note_surplus(1)
    assert doubles.doubts(SECOND, said(b"ab"))


REQUEST = rtu(1, bytes.fromhex("03 0010 0002"))
ANSWER = rtu(1, registers(3, 7, 8))
WRITE = rtu(1, bytes.fromhex("06 0010 0007"))
THEIRS = rtu(33, bytes.fromhex("03 0100 0002"))
THEIR_ANSWER = rtu(33, registers(3, 0xDEAD, 0xDEAD))


def heard(ears: LineListener, *pieces: bytes) -> bytes:
    return b"".join(ears.without_echo(piece) for piece in pieces)


def test_an_echo_is_taken_away_in_whatever_pieces_it_comes() -> None:
    for size in range(1, len(REQUEST) + 1):
        ears = LineListener()
        ears.note_request(REQUEST, reads=True)
        stream = REQUEST + ANSWER
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]

        assert ANSWER == heard(ears, *pieces)
        assert ears.echoes is True


def test_an_answer_that_begins_like_the_request_is_heard_whole() -> None:
    ears = LineListener()
    ears.note_request(REQUEST, reads=True)

    assert ANSWER == heard(ears, ANSWER[:2], ANSWER[2:])
    assert ears.echoes is False


def test_an_echo_of_a_write_is_known_once_a_read_has_shown_that_there_is_one() -> None:
    ears = LineListener()
    ears.note_request(WRITE, reads=False)
    assert WRITE == heard(ears, WRITE), "it may be the acknowledgement"
    ears.note_request(REQUEST, reads=True)
    heard(ears, REQUEST + ANSWER)

    ears.note_request(WRITE, reads=False)
    assert b"" == heard(ears, WRITE)
    assert WRITE == heard(ears, WRITE)


def test_a_line_without_echo_stays_one() -> None:
    ears = LineListener()
    ears.note_request(REQUEST, reads=True)
    heard(ears, ANSWER)
    ears.note_request(WRITE, reads=False)

    assert WRITE == heard(ears, WRITE)


def test_another_masters_request_waits_until_its_slave_has_answered() -> None:
    ears = LineListener()
    ears.listen(THEIRS[:3], 0.0)
    assert ears.pending is None
    ears.listen(THEIRS[3:], 0.1)
    assert ears.pending is not None
    assert (33, 3, 2) == (ears.pending.unit, ears.pending.function, ears.pending.count)
    ears.listen(THEIR_ANSWER, 0.3)

    assert ears.pending is None
    assert 1 == ears.foreign_count


@pytest.mark.parametrize(
    "pdu",
    [
        "06 0001 0007",
        "10 0001 0002 04 00010002",
        "16 0001 00F2 0025",
        "17 0001 0001 0002 0001 02 0007",
        "05 0001 FF00",
    ],
)
def test_writes_of_another_are_exchanges_too(pdu: str) -> None:
    ears = LineListener()
    ears.listen(rtu(33, bytes.fromhex(pdu)), 0.0)
    assert ears.pending is not None
    answer = {"10": "10 0001 0002", "17": "17 02 0007"}.get(pdu[:2], pdu)
    ears.listen(rtu(33, bytes.fromhex(answer)), 0.1)

    assert ears.pending is None


def test_an_exception_answers_another_too() -> None:
    ears = LineListener()
    ears.listen(THEIRS + rtu(33, b"\x83\x02"), 0.0)

    assert ears.pending is None


def test_noise_is_no_request_and_does_not_hide_one() -> None:
    ears = LineListener()
    ears.listen(bytes(range(256)) * 4 + THEIRS, 0.0)

    assert ears.pending is not None
    assert 1 == ears.foreign_count


def test_an_answer_behind_anothers_request_for_as_much_may_be_the_others() -> None:
    twin = rtu(1, bytes.fromhex("03 0300 0002"))

    assert is_foreign_request(b"\xff" + twin, 1, 3, 2)
    assert not is_foreign_request(twin, 1, 3, 4)
    assert not is_foreign_request(twin, 2, 3, 2)
    assert not is_foreign_request(THEIRS + THEIR_ANSWER, 1, 3, 2)
    assert not is_foreign_request(twin[:-1], 1, 3, 2)
