import json
import xml.etree.ElementTree as ET

import pytest

from quartier_hil import cli
from quartier_hil.checks.verdicts import BROKEN, KEPT, NO_RUN
from quartier_hil.suite import results
from quartier_hil.suite.results import RESULTS_FILE

pytestmark = pytest.mark.usefixtures("scenarios", "children")


@pytest.fixture
def ask(tmp_path):
    """``ask("--again")`` runs the set into the same folder and gives the exit code."""
    return lambda *words: cli.main(["run", "all", "--report", str(tmp_path / "reports"), "--quiet", *words])


def test_what_was_judged_is_not_run_again_and_what_a_kill_left_is(ask, children, tmp_path, capsys):
    assert KEPT == ask()
    results = tmp_path / "reports" / RESULTS_FILE
    a, b, _ = results.read_text().splitlines(keepends=True)
    results.write_text(a + b + '{"at": "2026')
    children.ran.clear()

    assert KEPT == ask()
    assert ["c"] == children.ran
    assert "2 were judged before" in capsys.readouterr().err
    assert KEPT == ask()
    assert ["c"] == children.ran


def test_a_scenario_whose_file_changed_is_run_again_and_it_alone(ask, scenarios, children):
    ask()
    children.ran.clear()
    scenarios["b"].write_text(scenarios["b"].read_text() + "# a word\n")

    assert KEPT == ask()
    assert ["b"] == children.ran


def test_other_code_or_another_rate_runs_all_again(ask, children, monkeypatch):
    ask()
    children.ran.clear()
    ask("--rate", "10")
    assert ["a", "b", "c"] == children.ran

    monkeypatch.setattr(results, "compute_code_digest", lambda: "other")
    ask()
    assert ["a", "b", "c"] * 2 == children.ran


def test_again_runs_all_and_retry_what_broke(ask, children):
    children.become["b"] = "broken"
    ask()
    children.ran.clear()
    ask("--retry")
    assert ["b"] == children.ran

    ask("--again")
    assert ["b", "a", "b", "c"] == children.ran


def test_what_broke_before_is_told_and_still_decides_the_exit_code(ask, children, capsys):
    children.become["b"] = "broken"
    assert BROKEN == ask()
    capsys.readouterr()

    assert BROKEN == ask()
    assert "Not kept were b: --retry runs those" in capsys.readouterr().err
    children.become["b"] = "kept"
    assert KEPT == ask("--retry")


def test_the_table_and_the_file_for_ci_systems_have_all_of_them_after_a_run_that_went_on(
    ask, scenarios, tmp_path
):
    ask()
    scenarios["b"].write_text(scenarios["b"].read_text() + "# a word\n")
    ask("--junit", str(tmp_path / "all.xml"))
    table = (tmp_path / "reports" / "verdicts.md").read_text().splitlines()

    assert ["a", "b", "c"] == [suite.get("name") for suite in ET.parse(tmp_path / "all.xml").getroot()]
    assert ["| a | 1 of 1", "| b | 1 of 1", "| c | 1 of 1"] == [row[:12] for row in table[-3:]]


def test_one_that_could_not_be_run_is_told_and_is_run_the_next_time(ask, children, tmp_path, capsys):
    children.become["b"] = "fails"
    assert NO_RUN == ask("--junit", str(tmp_path / "all.xml"))
    assert "is not a broker" in capsys.readouterr().err
    assert ["0", "1", "0"] == [suite.get("errors") for suite in ET.parse(tmp_path / "all.xml").getroot()]

    children.become["b"] = "kept"
    children.ran.clear()
    assert KEPT == ask()
    assert ["b"] == children.ran


def test_those_that_are_named_are_run_whether_they_were_judged_or_not(scenarios, children, tmp_path):
    asked = ["run", *map(str, scenarios.values()), "--report", str(tmp_path / "r"), "--quiet"]
    cli.main(asked)
    cli.main(asked)

    assert ["a", "b", "c"] * 2 == children.ran


def test_json_tells_those_that_were_judged_before_too(ask, capsys):
    ask()
    capsys.readouterr()
    ask("--json")

    shown = capsys.readouterr().out
    assert ["a", "b", "c"] == [one["line"]["scenario"] for one in json.loads(shown)]


def test_several_at_once_are_all_judged(ask, tmp_path):
    assert KEPT == ask("--jobs", "3")
    assert 3 == len((tmp_path / "reports" / RESULTS_FILE).read_text().splitlines())


def test_a_folder_that_cannot_be_written_is_told(tmp_path, capsys):
    (tmp_path / "reports").write_text("a file")

    assert NO_RUN == cli.main(["run", "all", "--report", str(tmp_path / "reports"), "--quiet"])
    assert str(tmp_path / "reports") in capsys.readouterr().err


def test_a_bench_has_one_of_each_device_and_takes_one_scenario_after_the_other(
    ask, children, tmp_path, capsys
):
    bench = tmp_path / "bench.toml"
    bench.write_text("")

    assert NO_RUN == ask("--bench", str(bench), "--jobs", "2")
    assert "--jobs: 2: a bench has one of each device" in capsys.readouterr().err
    assert [] == children.ran
    ask("--bench", str(bench))
    ask("--bench", str(bench))
    assert ["a", "b", "c"] == children.ran
    bench.write_text("# another\n")
    ask("--bench", str(bench))
    assert ["a", "b", "c"] * 2 == children.ran


@pytest.mark.parametrize("word", ["0", "two", "-1"])
def test_jobs_are_a_number_of_one_or_more(word, capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "all", "--jobs", word])
    assert "expected a whole number of 1 or more, for example 2" in capsys.readouterr().err
