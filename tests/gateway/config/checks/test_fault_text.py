import pytest
from pydantic import ValidationError

from quartier.config.checks.fault_text import FileFault, make_file_faults, render_interval, render_value
from quartier.config.sections.asset_sections import BatterySection
from quartier.config.sections.site_file import StoreSection


def test_flaws_of_inner_tables_carry_their_whole_path() -> None:
    with pytest.raises(ValidationError) as caught:
        StoreSection.model_validate({"deadbands": {"soc": 1, "power_pct": 101}, "commit_s": "1"})

    assert {
        FileFault(("store", "deadbands", "soc"), "is no known key; did you mean 'soc_pct'?"),
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
