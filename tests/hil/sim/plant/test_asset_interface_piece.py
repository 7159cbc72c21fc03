from quartier_sim.plant.asset_interface import get_phase_shares


def test_a_single_phase_has_all_and_three_have_a_third():
    assert (0, 1, 0) == get_phase_shares(2)
    assert 1 == sum(get_phase_shares(None))
