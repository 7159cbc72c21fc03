"""A request is answered once, whatever else comes."""

from tests.drivers.modbus.sharing.test_client_limits_terms import READ, terms

from quartier_drivers.modbus.sharing.client_requests import parse_request
from quartier_drivers.modbus.sharing.pending_requests import PendingRequest, RequestCounts, WaitingRequests


def test_the_first_end_counts() -> None:
    given: list[tuple[bytes, str, str]] = []
    pending = PendingRequest(parse_request(1, READ), terms("10.0.0.1"), 0.0, lambda *what: given.append(what))
    pending.end(b"\3\2\0\7", "wire")
    pending.end(b"\x83\x0b", "unanswered", "given up")

    assert [(b"\3\2\0\7", "wire", "")] == given
    assert pending.is_over


def test_each_fate_has_its_count() -> None:
    counts = RequestCounts()
    for fate in ("wire", "held", "held", "busy", "absent", "unanswered", "dropped"):
        counts.count_outcome(fate)

    found = counts.data()
    assert (1, 2, 1, 1, 1, 1) == tuple(
        found[name] for name in ("wire", "held", "busy", "absent", "unanswered", "dropped")
    )
    assert 0 == found["refused"]


def pending(name: str, unit: int = 1) -> PendingRequest:
    return PendingRequest(parse_request(unit, READ), terms("10.0.0.1", name=name), 0.0, lambda *_: None)


def test_a_client_that_asks_much_waits_for_one_that_asks_little() -> None:
    waiting = WaitingRequests()
    greedy, modest = [pending("greedy") for _ in range(3)], pending("modest")
    for one in (*greedy, modest):
        waiting.add(one)
    found = []
    while waiting:
        found.append(next(waiting.next()))
        waiting.take(found[-1])

    assert [greedy[0], modest, greedy[1], greedy[2]] == found


def test_only_the_oldest_for_each_unit_may_go() -> None:
    waiting = WaitingRequests()
    first, second, other = pending("a", 1), pending("a", 1), pending("a", 2)
    for one in (first, second, other):
        waiting.add(one)

    assert [first, other] == list(waiting.next())
    waiting.take(other)
    assert [first, second] == list(waiting)


def test_what_is_removed_waits_no_more() -> None:
    waiting, one = WaitingRequests(), pending("a")
    waiting.add(one)
    waiting.remove(one)

    assert not waiting
