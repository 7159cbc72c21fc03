"""Where things lie, as systemd tells it or as a package leaves it."""

import argparse
from pathlib import Path

import pytest

from quartier.cli.arguments import shared_options


def test_a_command_tells_its_line_and_more_below():
    parser = argparse.ArgumentParser()
    made = shared_options.add_command(parser.add_subparsers(), "look", "look around", "more of it")
    shared_options.add_runtime_option(made)
    shared_options.add_json_option(made)

    text = made.format_help()
    assert "Look around." in text
    assert "more of it" in text
    assert "--runtime-dir" in text
    assert "--json" in text


def test_a_command_alone_tells_the_same_as_among_all_others():
    words = ("look", "look around", "more of it")
    among = shared_options.add_command(argparse.ArgumentParser(prog="quartier").add_subparsers(), *words)

    assert among.format_help() == shared_options.make_parser_alone(*words).format_help()


@pytest.mark.parametrize(
    ("parse", "text", "expected_s"),
    [
        (shared_options.parse_positive_duration_s, "2h30m", 9000),
        (shared_options.parse_positive_seconds, "4", 4),
        (shared_options.parse_positive_seconds, "4m", 240),
    ],
)
def test_a_duration_is_read_the_same_way_by_every_option(parse, text, expected_s):
    assert expected_s == parse(text)


@pytest.mark.parametrize("text", ["0s", "0", "4x"])
def test_a_duration_of_nothing_is_wrong_use(text):
    with pytest.raises(argparse.ArgumentTypeError):
        shared_options.parse_positive_seconds(text)


@pytest.mark.parametrize(
    ("place", "variable", "usual"),
    [
        (shared_options.find_runtime_dir, "RUNTIME_DIRECTORY", "/run/quartier"),
        (shared_options.find_state_dir, "STATE_DIRECTORY", "/var/lib/quartier"),
    ],
)
def test_systemds_word_counts_and_the_usual_place_else(place, variable, usual, monkeypatch):
    monkeypatch.delenv(variable, raising=False)
    assert Path(usual) == place()

    monkeypatch.setenv(variable, "/somewhere/else")
    assert Path("/somewhere/else") == place()


def test_the_site_file_lies_where_the_unit_reads_it():
    assert "/etc/quartier" in (Path(__file__).parents[4] / "systemd" / "README.md").read_text()
    assert Path("/etc/quartier/site.toml") == shared_options.SITE_FILE
