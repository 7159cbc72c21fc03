from hypothesis import given
from hypothesis import strategies as st

from quartier_hil.plant.mains import frequency_hz, voltage_v


@given(st.floats(0, 1e8))
def test_frequency_stays_where_a_quiet_grid_is(now_s):
    assert 49.95 <= frequency_hz(now_s) <= 50.05


def test_import_lowers_the_voltage_and_export_lifts_it():
    assert voltage_v(10_000) < 230 < voltage_v(-10_000)
    assert 207 < voltage_v(36_000)
