"""A series of steps, read from CSV."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from quartier.cli.plan.step_series import SeriesError, read_series

HEAD = "time,load_w,pv_w,import_eur_per_wh,export_eur_per_kwh"


def test_prices_may_be_by_wh_or_by_kwh_and_caps_only_narrow(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text(
        f"{HEAD},import_max_w,import_g_per_kwh\n2026-06-12T00:00,1,2,0.001,3,5000,60\n2026-06-12T00:15,1,2,0.002,4,99000,70\n"
    )
    steps = read_series(path, 9000.0, 100.0)

    assert 900 == steps.outlook.step_s
    assert [0.001, 0.002] == steps.outlook.import_eur_per_wh
    assert [0.003, 0.004] == steps.outlook.export_eur_per_wh
    assert [5000.0, 9000.0] == steps.outlook.import_max_w
    assert [100.0, 100.0] == steps.outlook.export_max_w
    assert [0.06, 0.07] == pytest.approx(steps.outlook.import_g_per_wh)
    assert ["00:00", "00:15"] == [steps.format_time(0), steps.format_time(1)]
    assert "00:15" == steps.format_with_day(1)


def test_steps_of_several_days_are_told_with_their_day(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text(f"{HEAD}\n2026-06-12T23:00,1,2,0.001,3\n2026-06-13T00:00,1,2,0.002,4\n")

    assert ["Fri 12 23:00", "Sat 13 00:00"] == [
        read_series(path, 9.0, 9.0).format_with_day(number) for number in (0, 1)
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "at least two rows"),
        ("2026-06-12T00:00,1,2,3,4\n2026-06-12T00:15,1,x,3,4\n", ":3: pv_w: 'x' is no number"),
        ("2026-06-12T00:00,1,2,3,4\nnoon,1,2,3,4\n", ":3: time: 'noon'; expected such as"),
        (
            "2026-06-12T00:00,1,2,3,4\n2026-06-12T00:15,1,2,3,4\n2026-06-12T00:20,1,2,3,4\n",
            "2026-06-12T00:20 follows 2026-06-12T00:15; expected each row 15 min after",
        ),
        ("2026-06-12T00:00,1,2,3,4\n2026-06-12T00:15Z,1,2,3,4\n", "some times have an offset"),
        ("2026-06-12T00:00,1,2,3\n2026-06-12T00:15,1,2,3\n", ":2: 4 values; expected 5, as there are names"),
        ("2026-06-12T00:00,1,2,3,4,5\n2026-06-12T00:15,1,2,3,4\n", ":2: 6 values; expected 5"),
        ("2026-06-12T00:00,1,-2,3,4\n2026-06-12T00:15,1,2,3,4\n", ":2: pv_w: -2; expected 0 or more"),
        ("2026-06-12T00:00,1,2,3,4\n2026-06-12T00:15,1,2,3,nan\n", ":3: export_eur_per_kwh: nan; expected"),
        ("2026-06-12T00:00,inf,2,3,4\n2026-06-12T00:15,1,2,3,4\n", ":2: load_w: inf; expected a number"),
        ("2026-06-12T00:00,1,2,3,4\n2026-06-12T00:30,1,2,3,4\n", "30 min apart; expected 5, 15 or 60"),
        ("2026-06-12T00:15,1,2,3,4\n2026-06-12T00:00,1,2,3,4\n", "-15 min apart"),
        (
            "2026-06-12T00:00 Europe/Paris,1,2,3,4\n2026-06-12T00:15,1,2,3,4\n",
            ":2: time: '2026-06-12T00:00 Eu",
        ),
        ("2026-06-12T00:00,1,2,3,4\n" * 673, "673 rows; expected at most 672"),
        (
            "2026-10-25T01:00,1,2,3,4\n2026-10-25T02:00,1,2,3,4\n2026-10-25T02:00,1,2,3,4\n",
            "where the clock changes, times with their offset",
        ),
    ],
)
def test_a_series_that_does_not_fit_is_told_by_line_and_column(tmp_path, rows, message):
    path = tmp_path / "day.csv"
    path.write_text(f"{HEAD}\n{rows}")

    with pytest.raises(SeriesError) as refused:
        read_series(path, 9000.0, 0.0)

    assert message in str(refused.value)


def refused(path, text):
    path.write_bytes(text)
    with pytest.raises(SeriesError) as told:
        read_series(path, 9000.0, 0.0)
    return str(told.value)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("time,load_w", "no column pv_w; there are load_w, time"),
        ("load_w,pv_w,import_eur_per_wh,export_eur_per_wh", "no column time; there are"),
        (f"{HEAD},import_max_kw", ":1: 'import_max_kw' is no column; did you mean 'import_max_w'?"),
        (f"{HEAD},", ":1: '' is no column; expected one of time"),
        (f"{HEAD},pv_w", ":1: pv_w is said twice"),
        (f"{HEAD},import_eur_per_kwh", ":1: import_eur_per_wh is said twice"),
    ],
)
def test_columns_that_are_missing_unknown_or_there_twice_are_named(tmp_path, names, message):
    row = ",".join(["2026-06-12T00:00" if name == "time" else "1" for name in names.split(",")])

    assert message in refused(tmp_path / "day.csv", f"{names}\n{row}\n{row}\n".encode())


def test_what_is_no_table_is_told_and_never_read_without_end(tmp_path):
    path = tmp_path / "day.csv"

    assert "expected a line of names" in refused(path, b"")
    assert "is no CSV in UTF-8" in refused(path, b"\xff\xfe\x00")
    assert "it holds zero bytes" in refused(path, b"time,load_w\n\x00,1\n")
    assert "is larger than 4 MiB" in refused(path, f"{HEAD}\n".encode() + b"1,1,1,1,1\n" * 500_000)
    with pytest.raises(SeriesError, match="it holds zero bytes"):
        read_series(Path("/dev/zero"), 9000.0, 0.0)


def test_a_spreadsheet_may_write_its_mark_its_semicolons_and_its_commas(tmp_path):
    path = tmp_path / "day.csv"
    names = HEAD.replace(",", ";")
    path.write_bytes(
        f"\ufeff{names}\r\n2026-06-12T00:00;1,5;2;0,001;3\r\n2026-06-12T00:15;1;2;0,002;4\r\n;;;;\r\n".encode()
    )
    outlook = read_series(path, 9000.0, 0.0).outlook

    assert ([1.5, 1.0], [0.001, 0.002]) == (outlook.load_w, outlook.import_eur_per_wh)


def test_an_hour_that_comes_twice_is_told_apart(tmp_path):
    path = tmp_path / "autumn.csv"
    rows = "".join(f"2026-10-25T02:00{offset},1,2,3,4\n" for offset in ("+02:00", "+01:00"))
    path.write_text(f"{HEAD}\n{rows}")
    steps = read_series(path, 9000.0, 0.0)

    assert ["02:00+0200", "02:00+0100"] == [steps.format_time(0), steps.format_time(1)]


def test_times_of_another_zone_are_told_as_the_buildings_clock_shows_them(tmp_path):
    path = tmp_path / "utc.csv"
    rows = "".join(f"2026-10-25T{hour:02}:00Z,1,2,3,4\n" for hour in range(3))
    path.write_text(f"{HEAD}\n{rows}")
    steps = read_series(path, 9000.0, 0.0, zone=ZoneInfo("Europe/Paris"))

    assert ["02:00+0200", "02:00+0100", "03:00+0100", "04:00+0100"] == [
        steps.format_time(at) for at in range(4)
    ]


def test_the_last_step_ends_when_the_clock_says_so_that_is_changed_in_it(tmp_path):
    path = tmp_path / "spring.csv"
    path.write_text(f"{HEAD}\n2026-03-29T00:00+01:00,1,2,3,4\n2026-03-29T01:00+01:00,1,2,3,4\n")
    steps = read_series(path, 9000.0, 0.0, zone=ZoneInfo("Europe/Paris"))

    assert "2026-03-29T03:00:00+02:00" == steps.time(2).isoformat()


def test_a_cap_that_is_none_is_the_sites(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text(f"{HEAD},import_max_w\n2026-06-12T00:00,1,2,3,4,inf\n2026-06-12T00:15,1,2,3,4,0\n")

    assert [9000.0, 0.0] == read_series(path, 9000.0, 0.0).outlook.import_max_w


def test_columns_that_tabs_part_are_told_as_such(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text(HEAD.replace(",", "\t") + "\n2026-06-12T00:00\t1\t2\t3\t4\n" * 2)

    with pytest.raises(
        SeriesError, match=r"day\.csv:1: tabs part its columns; expected commas or semicolons"
    ):
        read_series(path, 9000.0, 0.0)
