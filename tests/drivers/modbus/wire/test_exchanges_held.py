"""What was answered before is given again byte for byte, while it is young, and never pieced together."""

from quartier_drivers.modbus.frames import Answer, Request, make_read, make_write
from quartier_drivers.modbus.wire.exchanges import ANSWERS_MAX, TABLES_MAX, AnswerCache, ReadSequence

BLOCK = make_read(1, "holding", 100, 4)
DATA = bytes(range(8))


def seen(request: Request, data: bytes, now_ns: int, held: AnswerCache | None = None) -> AnswerCache:
    held = held or AnswerCache()
    held.saw(request, Answer(data=data, request=request), now_ns)
    return held


def test_the_same_read_and_any_part_of_it_have_its_bytes() -> None:
    held = seen(BLOCK, DATA, 1000)

    assert DATA == held.find(BLOCK, 1000)
    assert DATA[2:6] == held.find(make_read(1, "holding", 101, 2), 1000)
    assert DATA[6:] == held.find(make_read(1, "holding", 103, 1), 1000)


def test_what_reaches_beyond_it_or_is_elsewhere_is_not_there() -> None:
    held = seen(BLOCK, DATA, 1000)

    assert [None] * 4 == [
        held.find(request, 0)
        for request in (
            make_read(1, "holding", 99, 2),
            make_read(1, "holding", 103, 2),
            make_read(1, "input", 100, 4),
            make_read(2, "holding", 100, 4),
        )
    ]


def test_two_answers_are_never_joined() -> None:
    held = seen(make_read(1, "holding", 104, 4), DATA, 1000, seen(BLOCK, DATA, 1000))

    assert None is held.find(make_read(1, "holding", 102, 4), 0)


def test_what_is_too_old_is_not_given_and_the_newer_of_two_is() -> None:
    held = seen(BLOCK, DATA, 1000)
    assert None is held.find(BLOCK, 1001)

    seen(make_read(1, "holding", 99, 6), bytes(range(20, 32)), 2000, held)
    assert bytes(range(22, 30)) == held.find(BLOCK, 1500)


def test_bits_are_cut_out_of_a_longer_answer() -> None:
    held = seen(make_read(1, "coil", 0, 12), bytes([0b1010_0110, 0b0000_1001]), 0)

    assert bytes([0b1_0100]) == held.find(make_read(1, "coil", 3, 5), 0)
    assert bytes([0b1001_1010]) == held.find(make_read(1, "coil", 4, 8), 0)


def test_a_write_makes_what_its_unit_said_worthless() -> None:
    held = seen(make_read(2, "input", 0, 1), b"\0\7", 1000, seen(BLOCK, DATA, 1000))
    write = make_write(1, "holding", 5, (1,))
    held.saw(write, Answer(request=write), 1001)

    assert None is held.find(BLOCK, 0)
    assert b"\0\7" == held.find(make_read(2, "input", 0, 1), 0)


def test_an_exception_is_not_kept() -> None:
    held = AnswerCache()
    held.saw(BLOCK, Answer(exception=2), 1000)

    assert None is held.find(BLOCK, 0)


def test_a_go_leaves_each_of_its_answers_with_its_own_time() -> None:
    times = iter((1000, 2000))
    go = ReadSequence((BLOCK, make_read(1, "input", 0, 1)), lambda: next(times))
    go.ask(0)
    go.take(DATA)
    go.end()
    held = AnswerCache()
    held.took(go)

    assert (DATA, None) == (held.find(BLOCK, 1000), held.find(BLOCK, 1001))
    assert None is held.find(make_read(1, "input", 0, 1), 0), "it was never answered"


def test_it_does_not_grow() -> None:
    held = AnswerCache()
    for place in range(ANSWERS_MAX + 10):
        seen(make_read(1, "holding", place, 1), b"\0\1", 1000, held)
    found = [held.find(make_read(1, "holding", place, 1), 0) for place in range(ANSWERS_MAX + 10)]
    assert [None] * 10 + [b"\0\1"] * ANSWERS_MAX == found

    for unit in range(2, TABLES_MAX + 2):
        seen(make_read(unit, "holding", 0, 1), b"\0\1", 1000, held)
    assert None is held.find(make_read(1, "holding", ANSWERS_MAX, 1), 0)
