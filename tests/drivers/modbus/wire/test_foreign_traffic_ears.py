"""Our echo is known as ours, and another master's exchange as its own."""

import pytest
from tests.drivers.modbus.conftest import registers, rtu

from quartier_drivers.modbus.wire.foreign_traffic import LineListener, is_foreign_request

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
        ears.sent(REQUEST, reads=True)
        stream = REQUEST + ANSWER
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]

        assert ANSWER == heard(ears, *pieces)
        assert ears.echoes is True


def test_an_answer_that_begins_like_the_request_is_heard_whole() -> None:
    ears = LineListener()
    ears.sent(REQUEST, reads=True)

    assert ANSWER == heard(ears, ANSWER[:2], ANSWER[2:])
    assert ears.echoes is False


def test_an_echo_of_a_write_is_known_once_a_read_has_shown_that_there_is_one() -> None:
    ears = LineListener()
    ears.sent(WRITE, reads=False)
    assert WRITE == heard(ears, WRITE), "it may be the acknowledgement"
    ears.sent(REQUEST, reads=True)
    heard(ears, REQUEST + ANSWER)

    ears.sent(WRITE, reads=False)
    assert b"" == heard(ears, WRITE)
    assert WRITE == heard(ears, WRITE)


def test_a_line_without_echo_stays_one() -> None:
    ears = LineListener()
    ears.sent(REQUEST, reads=True)
    heard(ears, ANSWER)
    ears.sent(WRITE, reads=False)

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
