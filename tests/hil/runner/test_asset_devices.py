from contextlib import AsyncExitStack

from quartier_hil.runner.asset_devices import AssetDevices
from quartier_hil.scenario.site import SiteSpec

HOUSE = SiteSpec.model_validate(
    {
        "assets": [
            {"kind": "cars", "name": "ev", "count": 2, "arrive_from_s": 0, "arrive_to_s": 9},
            {"kind": "lights", "name": "lamps1", "rated_w": 3_000},
        ]
    }
)
VALUES = {"ev01.power_w": 3_680.0, "ev01.plugged_on": 1.0, "lamps1.power_w": 700.0, "lamps1.lit_on": 1.0}


async def test_each_asset_has_a_device_on_a_port_of_its_own(tmp_path):
    cabinets = AssetDevices(HOUSE, seed=1)
    async with AsyncExitStack() as stack:
        ports = await cabinets.serve(stack, tmp_path)

    assert {"ev01_box", "ev02_box", "lamps1_box"} == set(ports)
    assert 3 == len(set(ports.values()))


def test_what_the_plant_does_is_shown_and_what_is_ordered_comes_back():
    cabinets = AssetDevices(HOUSE, seed=1)
    cabinets.publish(VALUES)

    assert {
        "ev01": {"current_max_a": 16},
        "ev02": {"current_max_a": 16},
        "lamps1": {"dim_pct": 100},
    } == cabinets.orders()


def test_without_power_a_station_gives_nothing_and_lamps_burn_by_themselves():
    cabinets = AssetDevices(HOUSE, seed=1)
    for name in ("ev01_box", "lamps1_box"):
        cabinets.devices[name].fault("off")

    assert ({"current_max_a": 0}, None) == (cabinets.orders()["ev01"], cabinets.orders().get("lamps1"))


def test_a_board_with_a_meter_shows_what_flows_through_it_on_each_phase():
    cabinets = AssetDevices(
        SiteSpec.model_validate({"boards": [{"name": "park", "fuse_a": 63, "metered": True}]}), 1
    )
    cabinets.publish(
        {"park.power_w": 6_000.0} | {f"park.power_l{phase}_w": 1_000.0 * phase for phase in (1, 2, 3)}
    )
    meter = cabinets.devices["park_meter"]._mains

    assert (6_000, 1_000, 2_000, 3_000) == (
        meter.power_w,
        *(meter.phase_power_w(f"l{phase}") for phase in (1, 2, 3)),
    )
    assert {} == cabinets.orders()


async def test_a_ventilation_unit_on_bacnet_shows_the_plant_and_takes_a_limit(tmp_path):
    air = {"kind": "ventilation", "name": "air1", "rated_w": 4_000, "protocol": "bacnet"}
    cabinets = AssetDevices(SiteSpec.model_validate({"assets": [air]}), seed=1)
    unit = cabinets.devices["air1_box"]
    async with AsyncExitStack() as stack:
        assert 0 < (await cabinets.serve(stack, tmp_path))["air1_box"]
    cabinets.publish({"air1.power_w": 900.0, "air1.co2_ppm": 700.0, "air1.speed_pct": 60.0})
    unit.limit.commands.put(45.0, 10, 0.0)

    assert (900.0, 60.0) == (unit.inputs["power_w"].value, unit.inputs["fan_supply_pct"].value)
    assert {"air1": {"speed_pct": 45.0}} == cabinets.orders()


def test_the_protocol_of_each_device_is_named():
    house = SiteSpec.model_validate(
        {
            "assets": [
                {"kind": "lights", "name": "lamps1", "rated_w": 3_000},
                {"kind": "ventilation", "name": "vent1", "rated_w": 900, "protocol": "bacnet"},
                {"kind": "substation", "name": "loop1", "rated_w": 600, "protocol": "opcua"},
            ]
        }
    )
    cabinets = AssetDevices(house, seed=1)

    assert ["Modbus TCP (lamps1)", "BACnet/IP (vent1)", "OPC UA (loop1)"] == cabinets.words()
    assert ["Modbus TCP (lamps1)", "BACnet/IP (vent1)"] == cabinets.words({"loop1_box"})
