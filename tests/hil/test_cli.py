import importlib.util
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from quartier_hil import cli
from quartier_hil.cli import commands


def test_list_names_every_scenario_with_its_title(capsys):
    assert 0 == cli.main(["list"])
    assert "kill -9 at fifty random moments" in capsys.readouterr().out


def test_help_teaches_by_examples(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "quartier-hil run cap-kept --report out" in capsys.readouterr().out


def test_missing_dependencies_are_named_with_the_command_that_brings_them(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pvlib" else name)

    assert 2 == cli.main(["list"])
    assert "quartier-hil needs pvlib: install it again with what it needs" in capsys.readouterr().err


def test_a_faulty_scenario_ends_with_all_its_faults_and_exit_code_two(tmp_path, capsys):
    path = tmp_path / "x.toml"
    path.write_text("title = 3\n")

    assert 2 == cli.main(["run", str(path)])
    assert f"{path}: start: is missing" in capsys.readouterr().err


def test_one_that_cannot_be_run_does_not_keep_the_others_from_being_told(tmp_path, capsys):
    paths = [tmp_path / "a.toml", tmp_path / "b.toml"]
    for path in paths:
        path.write_text("title = 3\n")

    assert 2 == cli.main(["run", *map(str, paths)])
    said = capsys.readouterr().err
    assert all(f"{path}: start: is missing" in said for path in paths)


def test_a_ci_system_is_told_of_what_could_not_be_run(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("title = 3\n")

    assert 2 == cli.main(["run", str(path), "--junit", str(tmp_path / "run.xml")])
    (suite,) = ET.parse(tmp_path / "run.xml").getroot()
    assert ("x", "1") == (suite.get("name"), suite.get("errors"))


def test_tell_imports_none_of_the_other_commands():
    script = (
        "import sys; from quartier_hil import cli; code = cli.main(['tell', '--folder', 'nowhere', 'help']); "
        "print(code, sorted({'pydantic', 'pandas', 'quartier_hil.cli.commands'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "2 []\n" == done.stdout
    assert "nowhere" in done.stderr


@pytest.mark.parametrize("word", cli.STANDALONE_COMMANDS)
def test_a_command_that_is_found_alone_says_the_same_of_itself(word, capsys):
    for read in (cli.main, commands.make_parser().parse_args):
        with pytest.raises(SystemExit):
            read([word, "--help"])
    first, second = capsys.readouterr().out.split("usage: ")[1:]
    assert first == second


def test_a_reader_that_has_seen_enough_ends_a_list_without_a_traceback():
    words = [sys.executable, "-m", "quartier_hil.cli", "list"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()  # before the first line: each write meets a broken pipe
        errors = running.stderr.read()

    assert (0, "") == (running.returncode, errors)
