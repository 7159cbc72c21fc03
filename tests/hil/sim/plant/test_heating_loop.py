import pytest

from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.heating import GeothermalSubstation


def _settled(**orders):
    loop = GeothermalSubstation(name="a", rated_w=3_000)
    for now_s in range(0, 7_200, 10):
        loop = loop.step(orders, Surroundings(now_s, now_s), 10.0)
    return loop


def test_power_goes_with_the_third_power_of_the_speed():
    assert 3_000 * 0.125 == _settled(pump_pct=50).power_w


def test_the_return_is_colder_the_slower_it_flows():
    assert 12 - 60_000 / (20 * 1_163) == pytest.approx(_settled().return_c, abs=0.01)
    assert 12 - 60_000 / (10 * 1_163) == pytest.approx(_settled(pump_pct=50).return_c, abs=0.01)


def test_too_little_flow_is_counted():
    assert (0, 7_200) == (_settled(pump_pct=40).slack_s, _settled(pump_pct=30).slack_s)


def test_a_raised_set_point_draws_more_heat_and_opens_the_valve():
    before, after = _settled().values(), _settled(setpoint_shift_k=5.0).values()

    assert (60_000, 72_000) == (round(before["heat_w"]), round(after["heat_w"]))
    assert (75.0, 90.0) == (before["valve_pct"], after["valve_pct"])
