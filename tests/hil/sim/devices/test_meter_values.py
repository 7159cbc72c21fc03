import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_sim.devices.meter_values import PHASES, MeterValues


@given(st.floats(-1e6, 1e6))
def test_phases_that_were_not_told_share_the_total(power_w):
    mains = MeterValues()
    mains.take({"power_w": power_w})

    assert pytest.approx(power_w) == sum(mains.phase_power_w(phase) for phase in PHASES)


def test_a_total_that_was_not_told_is_the_sum_of_the_phases():
    mains = MeterValues()
    mains.take({"power_l1_w": 1000.0, "power_l3_w": -400.0})

    assert 600.0 == mains.power_w


def test_current_follows_from_power_and_voltage_and_has_no_sign():
    mains = MeterValues()
    mains.take({"power_l1_w": -2300.0, "voltage_l1_v": 230.0})

    assert 10.0 == mains.phase_current_a("l1")


def test_what_was_told_before_stays():
    mains = MeterValues()
    mains.take({"energy_import_wh": 5.0, "frequency_hz": 49.9})
    mains.take({"power_w": 1.0})

    assert (5.0, 49.9) == (mains.energy_import_wh, mains.frequency_hz)


def test_a_quantity_that_no_meter_has_is_an_error():
    with pytest.raises(KeyError, match="soc_pct"):
        MeterValues().take({"soc_pct": 1.0})
