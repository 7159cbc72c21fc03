"""The sheet of a profile: registers, models and groups, each in its own words."""

import json

import pytest

from quartier.cli import main
from quartier_drivers.device_profile.loading import list_profiles

OWN = """\
[profile]
protocol = "modbus"
maker = "ACME"
model = "Hy"
source = "Modbus manual rev. 4, tables 3 and 7"
tested = "firmware 2.11"

[limits]
pause_s = 0.2
single_client = true
no_fallback = "the manual names no timer (section 4)"

[recognise.vendor]
device_id = "vendor"
like = "ACME*"

[recognise.code]
register = "holding:1"
equals = [17, 18]

[points.level_pct]
register = "holding:40"
bits = [8, 15]
offset = -5
low = 0

[points.boost_on]
register = "holding:41"
type = "bool"
[points.boost_on.write]
low = 0
high = 1
on_release = "hold"
"""


def shown(capsys, *names):
    assert 0 == main(["profiles", "show", *names])
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("keba/p30", "keba/p30 KEBA KeContact P30"),
        ("keba/p30", "tested on no real device yet"),
        ("keba/p30", "pause 0.5 s between requests"),
        ("keba/p30", "its serial holding:1014, uint32"),
        ("keba/p30", "known by holding:1016 lies in 300000..399999: it may be this device"),
        ("keba/p30", "power_w W holding:1020 uint32, times 0.001 0..50000 5 s"),
        ("keba/p30", "plugged_on – holding:1004 uint32, bit 2 – 5 s"),
        ("keba/p30", "a read at most 2 registers, without gaps"),
        ("keba/p30", "current_max_a 0 32 0 0 after 60 s"),
        ("victron/gx", "battery.charge_state 0: idle; 1: charging; 2: discharging"),
        ("abb/b23", "a read at most 125 registers, gaps of up to 16 among them"),
        ("abb/b23", 'known by holding:35168 reads "B23*"'),
        ("carlo-gavazzi/em24", "power_w W input:40 int32, low word first, times 0.1 -1000000..1000000 1 s"),
        ("victron/gx", "pv.power_w W holding:884 of unit 100 uint32, sum of 9, times -1 -1000000..0 1 s"),
        ("victron/gx", "ess.setpoint_w -1000000 1000000 0 its own control after 300 s"),
        ("grundfos/cim", "pump_pct 10 100 its own control no fallback: the last order stays"),
        ("sunspec/hybrid", "battery.soc_pct % 713.SoC or 802.SoC or 124.ChaState – 0..100 5 s"),
        ("sunspec/hybrid", "battery.setpoint_w W 124.StorCtl_Mod – – 5 s"),
        ("sunspec/hybrid", "battery.setpoint_w – – its own control its own control after 60 s"),
        ("sunspec/hybrid", "pv.generation_max_w 0 – the fail-safe cap the fail-safe cap after 60 s"),
        ("kaco/blueplanet", "generation_max_w 0 – the fail-safe cap the last limit stays"),
        ("enedis/linky_standard", "energy_import_wh Wh EAST – – 5 s"),
    ],
)
def test_a_line_of_the_sheet(name, line, capsys):
    assert line in shown(capsys, name)


@pytest.mark.parametrize(
    "line",
    [
        "tested firmware 2.11",
        "clients one at a time; others go through a share",
        "no fallback the manual names no timer (section 4)",
        'known by its vendor reads "ACME*"',
        "known by holding:1 is 17 or 18",
        "level_pct % holding:40 uint16, bits 8 to 15, plus -5 0.. 5 s",
        "boost_on 0 1 stays no fallback: the last order stays",
    ],
)
def test_a_line_of_a_sheet_of_ones_own(line, tmp_path, capsys):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "hy.toml").write_text(OWN)

    assert line in shown(capsys, "acme/hy", "--profiles", str(tmp_path))


def test_a_meter_that_selects_its_groups_says_by_what(capsys):
    (line,) = [line for line in shown(capsys, "generic/mbus_heat") if line.startswith("heat_energy_wh ")][:1]

    assert "quantity=energy" in line


def test_every_shipped_profile_has_a_sheet(capsys):
    assert 0 == main(["profiles", "show", *list_profiles(), "--json"])

    assert list_profiles() == [one["profile"] for one in json.loads(capsys.readouterr().out) if one["points"]]


def test_several_are_shown_one_after_the_other(capsys):
    lines = shown(capsys, "abb/b23", "abb/b24")

    assert [0] == [place for place, line in enumerate(lines) if line == "abb/b23 ABB B23"]
    assert "abb/b24 ABB B24" in lines[1:]


def test_for_scripts_each_point_is_an_object(capsys):
    assert 0 == main(["profiles", "show", "keba/p30", "--json"])

    (one,) = json.loads(capsys.readouterr().out)
    by_name = {point["point"]: point for point in one["points"]}
    assert "keba/p30" == one["profile"]
    assert "holding:1020" == by_name["power_w"]["where"]
    assert by_name["power_w"]["order"] is None
    assert "charging" == by_name["charge_state"]["codes"]["3"]
    assert "32" == by_name["current_max_a"]["order"]["to"]
