"""What is wrong with a SunSpec profile is told before the device is asked."""

import pytest

from quartier_drivers.device_profile.loading import SCAN_PERIODS_S
from quartier_drivers.sunspec.profile import check_taken, find_entry
from quartier_drivers.sunspec.schema import SunspecPoint, parse_name


def flaws(quantity, **said):
    return check_taken(quantity, SunspecPoint.model_validate(said), SCAN_PERIODS_S)


def test_a_sound_quantity_has_none():
    assert [] == flaws("power_w", source=["701.W", "103.W"])
    assert [] == flaws("maker_text", source="1.Mn")
    assert [] == flaws("inverter_text", source="103.St", values={"4": "on"})
    assert [] == flaws("battery_w", source=[["160.module[3].DCW", "-160.module[4].DCW"]])


@pytest.mark.parametrize(
    ("what", "quantity", "said"),
    [
        ("there is no model 99", "power_w", {"source": "99.W"}),
        ("is no point of model 103; did you mean 'PhVphA'?", "power_w", {"source": "103.PhVpA"}),
        ("did you mean 'module.DCW'?", "power_w", {"source": "160.modul[3].DCW"}),
        ("is int16, no text", "power_text", {"source": "701.W"}),
        ("is string, no number", "power_w", {"source": "1.Mn"}),
        ("a text cannot be added up", "maker_text", {"source": [["1.Mn", "1.Md"]]}),
        ("fits texts only", "power_w", {"source": "701.W", "values": {"1": "x"}}),
        ("no scan class", "power_w", {"source": "701.W", "scan": "soon"}),
        ("ends in no unit", "power", {"source": "701.W"}),
    ],
)
def test_what_is_wrong_is_said_with_what_was_expected(what, quantity, said):
    assert any(what in text for _, text in flaws(quantity, **said))


def test_a_point_in_a_group_is_found_by_the_standard():
    assert "DCW" == find_entry(parse_name("160.module[3].DCW")).name
    assert find_entry(parse_name("160.module[3].DCX")) is None
    assert find_entry(parse_name("160.nothing.DCW")) is None
    assert find_entry(parse_name("64999.W")) is None
