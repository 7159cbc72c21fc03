import pytest

from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.battery import BatteryAsset, BatterySpec, BatteryState

SPEC = BatterySpec(
    capacity_wh=10_000, charge_max_w=4_000, discharge_max_w=3_000, delay_s=0, ramp_max_w_per_s=1e6
)


def _battery(energy_wh=5_000.0):
    return BatteryAsset(name="b", spec=SPEC, state=BatteryState(energy_wh))


@pytest.mark.parametrize(("order_w", "power_w"), [(2_000, 2_000), (9_000, 4_000), (-9_000, -3_000)])
def test_it_does_as_ordered_within_what_it_is(order_w, power_w):
    assert power_w == _battery().step({"setpoint_w": order_w}, Surroundings(0, 0), 1).power_w


def test_without_an_order_or_without_voltage_it_rests():
    assert 0 == _battery().step({}, Surroundings(0, 0), 1).power_w
    assert 0 == _battery().step({"setpoint_w": 2_000}, Surroundings(0, 0, powered=False), 1).power_w


def test_it_tells_its_state_of_charge_and_a_voltage_that_rises_with_it():
    empty, full = _battery(0.0).values(), _battery(10_000.0).values()

    assert (0.0, 100.0) == (empty["soc_pct"], full["soc_pct"])
    assert empty["voltage_v"] < full["voltage_v"]
