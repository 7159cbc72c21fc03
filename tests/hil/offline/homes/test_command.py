"""``quartier-hil homes``: a table or JSON, and a folder that cannot be read told by file and column."""

import json

from quartier_hil.cli import main


def test_a_folder_is_scored_as_a_table_and_as_json(folder, capsys):
    assert 0 == main(["homes", str(folder)])
    table = capsys.readouterr().out
    assert 0 == main(["homes", str(folder), "--json", "--policy", "rule"])
    told = json.loads(capsys.readouterr().out)

    assert ["rule", "foresight"] == [*dict.fromkeys(line.split()[0] for line in table.splitlines()[1:])]
    assert ["Building_1", "Building_2", "mean"] == [*told["rule"]]
    assert f"{told['rule']['mean']['cost']:.3f}" in table


def test_what_is_missing_is_named(folder, capsys):
    (folder / "Building_2.csv").write_text("non_shiftable_load,sun\n1,2\n")
    assert 2 == main(["homes", str(folder)])
    said = capsys.readouterr().err
    assert str(folder / "Building_2.csv") in said
    assert "solar_generation" in said


def test_files_of_different_length_are_refused(folder, capsys):
    (folder / "pricing.csv").write_text("electricity_pricing\n0.2\n")
    assert 2 == main(["homes", str(folder)])
    assert "expected as many in each" in capsys.readouterr().err
