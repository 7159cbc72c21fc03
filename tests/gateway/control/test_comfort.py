import pytest

from quartier.control import comfort


@pytest.mark.parametrize(("tier", "later"), [("D", "B"), ("C", "B"), ("B", "B"), ("A", "A")])
def test_what_people_feel_already_stands_behind_c_and_d(tier, later):
    assert later == comfort.later(tier)
