"""The site with every door: which doors it opens."""

from quartier_hil import scenario
from quartier_hil.bench.doors import DOORS
from quartier_hil.fittings import boxes


def test_the_site_opens_every_door_that_needs_no_hardware(tmp_path):
    file = tmp_path / "doors.toml"
    file.write_text(DOORS.format(run_s=20.0))
    house = scenario.load(file).house

    assert ("sunspec-7xx", ("tic", "p1", "mbus")) == (house.pv, house.meters)
    protocols = {getattr(asset, "protocol", "modbus") for asset in house.assets}
    assert {"modbus", "bacnet", "opcua"} == protocols
    assert 17 == len(boxes(house.boards, house.assets))
    assert 1 == scenario.load(file).rate
    assert 0.2 == house.frequency_period_s
