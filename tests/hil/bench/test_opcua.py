import pytest

from quartier_drivers.device_profile import loading
from quartier_hil.bench import opcua
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.opcua import POINTS, page
from quartier_hil.bench.setting import Setting


def test_the_device_that_is_measured_has_three_hundred_points_each_second():
    loaded = loading.parse_profile(page(POINTS), "bench/opcua", "opcua.toml")

    assert POINTS == len(loaded.parts[""])
    assert {"fast"} == {point.scan for point in loaded.parts[""].values()}


@pytest.mark.peer
def test_both_sides_read_the_same_nodes_of_the_same_server(tmp_path):
    setting = Setting(1, True, tmp_path, Cache(tmp_path / "cache", lambda _: None), lambda _: None)

    points, requests = opcua.figures(setting)

    assert points.ours > 0
    assert points.peer > 0
    assert 60 * POINTS == requests.peer
