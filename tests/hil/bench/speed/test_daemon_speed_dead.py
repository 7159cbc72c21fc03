import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed import daemon_speed
from quartier_bench.speed.measurement import Setting


@pytest.mark.peer
def test_the_others_are_counted_alone_where_one_is_dead_and_as_their_share_where_all_live(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(daemon_speed, "_DEAD_WARM_SHORT_S", 0.0)
    monkeypatch.setattr(daemon_speed, "_DEAD_WINDOW_SHORT_S", 2.0)
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)

    tcp, rtu = daemon_speed.measure_dead_device(setting)

    assert ("dead.tcp", "dead.rtu") == (tcp.name, rtu.name)
    assert tcp.ours > 0
    assert rtu.peer > 0
