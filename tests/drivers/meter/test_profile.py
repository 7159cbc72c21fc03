"""Profiles of meters load, with the meter's own points beside those of its children."""

import pytest

from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.errors import ConfigError
from quartier_drivers.meter.profile import MeterProfile

TEXT = """\
[profile]
protocol = "p1"
maker = "Acme"
model = "M1"
source = "made for this test"
[scan]
hourly = 3600
[points.power_w]
group = "1-0:1.7.0"
minus = "1-0:2.7.0"
scan = "fast"
[parts.gas.volume_m3]
group = "0-?:24.2.*"
select = { medium = "gas" }
scan = "hourly"
counter = { rate_max = 25, roll_over = 1e5 }
"""


def test_a_meter_and_its_children_stand_together():
    loaded = parse_profile(TEXT, "acme/m1", "m1.toml")

    assert isinstance(loaded, MeterProfile)
    assert {"": ["power_w"], "gas": ["volume_m3"]} == {
        part: list(points) for part, points in loaded.parts.items()
    }
    assert (3600.0, {}, "p1") == (loaded.scan["hourly"], loaded.decoder, loaded.protocol)


def test_labels_and_selections_are_alternatives():
    points = parse_profile(TEXT, "acme/m1", "m1.toml").parts

    assert (("1-0:1.7.0",),) == points[""]["power_w"].group
    assert ({"medium": ("gas",)},) == points["gas"]["volume_m3"].select
    assert (25, 1e5) == (
        points["gas"]["volume_m3"].counter.rate_max,
        points["gas"]["volume_m3"].counter.roll_over,
    )


def test_a_meter_cannot_be_written():
    assert not any(
        point.writable
        for points in parse_profile(TEXT, "acme/m1", "m1.toml").parts.values()
        for point in points.values()
    )


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
        ("over_on", 'group = "P"\nbit = 1\nbits = [1, 2]', "cannot be combined with bit"),
        ("over_on", 'group = "P"\nbit = 1\nmask = 6', "cannot be combined with bit"),
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
        ("power_w", 'group = "P"\nregister = "input:1"', "is an unknown key"),
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
        "m1.toml:6: limits: is an unknown key; expected one of profile, decoder, recognise, scan, points, parts"
    ] == found


def test_an_unknown_setting_of_the_decoder_is_a_fault():
    assert "decoder.nonsense" in faults('[decoder]\nnonsense = 3\n[points.power_w]\ngroup = "P"\n')[0]
