import pytest

from quartier_sim.meters.captures import CAPTURES


@pytest.mark.parametrize("name", CAPTURES)
def test_every_capture_gives_as_many_telegrams_as_asked_and_each_says_something(name):
    telegrams = list(CAPTURES[name](1, 40))

    assert 40 == len(telegrams)
    assert all(telegram.statements for telegram in telegrams)
    assert b"".join(telegram.data for telegram in telegrams) == b"".join(
        telegram.data for telegram in CAPTURES[name](1, 40)
    )
