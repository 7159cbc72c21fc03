import pytest

from quartier_hil.bench import dead
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.setting import Setting


@pytest.mark.peer
def test_the_others_are_counted_alone_where_one_is_dead_and_as_their_share_where_all_live(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(dead, "_WARM_SHORT_S", 0.0)
    monkeypatch.setattr(dead, "_WINDOW_SHORT_S", 2.0)
    setting = Setting(1, True, tmp_path, Cache(tmp_path / "cache", lambda _: None), lambda _: None)

    tcp, rtu = dead.figures(setting)

    assert ("dead.tcp", "dead.rtu") == (tcp.name, rtu.name)
    assert tcp.ours > 0
    assert rtu.peer > 0
