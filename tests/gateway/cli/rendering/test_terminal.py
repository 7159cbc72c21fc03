"""A device, a document or a person that says hostile things."""

import sys

import pytest
from rich.text import Text
from rich.tree import Tree

from quartier.cli.rendering import output, terminal

HOSTILE = "[/x]123[red]\x1b]0;owned\x07\x1b[2J"
SHOWN = "[/x]123[red]\\u001b]0;owned\\u0007\\u001b[2J"


@pytest.mark.parametrize(
    "made",
    [
        HOSTILE,
        Text(HOSTILE),
        output.make_table(HOSTILE, (HOSTILE, ">x"), [(HOSTILE, Text(HOSTILE))]),
        Tree(HOSTILE),
    ],
)
def test_no_text_steers_the_terminal_or_is_taken_for_markup(made, capsys):
    output.make_console().print(made)
    said = capsys.readouterr().out

    assert "\x1b" not in said
    assert "[/x]123[red]\\u001b]0;owned" in said


def test_what_is_printed_is_shown_and_own_progress_is_not(capsys):
    with terminal.filter_output():
        sys.stdout.write(f"{HOSTILE}\n")
        sys.stderr.write(f"{HOSTILE}\n")
        terminal.overwrite_line(HOSTILE)
    said = capsys.readouterr()

    assert f"{SHOWN}\n" == said.out
    assert f"{SHOWN}\n\r{SHOWN}\033[K" == said.err


def test_a_filter_is_never_put_on_a_filter_and_goes_away(capsys):
    before = sys.stdout
    with terminal.filter_output(), terminal.filter_output():
        assert before is terminal.find_raw_stream(sys.stdout)
    assert before is sys.stdout
    sys.stdout.write("end\n")
    assert "end\n" == capsys.readouterr().out


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-x", "@a", "\t=1", "\n=1", "\uff1d1+1"])
def test_a_spreadsheet_takes_no_text_for_a_formula(formula):
    assert f"'{formula}" == terminal.escape_formula(formula)


@pytest.mark.parametrize("value", [-5.0, 7, None, "grid.power_w", ""])
def test_numbers_and_names_stay_as_they_are(value):
    assert value is terminal.escape_formula(value)


def test_progress_in_a_pipe_is_a_line_a_step_and_one_every_five_seconds(capsys):
    now = [0.0]
    progress = terminal.ProgressLine(lambda: now[0])
    for second in range(13):
        now[0] = float(second)
        progress.tell("9600" if second < 11 else "1200", f"asking {second}", f"unit {second}")
    progress.end()

    assert ["asking 0", "unit 5", "unit 10", "asking 11"] == capsys.readouterr().err.splitlines()
