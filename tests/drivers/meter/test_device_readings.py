"""Telegrams become readings of their owners, in layouts that stay."""

import itertools

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.meter.device_readings import MeterReadings
from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.readings import Quality

PROFILE = parse_profile(
    """\
[profile]
protocol = "tic"
maker = "Acme"
model = "M1"
source = "made for this test"
[points.energy_import_wh]
group = "EAST"
unit = "Wh"
counter = { rate_max = 36000 }
[points.voltage_l1_v]
group = "URMS1"
unit = "V"
low = 100
high = 300
scan = "fast"
[points.over_power_on]
group = "STGE"
form = "hex"
bit = 7
[points.serial_text]
group = "ADSC"
form = "text"
[points.tariff_index]
group = "NTARF"
[parts.gas.volume_m3]
group = "GAS"
""",
    "acme/m1",
    "m1.toml",
)
S = 1_000_000_000


def make_meter(owners=None, **keys):
    return MeterReadings(DeviceSpec("linky", 1, owners or {"": "grid"}, **keys), PROFILE)


def told(one, now_s=1.0, **groups):
    telegram = Telegram("A", tuple(Group(label, value) for label, value in groups.items()))
    return one.make_readings((telegram,), int(now_s * S))


def shown(readings):
    return {one.point: (one.value, one.quality) for one in readings}


def test_groups_become_readings_under_the_owners_name():
    found = shown(told(make_meter(), EAST="005", URMS1="230", STGE="00000080", ADSC="0123", NTARF="02"))

    assert {
        "grid.energy_import_wh": (5.0, Quality.GOOD),
        "grid.voltage_l1_v": (230.0, Quality.GOOD),
        "grid.over_power_on": (True, Quality.GOOD),
        "grid.serial_text": ("0123", Quality.GOOD),
        "grid.tariff_index": (2, Quality.GOOD),
    } == found


def test_parts_and_points_that_nobody_wants_are_not_told():
    one = make_meter({"gas": "gas1"})
    other = make_meter(points={"": frozenset({"voltage_l1_v"})})

    assert ["gas1.volume_m3"] == list(one.points)
    assert ["gas1.volume_m3"] == list(shown(told(one, EAST="5", GAS="7")))
    assert ["grid.voltage_l1_v"] == list(shown(told(other, EAST="5", URMS1="230")))
    assert told(one, EAST="5") is None


def test_the_same_company_of_points_has_the_same_layout():
    one = make_meter()

    assert told(one, EAST="5", URMS1="230").layout is told(one, EAST="6", URMS1="231").layout


def test_noise_makes_no_endless_number_of_layouts():
    one = make_meter()
    groups = {"EAST": "5", "URMS1": "230", "STGE": "00", "ADSC": "1", "NTARF": "1"}
    for count in range(1, 6):
        for some in itertools.permutations(groups, count):
            told(one, **{label: groups[label] for label in some})

    assert len(one._layouts) <= 32


def test_what_is_no_value_keeps_the_last_one_as_bad():
    one = make_meter()
    told(one, URMS1="230")

    assert {"grid.voltage_l1_v": (230.0, Quality.BAD)} == shown(told(one, URMS1="2x0"))
    assert {"grid.voltage_l1_v": (999.0, Quality.BAD)} == shown(told(one, URMS1="999"))
    assert "999" == told(one, URMS1="999").raws[0]


def test_a_held_counter_keeps_its_value_and_shows_what_the_meter_said():
    one = make_meter()
    told(one, EAST="5000")
    told(one, 2.0, EAST="5001")
    found = told(one, 3.0, EAST="0000")

    assert {"grid.energy_import_wh": (5001.0, Quality.STALE)} == shown(found)
    assert {0: "0000"} == found.raws
    assert ["counter.held"] == [note.code for note in one.notes()]
    assert [] == one.notes()


def test_counters_go_on_after_a_restart():
    before, after = make_meter(), make_meter()
    told(before, EAST="5000")
    told(before, 2.0, EAST="5001")
    after.recall(before.dump_state(), 0, 60.0)

    assert {"grid.energy_import_wh": (5001.0, Quality.STALE)} == shown(told(after, 3.0, EAST="0000"))
    after.recall({"grid.energy_import_wh": "rubbish"}, 0, 60.0)


def test_only_switches_are_told_ahead_of_a_frame():
    found = make_meter().ahead([Group("STGE", "00000080"), Group("URMS1", "230")], S)

    assert {"grid.over_power_on": (True, Quality.GOOD)} == shown(found)
    assert make_meter().ahead([Group("URMS1", "230")], S) is None


def test_each_point_says_where_it_comes_from_and_how_often():
    points = make_meter().points

    assert ("URMS1", 1.0, 100, 300) == (
        points["grid.voltage_l1_v"].address,
        points["grid.voltage_l1_v"].period_s,
        points["grid.voltage_l1_v"].low,
        points["grid.voltage_l1_v"].high,
    )
    assert 1.0 == make_meter().period_s
