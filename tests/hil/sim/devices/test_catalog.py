"""Two hands typed each register map: the profile's and the simulated device's.  They must agree."""

import pytest

from quartier_drivers import register_codec
from quartier_drivers.device_profile import loading
from quartier_drivers.readings import Quality
from quartier_sim.devices.catalog import DEVICE_CLASSES, find_profiles_folder, make_device
from quartier_sim.opcua.plants import OpcuaPlant

MAINS = {
    "power_w": -1234.5,
    "power_l1_w": 100.0,
    "power_l2_w": -1336.0,
    "power_l3_w": 1.5,
    "voltage_l1_v": 230.5,
    "voltage_l2_v": 231.0,
    "voltage_l3_v": 229.5,
    "current_l1_a": 0.5,
    "current_l2_a": 5.75,
    "current_l3_a": 0.25,
    "frequency_hz": 49.5,
    "energy_import_wh": 1_551_500.0,
    "energy_export_wh": 100_300.0,
}
WHOLE = {**MAINS, "power_w": -1235.0, "power_l3_w": 1.0, "current_l2_a": 5.8, "current_l3_a": 0.3}
CASES = [
    ("eastron/sdm630", "", 1, MAINS, MAINS),
    ("carlo-gavazzi/em24", "", 1, MAINS, MAINS),
    (
        "keba/p30",
        "",
        255,
        {
            "power_w": 3680.0,
            "plugged_on": True,
            "session_energy_wh": 5432.1,
            "energy_import_wh": 123_456.7,
            **{key: MAINS[key] for key in MAINS if key.startswith("current")},
            **{f"voltage_l{phase}_v": 229.0 + phase for phase in (1, 2, 3)},
        },
        {"charge_state": 3, "current_limit_a": 32.0, "failsafe_current_a": 0.0, "failsafe_timeout_s": 0.0},
    ),
    (
        "victron/gx",
        "grid",
        227,
        {f"grid.{key}": value for key, value in WHOLE.items()},
        {key: WHOLE[key] for key in WHOLE if key.startswith("power")},
    ),
    ("victron/gx", "meter", 30, {f"grid.{key}": value for key, value in WHOLE.items()}, WHOLE),
    (
        "victron/gx",
        "battery",
        227,
        {"battery.power_w": 600.0, "battery.soc_pct": 85.0, "battery.voltage_v": 50.0},
        {
            "power_w": 600.0,
            "soc_pct": 85.0,
            "voltage_v": 50.0,
            "current_a": 12.0,
            "charge_state": 1,
            "ac_power_w": 600.0,
            "setpoint_w": 0.0,
        },
    ),
    (
        "victron/gx",
        "battery3",
        227,
        {"battery.power_w": -600.0, "battery.soc_pct": 40.0},
        {"power_w": -600.0, "soc_pct": 40.0, "setpoint_w": 0.0},
    ),
    ("victron/gx", "pv", 227, {"pv.power_w": -3000.0}, {"power_w": -3000.0}),
    ("victron/gx", "pv_dc", 227, {"pv.dc_power_w": -321.0}, {"power_w": -321.0}),
    (
        "victron/gx",
        "pvinverter",
        32,
        {"pv.power_w": -3000.0, "pv.energy_export_wh": 90_000.0},
        {"power_w": -3000.0, "energy_export_wh": 90_000.0},
    ),
    ("victron/gx", "ess", 227, {}, {"mode_state": 3, "setpoint_w": 0.0}),
]


def registers(device, unit):
    """Everything a client could read, as the codec takes it."""
    return {
        f"{number}/{table}:{address}" if number != unit else f"{table}:{address}": [word]
        for number, served in device.units.items()
        for table, cells in served.tables.items()
        for address, word in cells.items()
    }


def test_every_simulated_device_has_a_profile_that_reads_it():
    assert set(DEVICE_CLASSES) <= set(loading.list_profiles([find_profiles_folder()]))


@pytest.mark.parametrize(
    "name", [name for name in DEVICE_CLASSES if isinstance(make_device(name), OpcuaPlant)]
)
def test_a_profile_of_nodes_names_variables_that_its_device_has_and_says_what_they_may_be(name):
    space = make_device(name).space
    nodes = {f"nsu={space.uri};s={space.identifier(variable)}": variable for variable in space.variables}

    for quantity, point in loading.load_profile(name, [find_profiles_folder()]).parts[""].items():
        variable = nodes[str(point.node)]
        assert (quantity, 1.0) == (variable.quantity, variable.scale * point.scale)
        assert variable.writable == point.writable
        if point.write is not None and variable.unit:
            assert (variable.low, variable.high) == (point.write.low, point.write.high)
            assert variable.start == point.write.on_release == point.write.fallback.value


@pytest.mark.parametrize(
    ("name", "part", "unit", "published", "expected"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES]
)
def test_a_profile_reads_what_the_plant_published(name, part, unit, published, expected):
    device = make_device(name)
    device.publish(published)
    told = {key: value for key, value in published.items() if "." not in key}

    found = register_codec.decode_part(loading.load_profile(name), part, registers(device, unit))

    read = {key: value for key, (value, _) in found.items() if key != "current_max_a"}
    assert {**told, **expected} == pytest.approx(read)
    assert {Quality.GOOD} == {quality for key, (_, quality) in found.items() if key in read}


@pytest.mark.parametrize(
    ("name", "point", "unit", "value", "order"),
    [
        ("victron/gx", "battery.setpoint_w", 227, -2500.0, "battery.setpoint_w"),
        ("victron/gx", "battery3.setpoint_w", 227, -10_000.0, "battery.setpoint_w"),
        ("victron/gx", "ess.setpoint_w", 100, 70_000.0, "grid.setpoint_w"),
        ("keba/p30", "current_max_a", 255, 13.5, "current_max_a"),
        *[("waveshare/relay8", f"relay{n}.relay_on", 1, 1.0, f"relay{n}.relay_on") for n in range(1, 9)],
        *[("waveshare/io8", f"out{n}.relay_on", 1, 1.0, f"out{n}.relay_on") for n in range(1, 9)],
    ],
)
def test_an_order_arrives_as_it_was_meant(name, point, unit, value, order):
    device = make_device(name)
    part, _, quantity = point.rpartition(".")
    written = loading.load_profile(name).parts[part][quantity]
    place = register_codec.make_write_source(written).address
    words = register_codec.encode_point(written, value)

    device.units[unit].accept(place.table, place.number, words)

    assert value == device.orders()[order]


def test_settings_reach_the_device():
    assert {7} == set(make_device("eastron/sdm630", unit=7).units)


def test_a_profile_without_a_device_is_an_error():
    with pytest.raises(KeyError):
        make_device("acme/am300")
