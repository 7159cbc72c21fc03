import pytest

from quartier_sim.building import simulated_building
from quartier_sim.building.site_file import Site
from quartier_sim.plant.air_conditioning import Cooling, Ventilation
from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.battery import BatteryAsset
from quartier_sim.plant.charge_points import ChargePoint
from quartier_sim.plant.generation import Cogeneration, PvAsset
from quartier_sim.plant.heating import GeothermalSubstation, SgReadyHeatPump
from quartier_sim.plant.loads import StreetLights, SwitchedLoad, WasteCollection


def _one(**asset):
    (piece,) = simulated_building.build_assets(
        Site.model_validate({"assets": {"a1": asset, "g": {"role": "grid"}}}), 50.0
    )
    return piece


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("battery", BatteryAsset),
        ("pv", PvAsset),
        ("ev", ChargePoint),
        ("load", SwitchedLoad),
        ("heat", SgReadyHeatPump),
        ("cooling", Cooling),
        ("lights", StreetLights),
        ("substation", GeothermalSubstation),
        ("chp", Cogeneration),
        ("waste", WasteCollection),
        ("ventilation", Ventilation),
    ],
)
def test_each_role_is_a_piece_of_the_plant_and_the_connection_is_none(role, kind):
    assert kind is type(_one(role=role))


def test_sizes_are_those_of_the_site_file():
    battery = _one(role="battery", rated_w=4_000, capacity_wh=8_000, discharge_max_w=3_000)
    charger = _one(role="ev", current_max_a=20, phases_count=1, phase="l2")

    assert (8_000, 4_000, 3_000, 4_000) == (
        battery.spec.capacity_wh,
        battery.spec.charge_max_w,
        battery.spec.discharge_max_w,
        battery.state.energy_wh,
    )
    assert (20, 2, (0.0, 1.0, 0.0)) == (charger.current_max_a, charger.phase, charger.shares)


def test_a_car_comes_now_and_stays_until_it_leaves():
    charger = simulated_building.plug_car(_one(role="ev"), 100.0, 5_000.0)
    assert charger.step({}, Surroundings(100.0, 0.0), 1.0).car.plugged_on

    gone = simulated_building.unplug_car(charger.step({}, Surroundings(100.0, 0.0), 1.0))
    assert not gone.step({}, Surroundings(101.0, 0.0), 1.0).car.plugged_on


def test_boards_are_the_nodes_with_their_fuses():
    site = Site.model_validate({"nodes": {"b1": {"fuse_a": 63}, "b2": {"under": "b1", "fuse_a": 32}}})

    assert [("b1", "grid", 63), ("b2", "b1", 32)] == [
        (one.name, one.under, one.fuse_a) for one in simulated_building.build_boards(site)
    ]
