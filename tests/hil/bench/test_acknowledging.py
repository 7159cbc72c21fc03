import pytest

from quartier_hil.bench import acknowledging
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.setting import Setting


@pytest.mark.peer
def test_each_side_has_every_message_acknowledged_or_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(acknowledging, "_MESSAGES_SHORT", 50)
    monkeypatch.setattr(Cache, "library", lambda *_: pytest.fail("nothing is installed for this"))
    monkeypatch.setattr(
        acknowledging, "_aiomqtt", lambda _: (_ for _ in ()).throw(acknowledging.AbsentError("no"))
    )
    aiomqtt, ours = acknowledging.figures(Setting(1, True, tmp_path, Cache(tmp_path / "cache", print), print))

    assert ("link.qos1_aiomqtt", "no") == (aiomqtt.name, aiomqtt.skipped)
    assert ours.skipped or (ours.ours > 0 and ours.peer > 0)
