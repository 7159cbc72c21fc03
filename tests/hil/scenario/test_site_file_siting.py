import tomllib
from pathlib import Path

from quartier_drivers.device_profile.loading import load_profile
from quartier_hil.scenario import site_file
from quartier_hil.scenario.site import SiteSpec
from quartier_sim.devices.catalog import find_profiles_folder

HOUSE = SiteSpec.model_validate(
    {
        "boards": [{"name": "park", "fuse_a": 63}],
        "assets": [
            {
                "kind": "cars",
                "name": "ev",
                "board": "park",
                "count": 2,
                "single_count": 1,
                "arrive_from_s": 0,
                "arrive_to_s": 9,
            },
            {"kind": "lights", "name": "lamps1", "rated_w": 3_000, "evening": ["22:30 80 %"]},
            {"kind": "heat", "name": "heat1", "rated_w": 4_000, "comfort_min_c": 38},
        ],
    }
)


def test_each_asset_has_a_bus_a_device_and_a_place_in_the_tree():
    site = tomllib.loads(
        site_file.format_assets(
            HOUSE, dict.fromkeys(site_file.list_device_profiles(HOUSE), 1502), 0.5, Path("/keys")
        )
    )

    assert {"park": {"under": "grid", "fuse_a": 63, "unmeasured_w": 0}} == site["nodes"]
    assert ("ev", "park", "l1", 1) == tuple(
        site["assets"]["ev01"][key] for key in ("role", "node", "phase", "phases_count")
    )
    assert "phase" not in site["assets"]["ev02"]
    assert ("quartier/heat_pump", "heat1_box_net") == (
        site["devices"]["heat1_box"]["profile"],
        site["devices"]["heat1_box"]["bus"],
    )
    assert 38 == site["assets"]["heat1"]["comfort_min_c"]


def test_every_box_of_the_rig_has_a_sound_profile():
    names = sorted(path.stem for path in (find_profiles_folder() / "rig").glob("*.toml"))

    assert [
        *("cooling", "heat_substation", "load", "minute_meter", "plain_meter", "slow_meter"),
        *("waste_terminal", "water_heater"),
    ] == names
    for name in names:
        assert load_profile(f"rig/{name}", [find_profiles_folder()]).parts


def test_a_load_with_a_run_says_it_and_its_hours():
    load = {"kind": "load", "name": "kiln", "rated_w": 4_500, "tier": "D"}
    run = {"run_w": [4_500, 1_000], "window_start": "20:00", "deadline": "06:00"}
    house = SiteSpec.model_validate({"assets": [{**load, **run}, {**load, "name": "fan"}]})
    site = tomllib.loads(
        site_file.format_assets(
            house, dict.fromkeys(site_file.list_device_profiles(house), 1502), 0.5, Path("/keys")
        )
    )

    kiln = site["assets"]["kiln"]
    assert run == {key: kiln[key] for key in run}
    assert kiln.keys() - run.keys() == site["assets"]["fan"].keys()


def test_a_board_with_a_meter_is_a_node_with_a_device():
    house = SiteSpec.model_validate({"boards": [{"name": "park", "fuse_a": 63, "metered": True}]})
    site = tomllib.loads(site_file.format_assets(house, {"park_meter": 1502}, 0.5, Path("/keys")))

    assert "park_meter" == site["nodes"]["park"]["device"]
    assert ("carlo-gavazzi/em24", 1) == (
        site["devices"]["park_meter"]["profile"],
        site["devices"]["park_meter"]["unit"],
    )


def test_a_ventilation_unit_on_bacnet_is_found_at_its_port_from_another_end_of_the_loopback():
    air = {"kind": "ventilation", "name": "air1", "rated_w": 4_000, "protocol": "bacnet"}
    site = tomllib.loads(
        site_file.format_assets(
            SiteSpec.model_validate({"assets": [air]}), {"air1_box": 47_900}, 0.5, Path("/keys")
        )
    )

    assert {"kind": "bacnet-ip", "interface": "127.0.0.2", "port": 47_900, "timeout_s": 0.5} == site["buses"][
        "air1_box_net"
    ]
    assert ("quartier/ventilation_bacnet", "127.0.0.1:47900") == (
        site["devices"]["air1_box"]["profile"],
        site["devices"]["air1_box"]["address"],
    )


def test_a_plant_with_an_opc_ua_server_is_read_there_with_its_password():
    house = SiteSpec.model_validate(
        {"assets": [{"kind": "substation", "name": "loop1", "rated_w": 3_000, "protocol": "opcua"}]}
    )
    site = tomllib.loads(site_file.format_assets(house, {"loop1_box": 48_400}, 0.5, Path("/keys")))

    assert {
        "kind": "opcua",
        "url": "opc.tcp://127.0.0.1:48400",
        "user": "operator",
        "password_file": "/keys/plant.password",
        "pki": "/keys",
    } == site["buses"]["loop1_box_net"]
    assert {"bus": "loop1_box_net", "profile": "rig/heat_substation"} == site["devices"]["loop1_box"]
    assert "substation" == site["assets"]["loop1"]["role"]


def test_hot_water_says_of_its_tank_what_a_plan_needs():
    boiler = {"kind": "boiler", "name": "boiler1", "rated_w": 3_000, "draw_w": 640}
    house = SiteSpec.model_validate({"assets": [boiler]})
    site = tomllib.loads(site_file.format_assets(house, {"boiler1_box": 1502}, 0.5, Path("/keys")))

    said = site["assets"]["boiler1"]
    assert ("heat", 0.3, 80, 640) == tuple(said[key] for key in ("role", "tank_m3", "tank_loss_w", "draw_w"))
    assert (45, 60) == (said["comfort_min_c"], said["comfort_max_c"])
    assert "rig/water_heater" == site["devices"]["boiler1_box"]["profile"]
