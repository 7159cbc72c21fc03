"""``quartier profiles prove``: exit codes, what a disagreement names, and the levels in the catalogue."""

import json

import pytest

from quartier.cli import main

HY = """\
[profile]
protocol = "modbus"
maker = "ACME"
model = "Hy"
source = "Modbus manual rev. 4, tables 3 and 7"
tested = "firmware 2.11"

[points.power_w]
register = "holding:10"
type = "int32"
low = -10000
high = 10000
"""
PROOF = """\
[[source]]
kind = "list"
document = "acme/lists: hy.py"
revision = "commit 1234567"
[source.points]
power_w = { at = 10, table = "holding", type = "int32", unit = "W" }

[[source]]
kind = "manual"
document = "ACME Hy Modbus manual"
revision = "4"
[source.points]
power_w = { at = 10, table = "holding", type = "int32", unit = "W" }
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "acme" / "proof").mkdir(parents=True)
    (tmp_path / "acme" / "hy.toml").write_text(HY)
    return tmp_path


def prove(folder, text, capsys, *words):
    (folder / "acme" / "proof" / "hy.toml").write_text(text)
    code = main(["profiles", "prove", "acme/hy", "--profiles", str(folder), *words])
    return code, capsys.readouterr()


def test_all_built_in_profiles_are_proven_without_a_disagreement(capsys):
    assert 0 == main(["profiles", "prove", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert [] == told["faults"]
    assert 12 == len(next(one for one in told["profiles"] if one["profile"] == "abb/b23")["counted"])


def test_a_disagreement_is_exit_1_and_names_profile_point_source_expected_and_got(folder, capsys):
    code, said = prove(folder, PROOF.replace("int32", "int16", 1), capsys)

    assert 1 == code
    line = next(line for line in said.out.splitlines() if "hy.toml:6" in line)
    assert "acme/hy: power_w: acme/lists: hy.py, commit 1234567: reads 0001 as 1, the profile" in line
    assert "1 disagreement" in said.err


def test_json_names_level_sources_and_disagreements(folder, capsys):
    code, said = prove(folder, PROOF.replace("at = 10", "at = 12", 1), capsys, "--json")

    (one,) = json.loads(said.out)["profiles"]
    assert (1, "acme/hy", "manual") == (code, one["profile"], one["level"])
    assert ["list", "manual"] == [source["kind"] for source in one["sources"]]
    assert {"power_w": [1]} == one["agree"]
    (fault,) = one["disagreements"]
    assert ("power_w", "holding:12", "holding:10", "") == tuple(
        fault[key] for key in ("point", "expected", "got", "reason")
    )


def test_a_malformed_proof_file_is_exit_78_with_its_line(folder, capsys):
    code, said = prove(folder, PROOF.replace('type = "int32"', 'type = "int23"', 1), capsys)

    assert 78 == code
    assert "proof/hy.toml:6" in said.out


def test_an_unknown_profile_is_exit_78(capsys):
    assert 78 == main(["profiles", "prove", "acme/none"])

    assert "acme/none" in capsys.readouterr().out


def test_list_and_show_tell_the_level(folder, capsys):
    (folder / "acme" / "proof" / "hy.toml").write_text(PROOF)

    assert 0 == main(["profiles", "list", "acme", "--profiles", str(folder), "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert "two sources" == row["proven"]
    assert 0 == main(["profiles", "show", "acme/hy", "--profiles", str(folder)])
    shown = capsys.readouterr().out
    assert "two sources" in shown
    assert "ACME Hy Modbus manual, 4 (manual)" in shown


def test_a_malformed_proof_file_does_not_stop_the_list(folder, capsys):
    (folder / "acme" / "proof" / "hy.toml").write_text("source = 1\n")

    assert 0 == main(["profiles", "list", "acme", "--profiles", str(folder), "--json"])
    said = capsys.readouterr()
    assert "unproven" == json.loads(said.out)[0]["proven"]
    assert "proof/hy.toml:1" in said.err


def test_a_second_readers_check_stands_in_the_table_the_sheet_and_json(folder, capsys):
    check = '\n[[check]]\nday = 2026-12-01\npoints = 1\nagree = 1\nsources = ["a client of the Hy"]\n'
    code, said = prove(folder, PROOF + check, capsys)
    assert (0, True) == (code, "1/1 on 2026-12-01" in said.out)

    _, said = prove(folder, PROOF + check, capsys, "--json")
    (told,) = json.loads(said.out)["profiles"][0]["checks"]
    assert ("2026-12-01", 1, 1, 0, ["a client of the Hy"]) == tuple(
        told[key] for key in ("day", "points", "agree", "differ", "sources")
    )

    assert 0 == main(["profiles", "show", "acme/hy", "--profiles", str(folder)])
    assert "2026-12-01: 1 of 1 points agreed with a client of the Hy" in capsys.readouterr().out
