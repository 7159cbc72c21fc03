from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed.measurement import Setting


def test_each_scratch_folder_is_a_new_one(tmp_path):
    setting = Setting(
        1, True, tmp_path / "scratch", PeerCache(tmp_path / "cache", lambda _: None), lambda _: None
    )

    assert setting.make_scratch_folder("arena") != setting.make_scratch_folder("arena")
