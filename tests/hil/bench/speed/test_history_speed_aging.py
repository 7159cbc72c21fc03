from quartier_bench.speed import history_speed


def test_what_ages_keeps_its_samples_and_tells_what_it_weighs_after_an_hour_and_at_the_end(tmp_path):
    hour_mib, day_mib, end_mib = history_speed.age_store(tmp_path, 2 / 24)

    assert hour_mib > 10
    assert 0.0 == day_mib
    assert end_mib > 10
    assert (tmp_path / "history.db").stat().st_size > 10_000
