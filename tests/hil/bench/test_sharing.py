import pytest

from quartier_hil.bench import sharing
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.setting import Setting


@pytest.mark.peer
def test_a_clients_read_and_our_own_are_both_weighed(tmp_path):
    setting = Setting(1, True, tmp_path, Cache(tmp_path / "cache", lambda _: None), lambda _: None)
    found = {one.name: one for one in sharing.figures(setting)}

    assert {"share.wire", "share.held", "share.idle"} == set(found)
    assert found["share.held"].ours < found["share.wire"].ours, "what is held needs no wire"
    assert all(one.peer > 0 for one in found.values())
