"""The building of a site file: it is the sum of what stands in it, under the orders of its devices."""

import tomllib

import pytest
from tests.hil.sim.building.conftest import SHOP

from quartier_sim.building.device_assignment import assign_devices
from quartier_sim.building.simulated_building import SimulatedBuilding
from quartier_sim.building.site_file import Site
from quartier_sim.plant.building_model import PlantInputs

NIGHT = PlantInputs(base_w=800.0, solar_w_per_kw=0.0)


@pytest.fixture
def house():
    raw = tomllib.loads(SHOP)
    raw["nodes"] = {"board": {"under": "grid", "fuse_a": 32}}
    raw["assets"]["ev1"] |= {"node": "board", "phases_count": 1}
    site = Site.model_validate({**raw, "raw": raw})
    return SimulatedBuilding(site, assign_devices(site))


def _after(house, seconds):
    for _ in range(seconds):
        house.step(NIGHT, 1.0)
    return house.values()


def test_the_grid_reads_the_sum_of_all_assets(house):
    house.plug("ev1", 20_000.0)
    values = _after(house, 20)
    parts = ("base", "bat1", "pv1", "ev1", "boiler")

    assert values["grid.power_w"] == pytest.approx(sum(values[f"{part}.power_w"] for part in parts))
    assert 16 * 230 == values["ev1.power_w"] == values["ev1.power_l1_w"]
    assert 16 * 230 == pytest.approx(values["board.power_w"])  # a third on each phase, and all in one wire


def test_a_relay_without_power_drops_and_a_station_without_power_charges_nobody(house):
    relays, charger = (house._company.devices[name] for name in ("relays", "charger"))
    assert {"relay_on": 0.0} == house.orders()["boiler"]

    relays.fault("off")
    charger.fault("off")
    assert ({"relay_on": 0.0}, {"current_max_a": 0.0}) == (house.orders()["boiler"], house.orders()["ev1"])


def test_a_device_is_shown_what_its_assets_measure_under_its_own_names(house):
    values = _after(house, 3)

    assert {"power_w", "soc_pct", "voltage_v", "frequency_hz", "energy_import_wh", "energy_export_wh"} == set(
        house.measure_device("storage", values)
    )
    assert {"in1.input_on": 0.0} == house.measure_device("inputs", values)
    assert {} == house.measure_device("relays", values)
    assert values["grid.power_w"] == house.measure_device("linky", values)["power_w"]


def test_counters_of_each_asset_never_shrink(house):
    before = _after(house, 60)
    after = _after(house, 60)
    counted = [name for name in after if name.endswith("_wh") and "energy" in name]

    assert after["grid.energy_import_wh"] > before["grid.energy_import_wh"] > 0
    assert all(after[name] >= before[name] for name in counted)


def test_a_car_comes_and_leaves(house):
    house.plug("ev1", 20_000.0)
    assert 1 == _after(house, 2)["ev1.plugged_on"]

    house.plug("ev1", None)
    assert 0 == _after(house, 2)["ev1.plugged_on"]
