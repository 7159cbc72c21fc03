from quartier_hil.bench.cache import Cache
from quartier_hil.bench.setting import Setting


def test_each_scratch_folder_is_a_new_one(tmp_path):
    setting = Setting(
        1, True, tmp_path / "scratch", Cache(tmp_path / "cache", lambda _: None), lambda _: None
    )

    assert setting.scratch("arena") != setting.scratch("arena")
