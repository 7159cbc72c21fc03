import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed import daemon_timing
from quartier_bench.speed.measurement import Setting


@pytest.mark.peer
def test_a_start_ends_with_the_first_finished_cycle_and_loads_nothing_unused(tmp_path, monkeypatch):
    monkeypatch.setattr(daemon_timing, "_SETTLE_SHORT_S", 0.0)
    monkeypatch.setattr(daemon_timing, "_HISTORY_SAMPLES_SHORT", 20_000)
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)

    found = {figure.name: figure.ours for figure in daemon_timing.measure_start(setting)}

    assert found["start.time"] > 0
    assert found["start.memory"] > 10
    assert found["start.imports"] > 0
    assert 0 == found["start.unused"]
    assert found["start.history"] > 0
