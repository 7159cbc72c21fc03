import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.protocol_speed import opcua_speed
from quartier_bench.protocol_speed.opcua_speed import POINTS, render_profile
from quartier_bench.speed.measurement import Setting
from quartier_drivers.device_profile import loading


def test_the_device_that_is_measured_has_three_hundred_points_each_second():
    loaded = loading.parse_profile(render_profile(POINTS), "bench/opcua", "opcua.toml")

    assert POINTS == len(loaded.parts[""])
    assert {"fast"} == {point.scan for point in loaded.parts[""].values()}


@pytest.mark.peer
def test_both_sides_read_the_same_nodes_of_the_same_server(tmp_path):
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)

    points, requests = opcua_speed.measure_opcua(setting)

    assert points.ours > 0
    assert points.peer > 0
    assert 60 * POINTS == requests.peer
