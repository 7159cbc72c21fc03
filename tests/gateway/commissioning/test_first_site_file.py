"""A first site file from what was found and what was answered."""

import tomllib
from dataclasses import dataclass

import pytest

from quartier.commissioning import first_site_file
from quartier.commissioning.first_site_file import ChosenAsset, FoundDevice, SiteAnswers
from quartier_drivers.device_profile import loading


@dataclass
class Point:
    writable: bool = False


def roles(part, **quantities):
    parts = {part: {name: Point(writable) for name, writable in quantities.items()}}
    return [one.roles for one in first_site_file.find_asset_candidates("d", parts)]


@pytest.mark.parametrize(
    ("part", "quantities", "expected"),
    [
        ("", {"power_w": False, "current_max_a": True}, [("ev",)]),
        ("battery", {"power_w": False, "soc_pct": False, "setpoint_w": True}, [("battery",)]),
        ("battery", {"power_w": False, "soc_pct": False}, []),
        ("pv", {"power_w": False}, [("pv",)]),
        ("", {"power_w": False, "generation_max_w": True}, [("pv",)]),
        ("grid", {"power_w": False}, [("grid", "none")]),
        ("", {"power_w": False}, [("grid", "pv", "load", "none")]),
        ("", {"apparent_power_va": False}, [("grid",)]),
        ("gas", {"volume_m3": False}, []),
        ("out1", {"relay_on": True}, []),
    ],
)
def test_what_a_part_can_be_is_read_from_its_quantities(part, quantities, expected):
    assert expected == roles(part, **quantities)


def test_each_profile_of_a_grid_meter_or_a_steered_asset_gives_a_candidate():
    found = {
        name: {
            role
            for one in first_site_file.find_asset_candidates("d", loading.load_profile(name).parts)
            for role in one.roles
        }
        for name in ("eastron/sdm630", "victron/gx", "keba/p30", "enedis/linky_standard", "dsmr/p1")
    }

    assert "grid" in found["eastron/sdm630"] & found["enedis/linky_standard"] & found["dsmr/p1"]
    assert {"grid", "battery", "pv"} <= found["victron/gx"]
    assert {"ev"} == found["keba/p30"]


@pytest.mark.parametrize(
    ("text", "power_w"),
    [
        ("12 kVA", 12_000.0),
        ("9kW", 9000.0),
        ("9000 W", 9000.0),
        ("45 A", 10_350.0),
        ("3x25 A", 17_250.0),
        ("3,6 kW", 3600),
    ],
)
def test_a_power_is_read_with_its_unit(text, power_w):
    assert power_w == pytest.approx(first_site_file.parse_power_w(text))


def test_a_contract_in_kva_counts_less_than_a_device_in_kva():
    assert 10_800.0 == first_site_file.parse_contract_w("12 kVA")
    assert 5_400.0 == first_site_file.parse_export_w("6 kVA")
    assert 0.0 == first_site_file.parse_export_w("0 W")


@pytest.mark.parametrize("text", ["12", "", "kVA", "3x9 kW", "12 kVAh", "-3 kW"])
def test_a_power_without_its_unit_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="expected"):
        first_site_file.parse_power_w(text)


@pytest.mark.parametrize("text", ["12 W", "36 w", "12000 kVA"])
def test_a_contract_that_no_building_has_is_refused_by_its_unit(text):
    with pytest.raises(ValueError, match="check the unit"):
        first_site_file.parse_contract_w(text)


@pytest.mark.parametrize("text", ["9,000 W", "9.000W", "3x25,000 A", "1.500 kVA"])
def test_a_mark_that_may_part_thousands_is_refused_with_both_readings(text):
    with pytest.raises(ValueError, match="two ways; write .* or "):
        first_site_file.parse_power_w(text)
    with pytest.raises(ValueError, match="write 9600 Wh or 9.6 Wh"):
        first_site_file.parse_energy_wh("9,600 Wh")


def test_an_energy_is_read_with_its_unit():
    assert (10_000.0, 9600.0) == (
        first_site_file.parse_energy_wh("10 kWh"),
        first_site_file.parse_energy_wh("9600 Wh"),
    )
    with pytest.raises(ValueError, match="10 kWh"):
        first_site_file.parse_energy_wh("15")


def test_devices_are_named_by_their_model_and_numbered():
    bus = {"kind": "modbus-tcp", "host": "h", "port": 502}
    found = [FoundDevice(bus, name, 1) for name in ("eastron/sdm630", "eastron/sdm630", "abb/3x")]

    assert ["sdm630", "sdm630_2", "d3x"] == list(first_site_file.name_devices(found))


def test_the_file_has_a_bus_once_and_the_zone_where_it_is_another():
    bus = {"kind": "modbus-tcp", "host": "h", "port": 502}
    devices = {"a": FoundDevice(bus, "x/y", 1), "b": FoundDevice(bus, "x/z", 2, is_profile_sure=False)}
    building = SiteAnswers("b1", "local", 9000.0, 0.0, "Indian/Reunion")
    text = first_site_file.render_site_file(
        building, devices, [ChosenAsset("ev1", "ev", "a", "p", {"current_max_a": 16.0})]
    )

    assert 1 == text.count("[buses.")
    assert 'time_zone = "Indian/Reunion"' in text
    assert 'profile = "x/z"  # compare the maker\'s plate' in text
    assert '[assets.ev1]\nrole = "ev"\ndevice = "a"\npart = "p"\ncurrent_max_a = 16\n' in text


def test_a_suppliers_meter_beside_another_grid_meter_is_a_supply():
    bus = {"kind": "tic", "port": "usb:A"}
    text = first_site_file.render_site_file(
        SiteAnswers("b1", "local", 9000.0, 0.0), {"linky": FoundDevice(bus, "x/y")}, [], ["linky"]
    )

    assert text.endswith('[supplies.enedis]\ndevice = "linky"\n')


def test_keys_and_own_profiles_are_named_in_the_file():
    building = first_site_file.SiteAnswers("b012", "issy", 9_000.0, 0.0, profiles=("../own",))
    meter = FoundDevice({"kind": "dlms", "port": "usb:A"}, "me/meter", key_file="/etc/quartier/meter.keys")
    site = tomllib.loads(first_site_file.render_site_file(building, {"meter": meter}, []))

    assert ["../own"] == site["site"]["profiles"]
    assert "/etc/quartier/meter.keys" == site["devices"]["meter"]["key_file"]
