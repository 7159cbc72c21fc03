import pytest
from pydantic import ValidationError

from quartier.config.faults import Flaw, flaws, interval, shown
from quartier.config.model import Battery, Store


def test_flaws_of_inner_tables_carry_their_whole_path() -> None:
    with pytest.raises(ValidationError) as caught:
        Store.model_validate({"deadbands": {"soc": 1, "power_pct": 101}, "commit_s": "1"})

    assert {
        Flaw(("store", "deadbands", "soc"), "is no known key; did you mean 'soc_pct'?"),
        Flaw(("store", "deadbands", "power_pct"), "101 is outside 0..100"),
        Flaw(("store", "commit_s"), "'1' is wrong; expected a number: 1 without quotes"),
    } == set(flaws(caught.value, ("store",), Store))


def test_ranges_read_as_people_write_them() -> None:
    schema = Battery.model_json_schema()["properties"]

    assert "0..100" == interval(schema["soc_min_pct"])
    assert "> 0, <= 1000000000" == interval(schema["capacity_wh"])
    assert "> 0, <= 10000000" == interval(schema["ramp_max_w_per_s"])
    assert "" == interval(schema["device"])


def test_values_are_shown_as_in_the_file_and_not_at_length() -> None:
    assert ("true", "1.5", "'x'", "a list", "a table") == tuple(
        shown(value) for value in (True, 1.5, "x", [1], {})
    )
    assert 58 == len(shown("x" * 1000))
