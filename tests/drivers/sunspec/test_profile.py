"""Profiles of SunSpec devices are checked whole."""

import pytest

from quartier_drivers.device_profile import loading
from quartier_drivers.device_profile.loading import SCAN_PERIODS_S
from quartier_drivers.errors import ConfigError
from quartier_drivers.sunspec.profile import check_taken, find_entry
from quartier_drivers.sunspec.schema import SunspecPoint, parse_name

HEAD = """
[profile]
protocol = "sunspec"
maker = "m"
model = "m"
source = "s"
"""


def parsed(text):
    return loading.parse_profile(HEAD + text, "a/b", "b.toml")


def faults(text, head=HEAD):
    with pytest.raises(ConfigError) as raised:
        loading.parse_profile(head + text, "a/b", "b.toml")
    return [f"{fault.line}: {fault.key}: {fault.what}" for fault in raised.value.faults]


def test_a_profile_names_points_of_models():
    loaded = parsed('[points.power_w]\nsource = ["701.W", "103.W"]\nsign = -1\n')

    assert ("sunspec", (40000, 0, 50000), 124) == (loaded.protocol, loaded.bases, loaded.limits.gap_max)
    assert ["701.W", "103.W"] == [str(names[0]) for names in loaded.parts[""]["power_w"].source]


def test_the_places_of_the_map_and_limits_may_be_said():
    loaded = parsed('[map]\nbases = [0]\n[limits]\nblock_max = 50\n[points.power_w]\nsource = "701.W"\n')

    assert ((0,), 50, 124) == (loaded.bases, loaded.limits.block_max, loaded.limits.gap_max)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("source: 701.X: is no point", '[points.power_w]\nsource = "701.X"\n'),
        ("is an unknown key; did you mean 'source'?", '[points.power_w]\nsourc = "701.W"\n'),
        ("names no point", '[points.power_w]\nsource = "W"\n'),
        (
            "cannot be combined with parts",
            '[points.power_w]\nsource = "701.W"\n[parts.b.power_w]\nsource = "701.W"\n',
        ),
        ("points: is missing", ""),
        ("ends in no unit", "[points.power]\nsource = 7\n"),
        ("is an unknown key", "[point]\n"),
    ],
)
def test_faults_are_told_with_their_place(expected, text):
    assert any(expected in fault for fault in faults(text))


def test_numbers_from_does_not_fit():
    told = faults('[points.power_w]\nsource = "701.W"\n', f"{HEAD}numbers_from = 1\n")

    assert any("does not fit sunspec" in fault for fault in told)


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
