"""How profiles are proven: each kind of wrong figure is found, and a level is computed from what agrees."""

import time

import pytest

from quartier_drivers.device_profile import loading, proof_check, proof_files
from quartier_drivers.points import parse_quantity

HEAD = """\
[profile]
protocol = "modbus"
maker = "ACME"
model = "Hy"
source = "Modbus manual rev. 4, tables 3 and 7"
tested = ""
[limits]
no_fallback = "the manual names no timer (section 4)"
"""
HY = (
    HEAD
    + """\
[points.power_w]
register = "input:10"
type = "int32"
words = "low-first"
scale = 0.1
sign = -1

[points.power_l1_w]
register = "input:12"
type = "int16"

[points.power_l2_w]
register = "input:13"
type = "int16"

[points.frequency_hz]
register = "input:14"
scale = 0.01

[points.current_max_a]
register = "holding:20"
scale = 0.1
[points.current_max_a.write]
low = 0
high = 16
on_release = "hold"
"""
)
RIGHT = """\
"power_w" = { at = 10, type = "int32", words = "low-first", scale = 0.1, unit = "W", plus = "export" }
"power_l1_w" = { at = 12, unit = "W" }
"power_l2_w" = { at = 13, unit = "W" }
[source.writes]
"current_max_a" = { at = 20, table = "holding", type = "uint16", scale = 0.1, unit = "A" }
"""
SOURCE = """\
[[source]]
kind = "{kind}"
document = "{document}"
revision = "4"
[source.every]
table = "input"
type = "int16"
[source.points]
"""


def source(kind="manual", document="ACME HY Modbus manual", figures=RIGHT):
    return SOURCE.format(kind=kind, document=document) + figures


def proven(*sources, first="", text=HY):
    dossier = proof_files.parse_proof(first + "".join(sources), "acme/hy", "proof/hy.toml")
    return proof_check.prove_profile(loading.parse_profile(text, "acme/hy", "hy.toml"), [dossier])


def test_right_figures_agree():
    found = proven(source())

    assert () == found.disagreements
    assert ("power_w", "power_l1_w", "power_l2_w", "current_max_a") == found.counted
    assert set(found.counted) == set(found.agree)


@pytest.mark.parametrize(
    ("old", "new", "point", "field", "expected", "got"),
    [
        ("at = 10,", "at = 11,", "power_w", "is at", "input:11", "input:10"),
        ("at = 12,", 'at = 12, table = "holding",', "power_l1_w", "is at", "holding:12", "input:12"),
        ("at = 12,", "at = 12, first = 1,", "power_l1_w", "is at", "input:11", "input:12"),
        ("at = 12,", 'at = 12, type = "uint16",', "power_l1_w", "reads A5A5 as", "42405", "-23131"),
        ("at = 12,", 'at = 12, type = "int32",', "power_l1_w", "reads 0000 0001 as", "1", "0"),
        ("at = 12,", 'at = 12, bytes = "low-first",', "power_l1_w", "reads 0100 as", "1", "256"),
        ('words = "low-first"', 'words = "high-first"', "power_w", "reads 0000 0001 as", "-0.1", "-6553.6"),
        ('scale = 0.1, unit = "W"', 'unit = "W"', "power_w", "reads 0001 0000 as", "-1", "-0.1"),
        ('unit = "W", plus', 'unit = "kW", plus', "power_w", "reads 0001 0000 as", "-100", "-0.1"),
        ('plus = "export"', 'plus = "import"', "power_w", "reads 0001 0000 as", "0.1", "-0.1"),
        ("at = 12, unit", "at = 13, unit", "power_l1_w", "is at", "input:13", "input:12"),
        ('at = 12, unit = "W"', 'at = 12, unit = "A"', "power_l1_w", "unit", "A", "w"),
        ("at = 12,", "at = 12, modbus_unit = 3,", "power_l1_w", "has unit", "3", "of the device"),
        ("at = 20,", "at = 21,", "current_max_a", "is at", "holding:21", "holding:20"),
        ('scale = 0.1, unit = "A"', 'unit = "A"', "current_max_a", "reads 0001 as", "1", "0.1"),
        ('"power_l2_w"', '"power_l3_w"', "power_l3_w", "states", "a point", "has none of this name"),
        ('"current_max_a"', '"power_l1_w"', "power_l1_w", "is", "written", "reads it only"),
    ],
)
def test_each_wrong_figure_is_found(old, new, point, field, expected, got):
    found = proven(source(figures=RIGHT.replace(old, new, 1)))

    (fault,) = found.faults
    assert ("acme/hy", point, field, expected, got) == (
        fault.profile,
        fault.point,
        fault.field,
        fault.expected,
        fault.got,
    )
    assert point not in found.agree


