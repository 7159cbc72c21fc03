import pytest
from rich.console import Group
from rich.padding import Padding

from quartier.cli.rendering.output import (
    format_age,
    format_number,
    format_size,
    format_unit,
    make_console,
    make_table,
)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "W", "–"),
        (True, "", "on"),
        (False, "", "off"),
        (-1234.56, "W", "-1,235 W"),
        (49.974, "Hz", "49.97 Hz"),
        (0.123456, "", "0.1235"),
        (7, "", "7"),
        ("charging", "", "charging"),
    ],
)
def test_values_read_as_people_write_them(value, unit, expected):
    assert expected == format_number(value, unit)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (float("inf"), "–"),
        (0.42, "0.4 s"),
        (65, "65 s"),
        (600, "10 min"),
        (8000, "2 h"),
        (200_000, "2 d"),
    ],
)
def test_ages_have_one_unit(seconds, expected):
    assert expected == format_age(seconds)


def test_a_table_has_no_colours_where_there_is_no_terminal(capsys):
    make_console().print(make_table("", ("point", ">value"), [("grid.power_w", "1,200")]))

    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("wrap", [Group, Padding, lambda table: table])
def test_a_row_of_a_table_is_one_line_where_no_terminal_reads_it(wrap, capsys):
    long = "a profile with a source of many words " * 40
    rows = [("a", long, "1"), ("b", "two\nlines", "22")]
    make_console().print(wrap(make_table("", ("point", "source", ">value"), rows)))

    head, first, second = capsys.readouterr().out.splitlines()
    assert ["point", "source", "value"] == head.split()
    assert first.startswith(f"a      {long}")
    assert ["b", "two", "lines", "22"] == second.split()
    assert first == first.rstrip()


@pytest.mark.parametrize(("ucum", "expected"), [("W.h", "Wh"), ("Cel", "°C"), ("W", "W"), ("", "")])
def test_units_read_as_people_write_them(ucum, expected):
    assert expected == format_unit(ucum)


def test_small_sizes_are_in_small_units():
    assert ["0 B", "812 B", "1.0 kB", "34.2 kB", "1.3 MB", "4.0 GB"] == [
        format_size(count) for count in (0, 812, 1_000, 34_180, 1_300_000, 4e9)
    ]
