"""Each client has its turn; the requests of one to one unit keep their order."""

from tests.drivers.modbus.share.test_terms import READ, terms

from quartier_drivers.modbus.share.asked import asked
from quartier_drivers.modbus.share.errand import Errand
from quartier_drivers.modbus.share.waiting import Waiting


def errand(name: str, unit: int = 1) -> Errand:
    return Errand(asked(unit, READ), terms("10.0.0.1", name=name), 0.0, lambda *_: None)


def test_a_client_that_asks_much_waits_for_one_that_asks_little() -> None:
    waiting = Waiting()
    greedy, modest = [errand("greedy") for _ in range(3)], errand("modest")
    for one in (*greedy, modest):
        waiting.add(one)
    found = []
    while waiting:
        found.append(next(waiting.next()))
        waiting.take(found[-1])

    assert [greedy[0], modest, greedy[1], greedy[2]] == found


def test_only_the_oldest_for_each_unit_may_go() -> None:
    waiting = Waiting()
    first, second, other = errand("a", 1), errand("a", 1), errand("a", 2)
    for one in (first, second, other):
        waiting.add(one)

    assert [first, other] == list(waiting.next())
    waiting.take(other)
    assert [first, second] == list(waiting)


def test_what_is_removed_waits_no_more() -> None:
    waiting, one = Waiting(), errand("a")
    waiting.add(one)
    waiting.remove(one)

    assert not waiting
