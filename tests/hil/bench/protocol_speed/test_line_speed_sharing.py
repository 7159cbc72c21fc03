import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.protocol_speed import line_speed
from quartier_bench.speed.measurement import Setting


@pytest.mark.peer
def test_a_clients_read_and_our_own_are_both_weighed(tmp_path):
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)
    found = {one.name: one for one in line_speed.measure_share(setting)}

    assert {"share.wire", "share.held", "share.idle"} == set(found)
    assert found["share.held"].ours < found["share.wire"].ours, "what is held needs no wire"
    assert all(one.peer > 0 for one in found.values())
