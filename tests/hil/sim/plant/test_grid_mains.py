from hypothesis import given
from hypothesis import strategies as st

from quartier_sim.plant import grid
from quartier_sim.plant.grid import PublicGrid, compute_frequency_hz, compute_voltage_v


@given(st.floats(0, 1e8))
def test_frequency_stays_where_a_quiet_grid_is(now_s):
    assert 49.95 <= compute_frequency_hz(now_s) <= 50.05


def test_import_lowers_the_voltage_and_export_lifts_it():
    assert compute_voltage_v(10_000) < 230 < compute_voltage_v(-10_000)
    assert 207 < compute_voltage_v(36_000)


def test_the_frequency_goes_where_it_is_sent_at_its_pace_and_stays():
    one = grid.set_frequency(PublicGrid(), 49.0, 0.5)

    assert -0.5 == grid.step_grid(one, 1.0).frequency_offset_hz
    assert -1.0 == grid.step_grid(grid.step_grid(one, 1.0), 3.0).frequency_offset_hz
    assert -1.0 == grid.step_grid(grid.set_frequency(PublicGrid(), 49.0, None), 0.1).frequency_offset_hz


def test_a_voltage_is_set_by_phase_and_gone_where_no_phase_has_half():
    low = grid.set_voltage(PublicGrid(), 0.0, (1, 3))

    assert (0.0, 230.0, 0.0) == low.phase_voltages_v
    assert [False, True] == [low.is_gone, grid.set_voltage(low, 100.0, (2,)).is_gone]
