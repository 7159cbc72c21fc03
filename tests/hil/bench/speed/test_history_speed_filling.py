from quartier.store.history_reader import read_history
from quartier_bench.speed import history_speed


def test_a_history_holds_as_many_samples_as_it_says_and_as_were_wanted(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["filling", str(tmp_path), "20000"])
    history_speed.run_fill()
    kept = int(capsys.readouterr().out)

    assert kept >= 20_000
    rows = read_history(tmp_path / "history.db", tmp_path / "run", ["meter*"], 0, 1 << 53)
    assert kept == sum(1 for _ in rows)
