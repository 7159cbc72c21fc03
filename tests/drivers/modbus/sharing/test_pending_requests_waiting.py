"""Each client has its turn; the requests of one to one unit keep their order."""

from tests.drivers.modbus.sharing.test_client_limits_terms import READ, terms

from quartier_drivers.modbus.sharing.client_requests import parse_request
from quartier_drivers.modbus.sharing.pending_requests import PendingRequest, WaitingRequests


def errand(name: str, unit: int = 1) -> PendingRequest:
    return PendingRequest(parse_request(unit, READ), terms("10.0.0.1", name=name), 0.0, lambda *_: None)


def test_a_client_that_asks_much_waits_for_one_that_asks_little() -> None:
    waiting = WaitingRequests()
    greedy, modest = [errand("greedy") for _ in range(3)], errand("modest")
    for one in (*greedy, modest):
        waiting.add(one)
    found = []
    while waiting:
        found.append(next(waiting.next()))
        waiting.take(found[-1])

    assert [greedy[0], modest, greedy[1], greedy[2]] == found


def test_only_the_oldest_for_each_unit_may_go() -> None:
    waiting = WaitingRequests()
    first, second, other = errand("a", 1), errand("a", 1), errand("a", 2)
    for one in (first, second, other):
        waiting.add(one)

    assert [first, other] == list(waiting.next())
    waiting.take(other)
    assert [first, second] == list(waiting)


def test_what_is_removed_waits_no_more() -> None:
    waiting, one = WaitingRequests(), errand("a")
    waiting.add(one)
    waiting.remove(one)

    assert not waiting
