import pytest

from quartier.control.allocate import thermal_preferences


@pytest.mark.parametrize(("tier", "later"), [("D", "B"), ("C", "B"), ("B", "B"), ("A", "A")])
def test_what_people_feel_already_stands_behind_c_and_d(tier, later):
    assert later == thermal_preferences.rank_after_tiers(tier)
