import pytest
from pydantic import BaseModel, ValidationError

from quartier.config.checks.fault_text import FileFault, make_file_faults, render_interval, render_value
from quartier.config.sections.asset_sections import BatterySection
from quartier.config.sections.planning_sections import PlanningSection
from quartier.config.sections.site_file import DeviceSection, LimitsSection, StoreSection


def test_flaws_of_inner_tables_carry_their_whole_path() -> None:
    with pytest.raises(ValidationError) as caught:
        StoreSection.model_validate({"deadbands": {"soc": 1, "power_pct": 101}, "commit_s": "1"})

    assert {
        FileFault(("store", "deadbands", "soc"), "is an unknown key; did you mean 'soc_pct'?"),
        FileFault(("store", "deadbands", "power_pct"), "101 is outside 0..100"),
        FileFault(("store", "commit_s"), "'1' is wrong; expected a number: 1 without quotes"),
    } == set(make_file_faults(caught.value, ("store",), StoreSection))


def test_ranges_read_as_people_write_them() -> None:
    schema = BatterySection.model_json_schema()["properties"]

    assert "0..100" == render_interval(schema["soc_min_pct"])
    assert "> 0, <= 1000000000" == render_interval(schema["capacity_wh"])
    assert "> 0, <= 10000000" == render_interval(schema["ramp_max_w_per_s"])
    assert "" == render_interval(schema["device"])


def test_values_are_shown_as_in_the_file_and_not_at_length() -> None:
    assert ("true", "1.5", "'x'", "a list", "a table") == tuple(
        render_value(value) for value in (True, 1.5, "x", [1], {})
    )
    assert 58 == len(render_value("x" * 1000))


@pytest.mark.parametrize(
    ("model", "key", "value", "said"),
    [
        (LimitsSection, "contract_import_w", "12,5", " without quotes: 12.5 for 12.5 W, 12500 for 12.5 kW"),
        (LimitsSection, "contract_import_w", "9000", ": 9000 without quotes"),
        (LimitsSection, "contract_import_w", "12 kVA", ": 10800 without quotes (900 W per kVA)"),
        (LimitsSection, "contract_export_w", "6 kVA", " without a unit and without quotes"),
        (BatterySection, "capacity_wh", "10 kWh", ": 10000 without quotes"),
        (BatterySection, "capacity_wh", "9,6kwh", ": 9600 without quotes"),
        (BatterySection, "capacity_wh", "1.500 kWh", ": 1500 or 1500000 without quotes"),
        (BatterySection, "capacity_wh", "0,500 kWh", ": 500 without quotes"),
        (DeviceSection, "unit", "1,000", ": 1 or 1000 without quotes"),
        (BatterySection, "reserve_soc_pct", "20 %", ": 20 without quotes"),
        (BatterySection, "reserve_soc_pct", "20 kWh", " without a unit and without quotes"),
        (BatterySection, "reserve_soc_pct", "some", ""),
        (DeviceSection, "unit", "1,5", ""),
        (
            PlanningSection,
            "peak_eur_per_w",
            "0,2",
            " without quotes: 0.2 for 0.2 EUR per W, 0.0002 for 0.2 EUR per kW",
        ),
    ],
)
def test_a_quoted_number_is_suggested_in_the_unit_of_its_key(
    model: type[BaseModel], key: str, value: str, said: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({key: value})

    (fault,) = [one for one in make_file_faults(caught.value, (), model) if one.path == (key,)]
    assert said == fault.what.partition(" number")[2]
