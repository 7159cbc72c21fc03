from itertools import pairwise

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed import history_speed
from quartier_bench.speed.measurement import Setting


def test_every_value_of_a_series_differs_from_the_one_before():
    rows = list(history_speed.generate_values(20, points=5))

    assert all(
        one != other for before, after in pairwise(rows) for one, other in zip(before, after, strict=True)
    )


def test_the_store_commits_and_each_side_has_its_cost(tmp_path, monkeypatch):
    monkeypatch.setattr(history_speed, "_COMMITS_SHORT", 3)
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)

    found = {figure.name: figure for figure in history_speed.measure_commit(setting)}

    assert found["commit.cpu"].ours > 0
    assert found["commit.cpu"].peer > 0
    assert found["commit.cpu_rows"].floor is None
    assert found["commit.day"].ours > 0
