from itertools import pairwise

from quartier_hil.bench import commit
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.setting import Setting


def test_every_value_of_a_series_differs_from_the_one_before():
    rows = list(commit.series(20, points=5))

    assert all(
        one != other for before, after in pairwise(rows) for one, other in zip(before, after, strict=True)
    )


def test_the_store_commits_and_each_side_has_its_cost(tmp_path, monkeypatch):
    monkeypatch.setattr(commit, "_COMMITS_SHORT", 3)
    setting = Setting(1, True, tmp_path, Cache(tmp_path / "cache", lambda _: None), lambda _: None)

    found = {figure.name: figure for figure in commit.figures(setting)}

    assert found["commit.cpu"].ours > 0
    assert found["commit.cpu"].peer > 0
    assert found["commit.cpu_rows"].floor is None
    assert found["commit.day"].ours > 0
