"""An asset whose model is an FMU that another program wrote, of FMI 2.0 and 3.0."""

import tempfile
import zipfile
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient
from tests.hil.sim.fmi.child import run_in_child

from quartier_hil.testing import BuildingNotServed, SimulatedBuilding
from quartier_sim.fmi.imported_asset import FmuAsset, FmuFailed, UnusableFmu, read_quantity_map
from quartier_sim.plant.asset_interface import EVEN_SHARES, Surroundings

AROUND = Surroundings(now_s=0.0, day_s=0.0, outdoor_c=-5.0)
POWER = {"power_w": "P"}


@run_in_child
def test_orders_and_weather_act_and_outputs_are_read(heater_fmu):
    heater = FmuAsset(heater_fmu, "boiler", quantities=POWER)
    assert "boiler" == heater.name
    assert EVEN_SHARES == heater.shares
    assert {"relay_on", "outdoor_c", "mode"} == set(heater.input_names)
    for _ in range(10):
        heater.step({"relay_on": 1.0}, AROUND, 1.0)
    assert 2000.0 == heater.power_w
    expected_c = 50.0
    for _ in range(10):
        expected_c += (2000.0 - 10.0 * (expected_c + 5.0)) / 1e6
    assert pytest.approx(expected_c, abs=1e-9) == heater.values()["tank_c"]

    heater.step({"relay_on": 0.0}, AROUND, 1.0)
    assert 0.0 == heater.power_w
    assert ["tank_c"] == list(heater.values())


@run_in_child
def test_an_order_that_nobody_gave_keeps_the_start_value(heater_fmu):
    heater = FmuAsset(heater_fmu, "boiler", quantities=POWER)
    assert 2000.0 == heater.step({}, AROUND, 1.0).power_w


@run_in_child
def test_without_voltage_it_takes_nothing(heater_fmu):
    heater = FmuAsset(heater_fmu, "boiler", quantities=POWER)
    assert 0.0 == heater.step({}, Surroundings(now_s=0.0, day_s=0.0, powered=False), 1.0).power_w


@run_in_child
def test_a_step_that_fails_names_the_file_and_the_time(heater_fmu):
    heater = FmuAsset(heater_fmu, "boiler", quantities=POWER)
    heater.step({}, AROUND, 5.0)
    with pytest.raises(FmuFailed, match=rf"{heater_fmu}: failed at 5 s of its time"):
        heater.step({"mode": 9.0}, AROUND, 1.0)


@run_in_child
def test_nothing_is_left_behind(heater_fmu):
    before = set(Path(tempfile.gettempdir()).glob("quartier-fmu-*"))
    asset = FmuAsset(heater_fmu, "boiler", quantities=POWER, phase=2)
    assert (0.0, 1.0, 0.0) == asset.shares
    assert set(Path(tempfile.gettempdir()).glob("quartier-fmu-*")) > before
    asset.close()
    assert before == set(Path(tempfile.gettempdir()).glob("quartier-fmu-*"))


@run_in_child
def test_an_fmu_without_power_names_its_outputs(heater_fmu):
    with pytest.raises(UnusableFmu, match="has no output power_w, only P, tank_c; give power_w=VARIABLE"):
        FmuAsset(heater_fmu, "boiler")
    with pytest.raises(UnusableFmu, match="has no variable 'Q'"):
        FmuAsset(heater_fmu, "boiler", quantities={"power_w": "Q"})


@pytest.mark.parametrize("content", [None, b"", b"not a zip", "empty zip", "no description"])
def test_another_file_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "heater.fmu"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        with zipfile.ZipFile(path, "w") as file:
            if content == "no description":
                file.writestr("modelDescription.xml", "<fmiModelDescription/>")

    with pytest.raises(UnusableFmu, match=rf"{path}: is no FMU that can be read"):
        FmuAsset(path, "boiler")


def test_an_fmu_of_another_machine_is_refused_with_those_that_it_has(tmp_path, heater_fmu):
    path = tmp_path / "heater.fmu"
    with zipfile.ZipFile(heater_fmu) as source, zipfile.ZipFile(path, "w") as file:
        for name in source.namelist():
            if not name.endswith(".so"):
                file.writestr(name, source.read(name))

    with pytest.raises(UnusableFmu, match="has no binary for linux64, only for"):
        FmuAsset(path, "boiler", quantities=POWER)


def test_words_without_a_variable_are_refused():
    assert {"power_w": "P", "relay_on": "u.on"} == read_quantity_map(["power_w=P", "relay_on=u.on"])
    with pytest.raises(ValueError, match="'power_w': expected QUANTITY=VARIABLE"):
        read_quantity_map(["power_w"])


SITE = """
site = { id = "shop", district = "test" }
limits = { contract_import_w = 9000 }
assets.grid = { role = "grid", device = "meter" }
assets.boiler = { role = "load", device = "submeter", rated_w = 3000, switch_device = "relays", switch_part = "relay1", tier = "C", accept_no_fallback = "only the rig's relay, in a test" }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
devices.meter = { bus = "lan", profile = "eastron/sdm630", unit = 1 }
devices.submeter = { bus = "lan", profile = "carlo-gavazzi/em24", unit = 2 }
devices.relays = { bus = "lan", profile = "waveshare/relay8", unit = 3 }
"""


def test_a_served_building_has_it_on_its_wires(heater_fmu, tmp_path):
    (tmp_path / "shop.toml").write_text(SITE)
    options = {"load_w": 500.0, "sun_w_per_kw": 0.0, "rate": 5.0}
    fmus = {"boiler": f"{heater_fmu},power_w=P"}
    with SimulatedBuilding(tmp_path / "shop.toml", tmp_path / "served", fmus=fmus, **options) as building:
        building.expect("grid.power_w == 500", within_s=30)
        relays = building.devices["relays"]
        with ModbusTcpClient(relays.host, port=relays.port) as client:
            client.write_coil(0, True, device_id=relays.unit)
        building.expect("grid.power_w == 2500", within_s=30)
        assert 50.0 < building.read("boiler.tank_c") < 60.0

    for word in ("cellar", "grid"):
        with (
            pytest.raises(BuildingNotServed, match=r"expected ASSET=FILE with one of boiler"),
            SimulatedBuilding(
                tmp_path / "shop.toml", tmp_path / "served", fmus={word: heater_fmu}, **options
            ),
        ):
            pass
