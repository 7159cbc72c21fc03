import json

from quartier_bench.speed import site_files
from quartier_drivers.device_profile import loading


def test_a_made_profile_loads_and_has_as_many_points_as_registers(tmp_path):
    site_files.write_site(tmp_path, [1502], 30)

    loaded = loading.load_profile(site_files.PROFILE, [tmp_path / "profiles"])

    assert 30 == len(loaded.parts[""])
    assert 1 == loaded.scan["fast"]


def test_each_port_is_a_bus_with_a_device_and_an_asset_and_the_first_is_the_grid(tmp_path):
    text = site_files.write_site(tmp_path, [1502, 1503, 1504], 4, broker_port=1883).read_text()

    assert 3 == text.count("[buses.")
    assert 1 == text.count('role = "grid"')
    assert 2 == text.count('role = "load"')
    assert "mqtt://127.0.0.1:1883" in text


def test_a_flow_reads_every_register_once_in_blocks_that_modbus_allows():
    nodes = json.loads(site_files.build_node_red_flow([1502, 1503], 300, 125, 1883))

    reads = [node for node in nodes if node["type"] == "modbus-read"]
    assert 600 == sum(node["quantity"] for node in reads)
    assert 125 == max(node["quantity"] for node in reads)
    assert {"client0", "client1"} == {node["server"] for node in reads}


def test_a_gateways_folder_asks_for_the_same_registers(tmp_path):
    folder = site_files.write_thingsboard_config(tmp_path / "config", [1502, 1503], 300, 125, 1883)

    slaves = json.loads((folder / "modbus.json").read_text())["master"]["slaves"]
    assert [1502, 1503] == [slave["port"] for slave in slaves]
    assert {"0-299"} == {slave["timeseries"][0]["address"] for slave in slaves}
