"""An answer is in doubt where it may be the last one once more; pure."""

from quartier_drivers.modbus.frames import Answer, make_read, make_write
from quartier_drivers.modbus.wire.foreign_traffic import RepeatedAnswers

FIRST, SECOND = make_read(1, "holding", 0, 1), make_read(1, "holding", 7, 1)


def said(data: bytes) -> Answer:
    return Answer(data=data, request=FIRST)


def test_only_the_same_data_for_as_much_elsewhere_is_in_doubt() -> None:
    doubles = RepeatedAnswers()
    assert not doubles.doubts(FIRST, said(b"ab"))
    doubles.took(FIRST, said(b"ab"))

    assert doubles.doubts(SECOND, said(b"ab"))
    assert not doubles.doubts(SECOND, said(b"ac"))
    assert not doubles.doubts(FIRST, said(b"ab")), "the same question: the same answer is right"
    assert not doubles.doubts(make_read(1, "input", 7, 1), said(b"ab"))
    assert not doubles.doubts(make_read(1, "holding", 7, 2), said(b"ab"))
    assert not doubles.doubts(make_read(2, "holding", 7, 1), said(b"ab"))


def test_exceptions_and_echoes_are_never_in_doubt() -> None:
    doubles = RepeatedAnswers()
    doubles.took(FIRST, Answer(exception=2))
    assert not doubles.doubts(SECOND, Answer(exception=2))
    write = make_write(1, "holding", 0, (5,))
    doubles.took(write, Answer(request=write))
    assert not doubles.doubts(make_write(1, "holding", 1, (5,)), Answer(request=write))


def test_a_unit_whose_blocks_hold_the_same_is_trusted_until_it_says_too_much() -> None:
    doubles = RepeatedAnswers()
    doubles.took(FIRST, said(b"ab"))
    for _ in range(3):
        assert doubles.doubts(SECOND, said(b"ab"))
        doubles.alone(1)
    assert not doubles.doubts(SECOND, said(b"ab"))
    doubles.seen(1)
    assert doubles.doubts(SECOND, said(b"ab"))
