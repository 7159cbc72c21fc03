import pytest

from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.loads import SwitchedLoad


def _power_w(hour, from_h=8.0, until_h=18.0, **orders):
    made = SwitchedLoad(name="a", rated_w=500, from_h=from_h, until_h=until_h)
    return made.step(orders, Surroundings(0, hour * 3600), 1.0).power_w


@pytest.mark.parametrize(("hour", "power_w"), [(7.9, 0), (8, 500), (17.9, 500), (18, 0)])
def test_it_runs_in_its_hours(hour, power_w):
    assert power_w == _power_w(hour)


@pytest.mark.parametrize(("hour", "power_w"), [(23, 500), (3, 500), (12, 0)])
def test_its_hours_may_go_over_midnight(hour, power_w):
    assert power_w == _power_w(hour, from_h=22, until_h=6)


def test_an_open_relay_stops_it():
    assert 0 == _power_w(12, relay_on=0)
