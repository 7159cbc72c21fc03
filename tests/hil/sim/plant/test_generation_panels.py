import pytest

from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.generation import PvAsset, SolarSpec

NOON = Surroundings(0, 0, solar_w_per_kw=500.0)


def _panels():
    return PvAsset(name="p", spec=SolarSpec(rated_w=6_000, ramp_max_w_per_s=1e6))


@pytest.mark.parametrize(
    ("orders", "power_w"),
    [({}, -3_000), ({"generation_max_w": 1_000}, -1_000), ({"relay_on": 0}, 0), ({"relay_on": 1}, -3_000)],
)
def test_it_gives_what_the_sun_allows_or_less_where_that_is_ordered(orders, power_w):
    assert power_w == _panels().step(orders, NOON, 1).power_w


def test_without_sun_or_voltage_it_gives_nothing():
    assert 0 == _panels().step({}, Surroundings(0, 0), 1).power_w
    assert 0 == _panels().step({}, Surroundings(0, 0, powered=False, solar_w_per_kw=500.0), 1).power_w
    assert {} == _panels().values()
