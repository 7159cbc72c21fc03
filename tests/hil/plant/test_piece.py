from quartier_hil.plant.piece import shares


def test_a_single_phase_has_all_and_three_have_a_third():
    assert (0, 1, 0) == shares(2)
    assert 1 == sum(shares(None))