def test_a_disagreement_names_file_line_profile_point_source_expected_and_got():
    (fault,) = proven(source(figures=RIGHT.replace("at = 12,", "at = 15,"))).faults

    assert (
        "proof/hy.toml:10: acme/hy: power_l1_w: ACME HY Modbus manual, 4: is at input:15, the profile input:12"
        == str(fault)
    )


def test_a_recorded_difference_is_no_fault_and_does_not_confirm():
    wrong = source("list", "some/list: a.py", RIGHT.replace("at = 12,", "at = 15,"))
    kept = f'{wrong}[source.differs]\npower_l1_w = "a misprint: the maker\'s sample reads 12"\n'

    found = proven(source(), kept)

    assert () == found.faults
    assert ["a misprint: the maker's sample reads 12"] == [one.reason for one in found.disagreements]
    assert ("power_l1_w",) == found.list_weakest
    assert "manual" == found.level


def test_a_recorded_difference_that_is_none_any_more_is_a_fault():
    (fault,) = proven(source() + '[source.differs]\npower_l1_w = "a misprint of the manual"\n').faults

    assert ("power_l1_w", "record") == (fault.point, fault.field)


@pytest.mark.parametrize(
    ("sources", "level"),
    [
        ([("list", "a/a: x")], "one list"),
        ([("manual", "ACME manual")], "manual"),
        ([("list", "a/a: x"), ("list", "a/a: y")], "one list"),
        ([("list", "a/a: x"), ("list", "b/b: x")], "two sources"),
        ([("manual", "ACME manual"), ("list", "b/b: x")], "two sources"),
        ([("manual", "ACME manual"), ("capture", "b/b: log")], "capture"),
        ([("list", "a/a: x"), ("device", "a device here")], "device"),
    ],
)
def test_a_level_follows_from_who_says_it(sources, level):
    assert level == proven(*(source(kind, document) for kind, document in sources)).level


def test_a_second_readers_check_is_told_for_its_profile_and_does_not_raise_the_level():
    check = '[[check]]\nday = 2026-12-01\npoints = 4\nagree = 4\nsources = ["a client of the HY"]\n{}\n'
    mine, other = check.format('profile = "acme/hy"'), check.format('profile = "acme/hx"')
    names = 'profiles = ["acme/hy", "acme/hx"]\n'

    found = proven(source("list"), mine, other, first=names)

    assert ("one list", ["acme/hy"]) == (found.level, [one.profile for one in found.checks])


def test_the_weakest_point_that_steers_or_bills_makes_the_level():
    short = RIGHT.replace('"power_l2_w" = { at = 13, unit = "W" }\n', "")

    found = proven(source(), source("list", "b/b: x", short))

    assert ("manual", ("power_l2_w",)) == (found.level, found.list_weakest)
    assert "unproven" == proven(source(figures=short)).level
    without = 'left_out = { power_l2_w = "only the newest firmware has it" }\n'
    left = proven(source(), source("list", "b/b: x", short), first=without)
    assert ("two sources", {"power_l2_w": "only the newest firmware has it"}) == (left.level, left.left_out)


def test_a_point_that_is_only_read_in_a_source_is_not_confirmed_as_an_order():
    read = RIGHT.replace("[source.writes]\n", "")

    assert ("current_max_a",) == proven(source(figures=read), source("list", "b/b: x")).list_weakest


def test_vectors_confirm_and_a_wrong_number_is_found():
    vector = """\
[[source.vectors]]
name = "example of section 3"
registers = { "input:10" = [0x3039, 0], "input:12" = [0xFFFF, 7], "input:14" = [4998] }
expected = { power_w = -1234.5, power_l1_w = -1.0, frequency_hz = %s }
"""
    good = proven(
        SOURCE.partition("[source.every]")[0].format(kind="sample", document="ACME sample") + vector % 49.98
    )
    bad = proven(
        SOURCE.partition("[source.every]")[0].format(kind="sample", document="ACME sample") + vector % 4998
    )

    assert {"power_w", "power_l1_w", "frequency_hz"} == set(good.agree)
    assert [("frequency_hz", "4998", "49.98")] == [(one.point, one.expected, one.got) for one in bad.faults]


