import pytest

from quartier_drivers.device_profile import loading
from quartier_hil.bench import requests
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.setting import Setting


def test_the_meter_of_the_measurement_has_its_twenty_points(tmp_path):
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "twenty.toml").write_text(requests.meter())

    assert requests.POINTS == requests.DEVICES * len(
        loading.load_profile("bench/twenty", [tmp_path]).parts[""]
    )


@pytest.mark.peer
def test_a_site_of_ten_meters_takes_a_fifteenth_of_the_requests(tmp_path):
    setting = Setting(1, True, tmp_path, Cache(tmp_path / "cache", lambda _: None), lambda _: None)

    count, mixed, cycle = requests.figures(setting)

    assert count.holds()
    assert mixed.ratio < 1
    assert 1000 * requests.DEVICES * 2 * 0.005 == cycle.peer
