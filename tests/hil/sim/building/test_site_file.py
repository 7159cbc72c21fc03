import pytest
from tests.hil.sim.building.conftest import SHOP

from quartier_drivers.errors import ConfigError
from quartier_sim.building.site_file import load_site


def _faults(tmp_path, text):
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        load_site(path)
    return [(fault.key, fault.what) for fault in told.value.faults]


def test_a_site_file_is_seen_with_its_buses_devices_and_assets(tmp_path):
    (tmp_path / "site.toml").write_text(SHOP)
    site = load_site(tmp_path / "site.toml")

    assert ("modbus-rtu", "eastron/sdm630", "grid") == (
        site.buses["rs485"].kind,
        site.devices["meter"].profile,
        site.grid,
    )
    assert 10_000 == site.assets["bat1"].number("capacity_wh", 1.0)
    assert 7.0 == site.assets["bat1"].number("reserve_soc_pct", 7.0)


def test_every_link_that_leads_nowhere_is_told_with_its_key(tmp_path):
    text = SHOP.replace('bus = "tic"', 'bus = "tik"').replace('device = "charger"', 'device = "chargr"')
    keys = dict(_faults(tmp_path, text))

    assert {"devices.linky.bus", "assets.ev1.device"} == keys.keys()
    assert "there is no bus 'tik'; expected one of rs485, lan, charger_net, tic" == keys["devices.linky.bus"]


def test_a_battery_of_no_size_is_refused(tmp_path):
    text = SHOP.replace("capacity_wh = 10000", "capacity_wh = 0")

    ((key, what),) = _faults(tmp_path, text)
    assert "assets.bat1.capacity_wh" == key
    assert "should be greater than 0" in what


def test_one_meter_cannot_show_two_things(tmp_path):
    told = dict(_faults(tmp_path, SHOP.replace('device = "pac"', 'device = "meter"')))

    assert {
        "assets.boiler.device": "meter shows assets.grid already; expected a device or a part of its own"
    } == told


@pytest.mark.parametrize(
    ("text", "key"),
    [("site =", "file"), ("[site]\nid = 'a'", "devices"), ("[devices.a]\nprofile = 'a/b'", "devices.a.bus")],
)
def test_what_is_no_site_file_is_told(text, key, tmp_path):
    assert [key] == [found for found, _ in _faults(tmp_path, text)]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_site(tmp_path / "none.toml")
