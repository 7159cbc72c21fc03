"""What each policy makes of a year, held against figures from outside and against the battery's own limits."""

import pytest
from tests.hil.bench.home_years.conftest import is_kept

from quartier_bench.home_years import battery_policies


def relative(name, year):
    scores = []
    for home in year.homes:
        grid_kwh = battery_policies.simulate_year(home, battery_policies.POLICIES[name](home, year))
        assert is_kept(home, grid_kwh)
        scores.append(battery_policies.score_year(grid_kwh, home.net_kwh, year))
    return battery_policies.average_scores(scores)


@pytest.mark.parametrize("name", battery_policies.POLICIES)
def test_no_policy_asks_more_of_a_battery_than_it_can(name, year):
    assert relative(name, year).cost < 1


def test_the_rule_stores_what_the_sun_leaves_over_and_gives_it_in_the_evening(year):
    home = year.homes[1]  # 4 x 1.8 kWh of sun and no load: 6.4 kWh are held, the rest goes out
    grid_kwh = battery_policies.simulate_year(home, battery_policies.make_rule_policy(home, year))

    assert 0 < -grid_kwh[10:14].sum() < 4 * 1.8 - 6.4
    assert pytest.approx(6.0 - 6.4 * 0.9) == grid_kwh[16:20].sum()


@pytest.mark.parametrize(
    ("name", "cost", "co2", "daily_peak"),
    [("rule", 0.668, 0.723, 0.833), ("foresight", 0.588, None, None)],
)
def test_the_measured_homes_give_the_figures_that_others_found(name, cost, co2, daily_peak, measured):
    found = relative(name, measured)
    told = (found.cost, co2 and found.co2, daily_peak and found.daily_peak)
    assert (cost, co2, daily_peak) == pytest.approx(told, abs=6e-4)
