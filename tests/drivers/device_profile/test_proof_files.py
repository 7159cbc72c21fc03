"""Proof files: what they may say, and that a malformed one names its file, line and key."""

import pytest

from quartier_drivers.device_profile import proof_files
from quartier_drivers.errors import ConfigError

GOOD = """\
left_out = { frequency_hz = "the manual states no unit for it" }

[[source]]
kind = "manual"
document = "ACME HY Modbus manual"
revision = "4"
place = "table 7"
[source.every]
table = "holding"
[source.points]
power_w = { name = "P total", at = 40011, first = 40001, type = "int32", scale = 0.1, unit = "kW", plus = "export" }
"""


CHECK = """
[[check]]
day = 2026-12-01
points = 12
agree = 10
not_found = 1
sources = ["a client of the HY: registers.py"]
found = "Differs: L2 is in the place of L3; mended."
"""


def faults(text):
    with pytest.raises(ConfigError) as caught:
        proof_files.parse_proof(text, "acme/hy", "proof/hy.toml")
    return [str(fault) for fault in caught.value.faults]


def test_a_figure_keeps_the_notation_of_its_source():
    (stated,) = proof_files.parse_proof(GOOD, "acme/hy", "proof/hy.toml").sources

    figure = stated.points["power_w"]
    assert (10, "holding", "int32") == (figure.number, figure.table, figure.type_name)
    assert (-1, "1000") == (figure.sign, figure.factor)
    assert "ACME HY Modbus manual, 4, table 7" == str(stated.source)


def test_a_file_proves_the_profile_of_its_own_name_unless_it_names_others():
    assert ("acme/hy",) == proof_files.parse_proof(GOOD, "acme/hy", "f").profiles
    assert ("a/b", "a/c") == proof_files.parse_proof(
        f'profiles = ["a/b", "a/c"]\n{GOOD}', "acme/hy", "f"
    ).profiles


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('kind = "manual"', 'kind = "rumour"', 4, "kind"),
        ('revision = "4"', "", 3, "revision"),
        ('place = "table 7"', 'page = "7"', 7, "page"),
        ("at = 40011, ", "", 11, "has no place"),
        ("at = 40011", "at = 40000", 11, "before the first"),
        ('type = "int32", ', "", 11, "lacks type"),
        ('unit = "kW"', 'unit = "kWatt"', 11, "is not a known unit"),
        ('plus = "export"', 'plus = "out"', 11, "plus"),
        ("at = 40011", 'at = "40011"', 11, "at"),
        ("[source.points]\n", "[source.points]\nvoltage_v = 3\n", 11, "voltage_v"),
        ("[source.every]", "[source.every", 8, ""),
        (
            "[source.every]",
            '[source.differs]\nenergy_wh = "who knows why"\n[source.every]',
            9,
            "states nothing about this point",
        ),
    ],
)
def test_a_malformed_file_names_file_line_and_key(old, new, line, said):
    told = faults(GOOD.replace(old, new))

    assert any(one.startswith(f"proof/hy.toml:{line}") and said in one for one in told), told


def test_a_source_that_states_nothing_is_refused():
    assert "states nothing" in faults(GOOD.partition("[source.every]")[0])[0]


def test_a_second_readers_check_says_when_with_which_sources_and_what_was_found():
    (check,) = proof_files.parse_proof(GOOD + CHECK, "acme/hy", "proof/hy.toml").checks

    assert ("2026-12-01", ("a client of the HY: registers.py",)) == (check.day.isoformat(), check.sources)
    assert (12, 10, 1, 1) == (check.points, check.agree, check.not_found, check.differ)


def test_a_check_may_stand_alone_and_a_file_without_anything_is_refused():
    assert () == proof_files.parse_proof(CHECK, "acme/hy", "proof/hy.toml").sources
    assert ["expected [[source]] or [[check]]"] == [one.partition("; ")[2] for one in faults("left_out = {}")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("agree = 10", "agree = 12", "agree and not_found are more than points (12)"),
        ('found = "Differs: L2 is in the place of L3; mended."\n', "", "lacks found"),
        ("points = 12", 'points = 12\nprofile = "acme/hx"', "'acme/hx' is none of this file"),
        ('sources = ["a client of the HY: registers.py"]', "sources = []", "sources"),
        ("day = 2026-12-01", 'day = "today"', "day"),
    ],
)
def test_a_check_whose_numbers_or_names_cannot_be_is_refused(old, new, said):
    told = faults(GOOD + CHECK.replace(old, new))

    assert any(said in one for one in told), told


def test_faults_of_all_files_are_gathered_and_good_files_still_count(tmp_path):
    folder = tmp_path / "acme" / "proof"
    folder.mkdir(parents=True)
    (folder / "hy.toml").write_text(GOOD)
    (folder / "bad.toml").write_text("source = 3\n")
    (folder / "worse.toml").write_bytes(b"\xff\xfe")

    found, told = proof_files.load_proofs([tmp_path])

    assert ["acme/hy"] == [name for name in found if name.startswith("acme/")]
    assert {"bad.toml", "worse.toml"} == {fault.file.rpartition("/")[2] for fault in told}


def test_the_built_in_files_are_whole():
    assert [] == proof_files.load_proofs()[1]
