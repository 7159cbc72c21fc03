from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.loads import StreetLights


def _power_w(sun_deg, **orders):
    return (
        StreetLights(name="a", rated_w=1_000).step(orders, Surroundings(0, 0, sun_deg=sun_deg), 1.0).power_w
    )


def test_lamps_are_lit_by_their_own_dusk_switch():
    assert (20, 1_000) == (_power_w(5), _power_w(-5))


def test_their_power_goes_with_their_light():
    assert 600 == _power_w(-5, dim_pct=60)


def test_dimming_by_day_changes_nothing():
    assert _power_w(5) == _power_w(5, dim_pct=50)
