"""A go keeps what came, knows what is in hand, and when it is over."""

from collections.abc import Callable

import pytest

from quartier_drivers.modbus.frames import Answer, Request, make_read
from quartier_drivers.modbus.wire.exchanges import ReadSequence, never

READS = [make_read(1, "holding", start, 1) for start in (10, 20, 30)]


def go_of(*taken_ns: int, is_enough: Callable[[], bool] = never) -> ReadSequence:
    """A go whose answers come at these times."""
    return ReadSequence(READS, iter(taken_ns).__next__, is_enough)


def answered(go: ReadSequence) -> None:
    """The sound answer to what is in hand comes as it is wished for."""
    assert go.heard(go.number.to_bytes(2, "big") + go.request.head + b"\0\7") is not None


def test_what_is_in_hand_follows_the_answers() -> None:
    go, hands = go_of(100, 200, 300), list[Request]()
    go.ask(0)
    for _ in READS:
        hands.append(go.request)
        assert not go.is_over
        answered(go)

    assert (READS, True) == (hands, go.is_over)
    assert ([b"\0\7"] * 3, [100, 200, 300]) == (go.answers, go.taken_ns)
    with pytest.raises(IndexError):
        _ = go.request


def test_it_is_over_when_somebody_has_enough() -> None:
    go = go_of(100, 200, is_enough=iter([False, True]).__next__)
    go.ask(0)
    answered(go)
    assert not go.is_over
    answered(go)

    assert go.is_over


def test_a_refusal_ends_it_and_is_no_answer() -> None:
    go, refusal = go_of(100, 200), Answer(exception=2)
    go.found(Answer(data=b"\0\1"))
    go.found(refusal)

    assert ([b"\0\1"], refusal, [100, 200], True) == (go.answers, go.refusal, go.taken_ns, go.is_over)


def test_a_go_of_nothing_is_over() -> None:
    assert ReadSequence([], lambda: 0).is_over
