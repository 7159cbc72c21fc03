"""Both engines take the same answers, ask the same next, and refuse the same."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native import questions as kernel
from quartier_native.reference import questions as twin

ROWS = st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=8), st.integers(0, 6)), max_size=5)
READ = (b"\0\0\0\6\1\3\0\7\0\2", b"\0\0\0\7\1\3\4", 4)


def questions_of(engine: ModuleType, *rows: tuple[bytes, bytes, int]) -> Any:
    """Questions whose answers come a nanosecond apart, from 100 on, and of which nobody has enough."""
    return engine.Questions(rows, iter(range(100, 200)).__next__, lambda: False)


def answer(number: int, row: tuple[bytes, bytes, int], data: bytes = b"\1\2\3\4") -> bytes:
    return number.to_bytes(2, "big") + row[1] + data


@given(ROWS, st.integers(-1, 65536), st.data())
def test_both_say_the_same_of_whatever_comes(
    rows: list[tuple[bytes, bytes, int]], number: int, data: st.DataObject
) -> None:
    enough = data.draw(st.lists(st.booleans(), min_size=10, max_size=10))
    sides = [
        one.Questions(rows, iter(range(100, 200)).__next__, iter(enough).__next__) for one in (twin, kernel)
    ]
    said: list[list[object]] = [[], []]

    def both(verb: str, *given: object) -> None:
        for one, told in zip(sides, said, strict=True):
            try:
                told.append(getattr(one, verb)(*given))
            except (ValueError, IndexError) as error:
                told.append(repr(error))
            told += [one.number, list(one.answers), list(one.taken_ns), one.is_over, len(one)]

    both("ask", number)
    for _ in range(data.draw(st.integers(0, 8))):
        verb = data.draw(
            st.sampled_from(["take_answer", "take_answer", "take_answer", "take", "ask", "end", "again"])
        )
        place = min(len(sides[0].answers), len(rows) - 1)
        if verb == "ask":
            both(verb, data.draw(st.integers(0, 65535)))
        elif verb in ("end", "again"):
            both(verb)
        elif verb == "take" or not rows or data.draw(st.booleans()):
            both(verb, data.draw(st.binary(max_size=16)))
        else:
            more = data.draw(st.binary(min_size=rows[place][2], max_size=rows[place][2] + 1))
            both(verb, answer(sides[0].number, rows[place], more))

    assert said[0] == said[1]


@pytest.mark.parametrize("engine", [kernel, twin])
def test_each_question_goes_out_when_the_one_before_was_answered(engine: ModuleType) -> None:
    other = (b"\0\0\0\6\1\4\0\1\0\1", b"\0\0\0\5\1\4\2", 2)
    questions = questions_of(engine, READ, other)

    assert b"\0\7" + READ[0] == questions.ask(6)
    assert b"\0\10" + other[0] == questions.take_answer(answer(7, READ))
    assert b"" == questions.take_answer(answer(8, other, b"\5\6"))
    assert ([b"\1\2\3\4", b"\5\6"], [100, 101]) == (questions.answers, questions.taken_ns)
    assert questions.take_answer(answer(8, other, b"\5\6")) is None


@pytest.mark.parametrize("engine", [kernel, twin])
@pytest.mark.parametrize(
    "odd",
    [
        answer(6, READ),
        answer(7, READ)[:-1],
        answer(7, READ) + b"\0",
        answer(7, (b"", b"\0\0\0\7\2\3\4", 4)),
        answer(7, (b"", b"\0\0\0\7\1\4\4", 4)),
        b"",
    ],
    ids=["number", "short", "long", "unit", "function", "nothing"],
)
def test_anything_but_just_the_answer_is_left_to_the_caller(engine: ModuleType, odd: bytes) -> None:
    questions = questions_of(engine, READ)
    questions.ask(6)

    assert questions.take_answer(odd) is None
    assert ([], 7) == (questions.answers, questions.number)
    assert b"" == questions.take_answer(answer(7, READ))


@pytest.mark.parametrize("engine", [kernel, twin])
def test_what_came_otherwise_makes_way_for_the_next(engine: ModuleType) -> None:
    questions = questions_of(engine, READ, READ)
    questions.ask(65534)
    questions.take(b"ab")

    assert b"\0\1" + READ[0] == questions.ask(questions.number)
    assert b"" == questions.take_answer(answer(1, READ))
    assert [b"ab", b"\1\2\3\4"] == questions.answers
    with pytest.raises(IndexError):
        questions.ask(1)
    with pytest.raises(IndexError):
        questions.take(b"")


@pytest.mark.parametrize("engine", [kernel, twin])
def test_less_than_no_data_is_refused(engine: ModuleType) -> None:
    with pytest.raises(ValueError, match="less than no data"):
        questions_of(engine, (b"", b"", -1))


@pytest.mark.parametrize("engine", [kernel, twin])
def test_it_is_over_when_somebody_has_enough_or_something_else_came(engine: ModuleType) -> None:
    enough = engine.Questions([READ, READ], lambda: 100, lambda: True)
    enough.ask(6)
    ended = questions_of(engine, READ, READ)
    ended.ask(6)
    ended.end()

    assert b"" == enough.take_answer(answer(7, READ))
    for questions, answers in ((enough, [b"\1\2\3\4"]), (ended, [])):
        assert (True, [100], answers) == (questions.is_over, questions.taken_ns, questions.answers)
        assert questions.take_answer(answer(7, READ)) is None
        with pytest.raises(IndexError):
            questions.end()
        questions.again()
        assert b"\0\10" + READ[0] == questions.ask(questions.number)


@pytest.mark.parametrize("engine", [kernel, twin])
def test_an_error_of_who_is_asked_whether_it_is_enough_is_passed_on(engine: ModuleType) -> None:
    questions = engine.Questions([READ, READ], lambda: 100, lambda: 1 // 0)
    questions.ask(6)

    with pytest.raises(ZeroDivisionError):
        questions.take_answer(answer(7, READ))
