import argparse

import pytest

from quartier.cli import grammar


def test_a_command_tells_its_line_and_more_below():
    parser = argparse.ArgumentParser()
    made = grammar.command(parser.add_subparsers(), "look", "look around", "more of it")
    grammar.runtime(made)
    grammar.in_json(made)

    text = made.format_help()
    assert "Look around." in text
    assert "more of it" in text
    assert "--runtime-dir" in text
    assert "--json" in text


def test_a_command_alone_tells_the_same_as_among_all_others():
    words = ("look", "look around", "more of it")
    among = grammar.command(argparse.ArgumentParser(prog="quartier").add_subparsers(), *words)

    assert among.format_help() == grammar.alone(*words).format_help()


@pytest.mark.parametrize(
    ("kind", "text", "expected_s"), [("span", "2h30m", 9000), ("seconds", "4", 4), ("seconds", "4m", 240)]
)
def test_a_duration_is_read_the_same_way_by_every_option(kind, text, expected_s):
    assert expected_s == getattr(grammar, kind)(text)


@pytest.mark.parametrize("text", ["0s", "0", "4x"])
def test_a_duration_of_nothing_is_wrong_use(text):
    with pytest.raises(argparse.ArgumentTypeError):
        grammar.seconds(text)
