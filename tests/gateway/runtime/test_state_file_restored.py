from quartier.runtime import state_file


def test_a_gateway_that_was_never_restored_took_nobodys_place(tmp_path):
    assert not state_file.was_restored(tmp_path)


def test_one_that_was_knows_it_for_good(tmp_path):
    state_file.mark_restored(tmp_path, 2_000, 1_000, 7)

    assert state_file.was_restored(tmp_path)
