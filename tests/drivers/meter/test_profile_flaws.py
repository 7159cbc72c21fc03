"""What contradicts itself in a meter's profile is a fault with its line."""

import pytest

from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.errors import ConfigError

HEAD = """\
[profile]
protocol = "tic"
maker = "Acme"
model = "M1"
source = "made for this test"
"""


def faults(text):
    with pytest.raises(ConfigError) as raised:
        parse_profile(HEAD + text, "acme/m1", "m1.toml")
    return [str(fault) for fault in raised.value.faults]


@pytest.mark.parametrize(
    ("point", "keys", "said"),
    [
        ("power_w", 'unit = "W"', "group: is missing"),
        (
            "power_w",
            'group = "P"\nunit = "VA"',
            "'VA' does not fit power_w, expected one of mW, W, kW",
        ),
        ("tariff_index", 'group = "P"\nunit = "W"', "does not fit tariff_index, which has none"),
        ("tariff_text", 'group = "P"', "expected 'text'"),
        ("power_w", 'group = "P"\nform = "text"', "does not fit power_w"),
        ("power_w", 'group = "P"\nform = "clock"', "'clock' fits points in _s only"),
        ("power_w", 'group = "P"\nform = "countdown"', "'countdown' fits points in _s only"),
        ("over_on", 'group = "P"\nbit = 1\nbits = [1, 2]', "stands beside bit"),
        ("over_on", 'group = "P"\nbit = 1\nmask = 6', "stands beside bit"),
        ("over_on", 'group = "P"\nmask = 6\nform = "text"', "does not fit form 'text'"),
        ("over_on", 'group = "P"\nbit = 1\nform = "text"', "does not fit form 'text'"),
        ("tariff_index", 'group = "P"\nvalues = { A = "a" }', "expected numbers"),
        ("tariff_text", 'group = "P"\nvalues = { A = 1 }', "expected names"),
        (
            "energy_import_wh",
            'group = "P"\nminus = "Q"\ncounter = { rate_max = 1 }',
            "does not fit a counter",
        ),
        ("power_w", 'group = "P"\nscan = "often"', "is no scan class"),
        ("power_w", 'group = "P"\nlow = 2\nhigh = 1', "is above high"),
        ("power", 'group = "P"', "ends in no unit"),
        ("power_w", 'group = [""]', "names no group"),
        ("power_w", "select = {}", "selects nothing"),
        ("power_w", 'group = "P"\nregister = "input:1"', "is no known key"),
        ("energy_import_wh", 'group = "P"\ncounter = { rate_max = 0 }', "rate_max"),
        ("power_w", 'group = "P"\nunstated_beside = "Q"', "wants unstated"),
    ],
)
def test_a_flaw_is_named_at_its_point(point, keys, said):
    found = faults(f"[points.{point}]\n{keys}\n")

    assert any(said in fault and f"points.{point}" in fault for fault in found), found


def test_tables_of_registers_do_not_fit_a_meter():
    found = faults('[limits]\nblock_max = 3\n[points.power_w]\ngroup = "P"\n')

    assert [
        "m1.toml:6: limits: is no known key; expected one of profile, decoder, recognise, scan, points, parts"
    ] == found


def test_an_unknown_setting_of_the_decoder_is_a_fault():
    assert "decoder.nonsense" in faults('[decoder]\nnonsense = 3\n[points.power_w]\ngroup = "P"\n')[0]
