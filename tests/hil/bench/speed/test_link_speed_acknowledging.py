import pytest

from quartier_bench.peers.peer_cache import MissingPeerError, PeerCache
from quartier_bench.speed import link_speed
from quartier_bench.speed.measurement import Setting


@pytest.mark.peer
def test_each_side_has_every_message_acknowledged_or_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(link_speed, "_MESSAGES_SHORT", 50)
    monkeypatch.setattr(PeerCache, "library", lambda *_: pytest.fail("nothing is installed for this"))
    monkeypatch.setattr(
        link_speed, "_make_aiomqtt_argv", lambda _: (_ for _ in ()).throw(MissingPeerError("no"))
    )
    aiomqtt, ours = link_speed.measure_acknowledged_messages(
        Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", print), print)
    )

    assert ("link.qos1_aiomqtt", "no") == (aiomqtt.name, aiomqtt.skipped)
    assert ours.skipped or (ours.ours > 0 and ours.peer > 0)
