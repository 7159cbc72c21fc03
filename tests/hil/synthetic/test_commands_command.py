import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from quartier_hil import cli

ROOT = Path(__file__).parents[3]
SOURCES = os.pathsep.join(str(ROOT / name) for name in ("gateway", "drivers", "native", "hil"))

TEXT = 'title = "short"\nstart = 2026-06-12T18:30:00\nduration_s = 30\n[[checks]]\ncheck = "invariants"\n'
NEVER = '[[checks]]\ncheck = "within"\npoint = "grid.power_w"\nhigh = -1e9\n'


def _file(tmp_path, text):
    path = tmp_path / "short.toml"
    path.write_text(text)
    return str(path)


def test_a_kept_scenario_ends_with_0_and_leaves_a_page_with_its_orders(tmp_path, capsys):
    code = cli.main(["day", _file(tmp_path, TEXT), "--report", str(tmp_path / "out")])

    assert 0 == code
    assert "in one process without wires" in capsys.readouterr().out
    assert "self-consumption" in (tmp_path / "out" / "short" / "index.html").read_text()
    assert "bat1.setpoint_w" in (tmp_path / "out" / "short" / "orders.csv").read_text()


def test_the_pictures_of_a_scenario_are_drawn_where_they_are_wanted(tmp_path):
    picture = (
        '[[pictures]]\nname = "grid"\ntitle = "x"\n[[pictures.panels]]\nunit = "kW"\n'
        'curves = [{ point = "grid.power_w", label = "grid" }]\n'
    )
    code = cli.main(["day", _file(tmp_path, TEXT + picture), "--pictures", str(tmp_path / "drawn")])

    assert 0 == code
    assert ["grid.svg"] == [path.name for path in (tmp_path / "drawn").iterdir()]


def test_a_picture_of_a_point_that_is_not_there_ends_with_2(tmp_path, capsys):
    picture = (
        '[[pictures]]\nname = "grid"\ntitle = "x"\n[[pictures.panels]]\nunit = "kW"\n'
        'curves = [{ point = "grid.powr_w", label = "grid" }]\n'
    )
    code = cli.main(["day", _file(tmp_path, TEXT + picture), "--pictures", str(tmp_path / "drawn")])

    assert 2 == code
    assert "pictures.grid: grid.powr_w has no value" in capsys.readouterr().err


def test_a_broken_one_ends_with_1_and_says_which(tmp_path, capsys):
    code = cli.main(["day", _file(tmp_path, TEXT + NEVER), "--json"])

    verdicts = json.loads(capsys.readouterr().out)["verdicts"]
    assert 1 == code
    assert ["within"] == [one["check"] for one in verdicts if not one["holds"]]


def test_a_scenario_that_is_not_there_ends_with_2_and_the_others_are_run(tmp_path, capsys):
    suites = tmp_path / "day.xml"
    code = cli.main(["day", "dey-tariff", _file(tmp_path, TEXT), "--junit", str(suites)])
    told = capsys.readouterr()

    assert 2 == code
    assert "dey-tariff: scenario: is no file and no built-in scenario; did you mean day-tariff" in told.err
    assert "in one process without wires" in told.out
    assert ["dey-tariff", "short"] == [suite.get("name") for suite in ET.parse(suites).iter("testsuite")]


def test_one_that_needs_wires_ends_with_2(tmp_path, capsys):
    code = cli.main(["day", _file(tmp_path, TEXT.replace("[[", '[house]\nmeters = ["p1"]\n[[', 1))])

    assert 2 == code
    assert "needs the wires" in capsys.readouterr().err


def test_a_ci_system_gets_a_case_for_each_promise_and_an_error_for_what_could_not_be_run(tmp_path):
    short, wired = _file(tmp_path, TEXT + NEVER), tmp_path / "wired.toml"
    wired.write_text(TEXT.replace("[[", '[house]\nmeters = ["p1"]\n[[', 1))

    code = cli.main(["day", short, str(wired), "--junit", str(tmp_path / "out" / "day.xml")])

    root = ET.parse(tmp_path / "out" / "day.xml").getroot()
    assert 2 == code
    assert [("short", "1", "0"), ("wired", "0", "1")] == [
        (suite.get("name"), suite.get("failures"), suite.get("errors")) for suite in root
    ]


def test_the_seed_is_told_and_another_one_can_be_given(tmp_path, capsys):
    cli.main(["day", _file(tmp_path, TEXT)])
    own = capsys.readouterr().out
    cli.main(["day", _file(tmp_path, TEXT), "--seed", "42", "--json"])
    other = json.loads(capsys.readouterr().out)

    assert "seed 1" in own
    assert 42 == other["seed"]


def test_a_run_in_one_process_is_repeated_to_the_byte_in_another_process(tmp_path):
    """Also where Python orders sets of texts otherwise, which it does from process to process."""
    scenario = _file(tmp_path, TEXT.replace("duration_s = 30", "duration_s = 300"))
    asked = ["day", scenario, "--seed", "5", "--report"]
    env = {**os.environ, "PYTHONPATH": SOURCES, "PYTHONHASHSEED": "1"}
    argv = [sys.executable, "-m", "quartier_hil.cli", *asked, str(tmp_path / "there")]
    subprocess.run(argv, env=env, check=True, capture_output=True)
    cli.main([*asked, str(tmp_path / "here")])

    for name in ("samples.csv", "orders.csv"):
        first, second = ((tmp_path / place / "short" / name).read_bytes() for place in ("here", "there"))
        assert first == second
        assert first.count(b"\n") > 10
