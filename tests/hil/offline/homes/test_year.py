"""A folder of homes is read, or told by file and column what is wrong with it."""

import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.offline.homes.year import Battery, read


def test_sun_is_watts_for_each_kilowatt_and_the_files_efficiency_is_both_ways(year):
    home = year.homes[0]
    assert pytest.approx(1.8) == home.pv_kwh[12]
    assert pytest.approx(0.5 - 1.8) == home.net_kwh[12]
    assert pytest.approx(0.9) == home.battery.efficiency


def test_a_battery_does_what_it_can_and_loses_on_both_ways():
    battery = Battery(capacity_kwh=6.0, power_kw=5.0, efficiency=0.9)
    assert (2.0, pytest.approx(1.8)) == battery.charged(0.0, 2.0)
    assert (5.0, pytest.approx(4.5)) == battery.charged(0.0, 9.0)
    assert (pytest.approx(1 / 0.9), 6.0) == battery.charged(5.0, 3.0)
    assert (pytest.approx(-0.9), 0.0) == battery.charged(1.0, -2.0)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("Building_2.csv", "month,hour,non_shiftable_load,sun\n8,1,1,2\n", "solar_generation"),
        ("Building_1.csv", "month,hour,non_shiftable_load,solar_generation\n8,1,1,many\n", "Building_1.csv"),
        ("carbon_intensity.csv", "carbon_intensity\nnan\n", "a number that is none"),
        ("pricing.csv", "electricity_pricing\n0.2\n", "expected as many in each"),
        ("schema.json", "[]", "no list of buildings"),
        ("schema.json", '{"buildings": {"Building_1": {}}}', "no records, PV or battery"),
    ],
)
def test_what_is_wrong_is_named(folder, name, text, said):
    (folder / name).write_text(text)
    with pytest.raises(ConfigError) as told:
        read(folder)
    assert said in str(told.value)
