"""The site with every protocol: which protocols it opens."""

from quartier_bench.speed.daemon_timing import ALL_PROTOCOLS_SCENARIO
from quartier_hil.scenario import scenario_file
from quartier_hil.scenario.site import list_device_names


def test_the_site_opens_every_protocol_that_needs_no_hardware(tmp_path):
    file = tmp_path / "protocols.toml"
    file.write_text(ALL_PROTOCOLS_SCENARIO.format(run_s=20.0))
    house = scenario_file.load_scenario(file).house

    assert ("sunspec-7xx", ("tic", "p1", "mbus")) == (house.pv, house.meters)
    protocols = {getattr(asset, "protocol", "modbus") for asset in house.assets}
    assert {"modbus", "bacnet", "opcua"} == protocols
    assert 17 == len(list_device_names(house.boards, house.assets))
    assert 1 == scenario_file.load_scenario(file).rate
    assert 0.2 == house.frequency_period_s
