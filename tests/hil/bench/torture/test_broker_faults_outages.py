import pytest

from quartier_bench.torture import broker_faults


async def test_a_history_is_filled_that_nobody_was_given(tmp_path):
    (tmp_path / "state").mkdir()

    assert 2_000 <= await broker_faults.fill_in_process(tmp_path / "state", 2_000, tmp_path / "log")
    assert (tmp_path / "state" / "history.db").exists()


async def test_where_it_cannot_be_filled_it_is_said_and_the_log_named(tmp_path, monkeypatch):
    monkeypatch.setattr(broker_faults, "_FILL_PROGRAM", "raise SystemExit(3)")
    with pytest.raises(RuntimeError, match="log"):
        await broker_faults.fill_in_process(tmp_path, 2_000, tmp_path / "log")


def test_72_hours_of_500_points_each_10_s_are_13_million():
    assert 12_960_000 == broker_faults.SAMPLES_72_H
