import argparse
import json

import pytest

from quartier_bench.meter_check import plausibility_command
from quartier_bench.meter_check.fault_cases import iterate_cases
from quartier_hil.cli import main


def _chosen(*words):
    parser = argparse.ArgumentParser()
    plausibility_command.add_arguments(parser)
    return plausibility_command.choose_cases(parser.parse_args(["faults", *words]))


def test_everything_is_chosen_where_nothing_is_named():
    assert list(iterate_cases()) == _chosen()


def test_faults_links_and_meters_are_chosen_by_name():
    cases = _chosen(
        "--fault", "reversed", "--link", "HOLD", "--link", "INIT", "--meter", "linky", "--unlisted-w", "0"
    )

    assert {("reversed", "linky", 0.0)} == {(one.fault, one.grid_meter, one.unlisted_w) for one in cases}
    assert {"HOLD", "INIT"} == {one.link for one in cases}


def test_the_parts_together_are_the_whole_matrix():
    parts = [_chosen("--part", f"{number}/3") for number in (1, 2, 3)]

    assert sorted(one.name for one in iterate_cases()) == sorted(one.name for part in parts for one in part)


def test_a_draw_is_of_what_was_chosen():
    assert {"frozen"} == {one.fault for one in _chosen("--fault", "frozen", "--draw", "5", "--seed", "3")}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--fault", "tired"], "--fault tired: expected one of none, frozen"),
        (["--link", "LOST"], "--link LOST: expected one of INIT"),
        (["--part", "5/4"], "--part 5/4: expected one as 1/4"),
    ],
)
def test_a_name_that_is_none_ends_with_2(words, why, capsys):
    assert main(["plausibility", "faults", *words]) == 2
    assert why in capsys.readouterr().err


def test_a_case_is_a_line_of_json(capsys):
    words = ["--fault", "none", "--link", "INIT", "--part", "1/4", "--json"]

    assert main(["plausibility", "faults", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert ("none/night/contract/INIT", True, []) == (found["case"], found["kept"], found["faults"])


def test_a_folder_that_cannot_be_read_ends_with_2(tmp_path, capsys):
    assert main(["plausibility", "homes", str(tmp_path)]) == 2
    assert "schema.json" in capsys.readouterr().err


def test_a_variant_that_is_none_is_named(measured, folder, capsys):
    assert main(["plausibility", "homes", str(folder), "--home", measured[0].name, "--variant", "odd"]) == 2
    assert "--variant odd: expected one of plain" in capsys.readouterr().err


def test_no_day_is_a_table_of_noughts(measured, folder, capsys):
    words = ["--home", measured[0].name, "--variant", "plain", "--days", "0"]

    assert main(["plausibility", "homes", str(folder), *words]) == 0
    assert [measured[0].name, "plain", "0.0", "0"] == capsys.readouterr().out.splitlines()[1].split()[:4]
