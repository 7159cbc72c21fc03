from quartier.app import restored


def test_a_gateway_that_was_never_restored_took_nobodys_place(tmp_path):
    assert not restored.was_restored(tmp_path)


def test_one_that_was_knows_it_for_good(tmp_path):
    restored.keep(tmp_path, 2_000, 1_000, 7)

    assert restored.was_restored(tmp_path)
