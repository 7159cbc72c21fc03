"""The same request gets what the recorded device said, in its order, in the numbers of who asks."""

from quartier_hil.replay.playback import AnswerPiece, RecordedAnswers
from quartier_hil.replay.recording import RecordedEvent, Recording

ASK = bytes.fromhex("000100000006010300000001")
TELL = bytes.fromhex("0001000000050103020007")
OTHER = bytes.fromhex("000200000006010300090001")


def again(frame, number):
    return number.to_bytes(2, "big") + frame[2:]


def told(*events, protocol="modbus-tcp"):
    return RecordedAnswers(Recording(protocol, tuple(events)))


def test_an_answer_bears_the_number_of_who_asks():
    answers = told(RecordedEvent(0, "out", ASK), RecordedEvent(5_000_000, "in", TELL))

    assert (AnswerPiece(0.005, again(TELL, 900)),) == answers.answer(again(ASK, 900))


def test_a_late_answer_stays_as_late_as_it_was():
    answers = told(
        RecordedEvent(0, "out", again(ASK, 8)),
        RecordedEvent(0, "in", again(TELL, 7)),
        RecordedEvent(0, "in", again(TELL, 8)),
    )

    assert [again(TELL, 0xFFFF), again(TELL, 0)] == [one.data for one in answers.answer(again(ASK, 0))]


def test_the_first_time_silence_then_an_answer_which_then_stays():
    answers = told(
        RecordedEvent(0, "out", ASK),
        RecordedEvent(10**9, "out", again(ASK, 2)),
        RecordedEvent(10**9, "in", again(TELL, 2)),
    )

    said = [[one.data for one in answers.answer(ASK)] for _ in range(3)]
    assert [[], [TELL], [TELL]] == said


def test_a_request_that_nobody_made_has_no_answer_and_is_counted():
    answers = told(RecordedEvent(0, "out", ASK), RecordedEvent(0, "in", TELL))

    assert answers.answer(OTHER) is None
    assert 1 == answers.strangers_count


def test_an_end_is_part_of_the_answer():
    answers = told(RecordedEvent(0, "out", ASK), RecordedEvent(2_000_000, "ended"))

    assert (AnswerPiece(0.002, b"", ends=True),) == answers.answer(ASK)


def test_what_came_unasked_keeps_its_gaps():
    answers = told(RecordedEvent(10, "in", b"a"), RecordedEvent(10 + 10**9, "in", b"b"), protocol="serial")

    assert (AnswerPiece(0.0, b"a"), AnswerPiece(1.0, b"b")) == answers.unrequested
