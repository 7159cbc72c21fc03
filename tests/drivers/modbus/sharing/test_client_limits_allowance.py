"""So many a second, and a few more after a rest."""

from quartier_drivers.modbus.sharing.client_limits import RateLimit

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
