"""``quartier-hil citylearn``: who is better, and an interpreter without CityLearn told with exit code 2."""

import sys

import pytest

from quartier_bench.citylearn.citylearn_command import format_table, is_better
from quartier_hil.cli import main

PEER = {"cost": 0.9, "co2": 0.97, "peak": 0.9, "daily_peak": 0.95, "ramping": 1.07}
OURS = {"cost": 0.7, "co2": 0.8, "peak": 1.2, "daily_peak": 0.9, "ramping": 0.8}


def test_ours_is_better_where_it_is_judged():
    assert is_better({"ours": OURS, "BasicBatteryRBC": PEER})


@pytest.mark.parametrize("name", ["cost", "co2", "daily_peak", "ramping"])
def test_one_that_is_as_good_as_the_peer_is_not_better(name):
    told = {"ours": OURS, "blind": OURS | {name: PEER[name]}, "BasicBatteryRBC": PEER}
    assert not is_better(told)


def test_a_line_an_agent():
    head, line = format_table({"ours": OURS})
    assert ["agent", "cost", "co2", "peak", "daily_peak", "ramping"] == head.split()
    assert ["ours", "0.7000", "0.8000", "1.2000", "0.9000", "0.8000"] == line.split()


def test_an_interpreter_without_citylearn_is_told_with_exit_code_2(shared, capfd):
    folder = shared / "district" / "citylearn_2022_phase_1"
    assert 2 == main(["citylearn", str(folder), "--python", sys.executable])
    said = capfd.readouterr().err
    assert "No module named 'citylearn'" in said
    assert f"{sys.executable}: --python: ended before CityLearn's scores, exit code 1" in said


def test_an_interpreter_that_is_none_is_told_with_exit_code_2(shared, tmp_path, capsys):
    folder = shared / "district" / "citylearn_2022_phase_1"
    assert 2 == main(["citylearn", str(folder), "--python", str(tmp_path / "none")])
    assert "--python" in capsys.readouterr().err


def test_a_folder_that_is_none_is_told_with_exit_code_2(tmp_path, capsys):
    assert 2 == main(["citylearn", str(tmp_path), "--python", sys.executable])
    assert "schema.json" in capsys.readouterr().err
