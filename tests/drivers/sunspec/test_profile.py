"""Profiles of SunSpec devices are checked whole."""

import pytest

from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError

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
        ("is no known key; did you mean 'source'?", '[points.power_w]\nsourc = "701.W"\n'),
        ("names no point", '[points.power_w]\nsource = "W"\n'),
        ("stands beside parts", '[points.power_w]\nsource = "701.W"\n[parts.b.power_w]\nsource = "701.W"\n'),
        ("points: is missing", ""),
        ("ends in no unit", "[points.power]\nsource = 7\n"),
        ("is no known key", "[point]\n"),
    ],
)
def test_faults_are_told_with_their_place(expected, text):
    assert any(expected in fault for fault in faults(text))


def test_numbers_from_does_not_fit():
    told = faults('[points.power_w]\nsource = "701.W"\n', f"{HEAD}numbers_from = 1\n")

    assert any("does not fit sunspec" in fault for fault in told)
