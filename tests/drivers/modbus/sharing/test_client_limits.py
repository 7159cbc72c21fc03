"""So many a second, and a few more after a rest."""

from quartier_drivers.modbus.frames import Request, make_read
from quartier_drivers.modbus.sharing.client_limits import (
    FIRST_PAUSE_S,
    IN_A_ROW_MAX,
    KEPT_MAX,
    PAUSE_MAX_S,
    FailedRequests,
    RateLimit,
)

S = 1_000_000_000


def test_a_burst_is_taken_and_then_the_pace_holds() -> None:
    allowance = RateLimit(10.0, 3, 0)

    assert [True, True, True, False] == [allowance.take(0) for _ in range(4)]
    assert [False, True, False] == [allowance.take(at) for at in (S // 20, S // 10, S // 10 + S // 20)]


def test_a_rest_saves_no_more_than_the_burst() -> None:
    allowance = RateLimit(10.0, 2, 0)

    assert [True, True, False] == [allowance.take(3600 * S) for _ in range(3)]


def test_less_than_one_a_second_still_gives_the_first() -> None:
    allowance = RateLimit(0.1, 0.1, 0)

    assert [True, False, False, True] == [allowance.take(at * S) for at in (0, 1, 9, 11)]


READ = make_read(1, "holding", 10, 2)


def other(place: int, unit: int = 1) -> Request:
    return make_read(unit, "holding", 100 + place, 2)


def test_each_time_in_vain_doubles_the_pause_up_to_a_minute() -> None:
    failed_requests = FailedRequests()
    pauses_s, now_s = [], 0.0
    for _ in range(7):
        failed_requests.note_no_answer("portal", READ, now_s)
        failed_requests.note_answer("portal", other(0))
        before_s = now_s
        while failed_requests.holds("portal", READ, now_s):
            now_s += 1.0
        pauses_s.append(now_s - before_s)

    assert [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] == pauses_s
    assert (2.0, 60.0) == (FIRST_PAUSE_S, PAUSE_MAX_S)


def test_it_holds_for_the_one_who_asked_and_his_question() -> None:
    failed_requests = FailedRequests()
    failed_requests.note_no_answer("portal", READ, 0.0)

    assert [True, False, False] == [
        failed_requests.holds(who, request, 1.0)
        for who, request in (("portal", READ), ("portal", other(0)), ("laptop", READ))
    ]


def test_who_asks_one_thing_after_the_other_in_vain_is_held_back_from_the_unit() -> None:
    failed_requests = FailedRequests()
    for place in range(IN_A_ROW_MAX):
        assert not failed_requests.holds("portal", READ, 0.0)
        failed_requests.note_no_answer("portal", other(place), 0.0)

    assert failed_requests.holds("portal", READ, 1.0)
    assert not failed_requests.holds("portal", other(0, unit=2), 1.0)
    assert not failed_requests.holds("laptop", READ, 1.0)
    assert not failed_requests.holds("portal", READ, FIRST_PAUSE_S)


def test_an_answer_ends_it_and_begins_anew() -> None:
    failed_requests = FailedRequests()
    for place in range(IN_A_ROW_MAX - 1):
        failed_requests.note_no_answer("portal", other(place), 0.0)
    failed_requests.note_answer("portal", READ)
    failed_requests.note_no_answer("portal", other(IN_A_ROW_MAX), 0.0)
    assert not failed_requests.holds("portal", READ, 0.0)

    failed_requests.note_answer("portal", other(0))
    assert [False, True] == [failed_requests.holds("portal", other(place), 1.0) for place in (0, 1)]


def test_it_does_not_grow() -> None:
    failed_requests = FailedRequests()
    for unit in range(256):
        for place in range(4):
            failed_requests.note_no_answer("portal", other(place, unit), 0.0)

    assert KEPT_MAX >= sum(
        failed_requests.holds("portal", other(place, unit), 1.0) for unit in range(256) for place in range(1)
    )
