"""A folder of homes is read, or told by file and column what is wrong with it."""

import json

import pytest

from quartier_bench.home_years.year_records import HomeBattery, read_year
from quartier_drivers.errors import ConfigError


def test_sun_is_watts_for_each_kilowatt_and_the_files_efficiency_is_both_ways(year):
    home = year.homes[0]
    assert pytest.approx(1.8) == home.pv_kwh[12]
    assert pytest.approx(0.5 - 1.8) == home.net_kwh[12]
    assert pytest.approx(0.9) == home.battery.efficiency


def test_a_battery_does_what_it_can_and_loses_on_both_ways():
    battery = HomeBattery(capacity_kwh=6.0, power_kw=5.0, efficiency=0.9)
    assert (2.0, pytest.approx(1.8)) == battery.find_possible_charge(0.0, 2.0)
    assert (5.0, pytest.approx(4.5)) == battery.find_possible_charge(0.0, 9.0)
    assert (pytest.approx(1 / 0.9), 6.0) == battery.find_possible_charge(5.0, 3.0)
    assert (pytest.approx(-0.9), 0.0) == battery.find_possible_charge(1.0, -2.0)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("Building_2.csv", "month,hour,non_shiftable_load,sun\n8,1,1,2\n", "solar_generation"),
        ("Building_1.csv", "month,hour,non_shiftable_load,solar_generation\n8,1,1,many\n", "Building_1.csv"),
        ("carbon_intensity.csv", "carbon_intensity\nnan\n", "csv:2: carbon_intensity: 'nan' is no number"),
        ("pricing.csv", "electricity_pricing\n0.2\n", "expected as many in each"),
        ("pricing.csv", "price\n0.2\n", "pricing.csv:1: electricity_pricing: this column is missing"),
        (
            "pricing.csv",
            "electricity_pricing\n0.2\nx\n",
            "pricing.csv:3: electricity_pricing: 'x' is no number",
        ),
        ("schema.json", "[]", "no list of buildings"),
        ("schema.json", '{"buildings": {}}', "buildings: none is included"),
        (
            "schema.json",
            '{"buildings": {"Building_1": {}}}',
            "Building_1.energy_simulation: expected the name",
        ),
    ],
)
def test_what_is_wrong_is_named(folder, name, text, said):
    (folder / name).write_text(text)
    with pytest.raises(ConfigError) as told:
        read_year(folder)
    assert said in str(told.value)


def changed(folder, name="Building_1", **keys):
    """The schema with other keys of one building; None takes one away."""
    told = json.loads((folder / "schema.json").read_text())
    told["buildings"][name] |= keys
    told["buildings"][name] = {
        key: value for key, value in told["buildings"][name].items() if value is not None
    }
    (folder / "schema.json").write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"electrical_storage": None}, "electrical_storage.attributes.capacity: is not given; expected kWh"),
        ({"electrical_storage": {"attributes": {"capacity": 6.4}}}, "nominal_power: is not given"),
        ({"electrical_storage": {"attributes": {"efficiency": 90}}}, "efficiency: is 90; expected that of"),
        ({"electrical_storage": {"attributes": {"capacity": -1}}}, "capacity: is -1; expected kWh above 0"),
        ({"pv": {"attributes": {}}}, "Building_1.pv.attributes.nominal_power: is no power; expected kW"),
        ({"pricing": "other.csv"}, "buildings.*.pricing: other.csv, pricing.csv; expected one for all homes"),
    ],
)
def test_a_size_that_is_not_given_or_is_none_is_named_by_its_key(folder, keys, said):
    changed(folder, **keys)
    with pytest.raises(ConfigError) as told:
        read_year(folder)
    assert said in str(told.value)


def test_a_home_without_pv_needs_no_column_for_it(folder):
    changed(folder, pv=None)
    path = folder / "Building_1.csv"
    path.write_text("\n".join(line.rsplit(",", 1)[0] for line in path.read_text().splitlines()))
    home = read_year(folder).homes[0]
    assert (0.0, 0.0) == (home.pv_rated_kw, home.pv_kwh.max())
    assert home.load_kwh.max() == 1.5


def test_a_home_that_is_not_included_and_keys_that_nobody_knows_are_left_out(folder):
    changed(folder, include=False, chimney={"height": 9})
    assert ["Building_2"] == [home.name for home in read_year(folder).homes]


def test_files_have_the_names_that_the_schema_gives_them(folder):
    for name in ("Building_1", "Building_2"):
        changed(folder, name, pricing="tariff.csv")
    (folder / "pricing.csv").rename(folder / "tariff.csv")
    assert 0.5 == read_year(folder).price_per_kwh.max()


def test_the_faults_of_all_files_are_told_at_once(folder):
    changed(folder, pv={"attributes": {}})
    (folder / "Building_2.csv").unlink()
    (folder / "pricing.csv").unlink()
    with pytest.raises(ConfigError) as told:
        read_year(folder)
    files = [fault.file.rsplit("/", 1)[1] for fault in told.value.faults]
    assert ["pricing.csv", "schema.json", "Building_2.csv"] == files
    assert "cannot be read: No such file" in told.value.faults[0].what