def test_an_input_register_may_be_the_holding_register_of_its_number():
    holding = RIGHT.replace("at = 12,", 'at = 12, table = "holding",')

    found = proven(
        source(figures=holding), first='same_tables = "the manual, section 2: both functions read it"\n'
    )

    assert () == found.faults


def test_codes_that_are_written_are_compared():
    coded = HY.replace("scale = 0.1\n[points.current_max_a.write]", "[points.current_max_a.write]").replace(
        "low = 0\nhigh = 16", "codes = { 0 = 7, 16 = 9 }\nlow = 0\nhigh = 16"
    )
    right = RIGHT.replace('scale = 0.1, unit = "A" }', "codes = { 0 = 7, 16 = 9 } }")

    assert () == proven(source(figures=right), text=coded).faults
    (fault,) = proven(source(figures=right.replace("16 = 9", "16 = 8")), text=coded).faults
    assert ("writes for 16", "0x8", "0x9") == (fault.field, fault.expected, fault.got)


def test_a_meters_label_may_come_without_medium_and_channel():
    meter = """\
[profile]
protocol = "sml"
maker = "ACME"
model = "Hy"
source = "BSI TR-03109-1"
tested = ""
[points.power_w]
group = ["1-0:16.7.0", "1-0:15.7.0"]
"""
    figure = (
        '[[source]]\nkind = "list"\ndocument = "a/a: x"\nrevision = "1"\n[source.points]\npower_w = { %s }\n'
    )

    assert {"power_w"} == set(proven(figure % 'group = "16.7.0", plus = "import"', text=meter).agree)
    (fault,) = proven(figure % 'group = "36.7.0"', text=meter).faults
    assert ("has group", "36.7.0") == (fault.field, fault.expected)
    (fault,) = proven(figure % 'group = "16.7.0", plus = "export"', text=meter).faults
    assert "counts" == fault.field


def test_a_file_for_several_profiles_may_state_what_only_some_have():
    both = RIGHT + "[source.points.power_l3_w]\nat = 18\n"

    assert () == proven(source(figures=both), first='profiles = ["acme/hy", "acme/hz"]\n').faults


def test_power_energy_phases_limits_and_charge_count_but_no_plate_and_no_string():
    counts = {
        "power_w": True,
        "power_rated_w": False,
        "energy_import_wh": True,
        "voltage_l2_v": True,
        "cell_voltage_max_v": False,
        "current_l1_a": True,
        "current_limit_a": True,
        "failsafe_current_a": True,
        "current_rated_a": False,
        "soc_pct": True,
        "soh_pct": False,
        "frequency_hz": False,
        "relay_on": True,
    }

    assert counts == {
        name: proof_check.is_controlled_or_billed(name) for name in counts if parse_quantity(name)
    }


def test_the_built_in_profiles_agree_with_every_source():
    files, _ = proof_files.load_proofs()
    began = time.process_time()

    proofs = [
        proof_check.prove_profile(loading.load_profile(name), files.get(name, ()))
        for name in loading.list_profiles()
    ]

    assert [] == [str(fault) for one in proofs for fault in one.faults]
    assert time.process_time() - began < 3
    assert set() == set(files) - set(loading.list_profiles())
    assert 60 <= sum(
        proof_check.PROOF_LEVELS.index(one.level) >= proof_check.PROOF_LEVELS.index("two sources")
        for one in proofs
    )


def test_each_point_of_the_built_in_files_is_one_of_a_profile():
    files, _ = proof_files.load_proofs()
    dossiers = {id(one): one for ones in files.values() for one in ones}
    known = {name: points(name) for name in files}

    strays = {
        (dossier.places.file.rpartition("profiles/")[2], path)
        for dossier in dossiers.values()
        for path in {
            *dossier.left_out,
            *(path for stated in dossier.sources for path in {*stated.points, *stated.writes}),
        }
        if not any(path in known[name] for name in dossier.profiles)
    }
    assert set() == strays


def points(name):
    parts = loading.load_profile(name).parts.items()
    return {f"{part}.{quantity}".lstrip(".") for part, own in parts for quantity in own}
