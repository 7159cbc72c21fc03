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


def test_beside_foresight_each_policy_tells_how_much_of_what_is_possible_it_saves(folder, capsys):
    names = ["rule", "ours", "foreknown", "foresight"]
    asked = [word for name in names for word in ("--policy", name)]
    assert 0 == main(["homes", str(folder), "--json", *asked])
    told = json.loads(capsys.readouterr().out)

    assert names == [*told]
    for home, one in told["ours"].items():
        saved, best = 1 - one["cost"], 1 - told["foresight"][home]["cost"]
        assert saved / best == one["possible"] <= 1 + 1e-9
        assert 1.0 == told["foresight"][home]["possible"]


def test_a_folder_that_cannot_be_read_is_told_with_exit_code_2(folder, capsys):
    (folder / "Building_2.csv").unlink()
    assert 2 == main(["homes", str(folder)])
    assert str(folder / "Building_2.csv") in capsys.readouterr().err
