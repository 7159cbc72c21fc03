import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.protocol_speed import modbus_speed
from quartier_bench.speed.measurement import Setting
from quartier_drivers.device_profile import loading


def test_the_meter_of_the_measurement_has_its_twenty_points(tmp_path):
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "twenty.toml").write_text(modbus_speed.render_meter_profile())

    assert modbus_speed.POINTS == modbus_speed.DEVICES * len(
        loading.load_profile("bench/twenty", [tmp_path]).parts[""]
    )


@pytest.mark.peer
def test_a_site_of_ten_meters_takes_a_fifteenth_of_the_requests(tmp_path):
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)

    count, mixed, cycle = modbus_speed.measure_requests(setting)

    assert count.holds()
    assert mixed.ratio < 1
    assert 1000 * modbus_speed.DEVICES * 2 * 0.005 == cycle.peer
