"""``quartier history``: a real store of an hour ago, in all three formats."""

import asyncio
import csv
import io
import json
from datetime import UTC
from pathlib import Path

import pytest

from quartier.cli import main
from quartier.cli.operation import history
from quartier.site.records import Now
from quartier.store.deadband import NO_DEADBAND, Deadbands
from quartier.store.history_reader import HistoryRow
from quartier.store.history_store import Store
from quartier_drivers.readings import Quality, Reading, make_readings

START_MS = 1_764_000_000_000  # 2025-11-24T16:00:00Z
SPAN = ("--from", "2025-11-24T16:00Z", "--to", "2025-11-24T17:00Z")


@pytest.fixture
def kept(tmp_path):
    """An hour of a grid that rises by 10 W each minute, and a counter; gives the place options."""
    store = Store(
        tmp_path / "history.db",
        tmp_path,
        assets=["grid"],
        deadbands=Deadbands({"w": NO_DEADBAND, "wh": NO_DEADBAND}),
        outbox=False,
    )
    store.open(Now(0, START_MS, synced=True))
    for minute in range(60):
        now = Now(minute * 60_000_000_000, START_MS + minute * 60_000, synced=True)
        store.record(
            make_readings(
                [
                    Reading("grid.power_w", 1000.0 + 10 * minute, Quality.GOOD, now.ns),
                    Reading("grid.energy_import_wh", 500.0 + minute, Quality.GOOD, now.ns),
                ],
                now.ns,
            ),
            now,
        )
    store.event("link.mode", "INIT -> AUTONOMOUS", {}, now)
    assert store.close(now, 10.0)
    return (
        "--state-dir",
        str(tmp_path),
        "--runtime-dir",
        str(tmp_path),
        "--config",
        str(tmp_path / "none.toml"),
    )


def shown(capsys, *words):
    assert 0 == main(["history", *words])
    return capsys.readouterr().out


def test_every_sample_comes_back_with_its_exact_value(kept, capsys):
    rows = [
        json.loads(line)
        for line in shown(capsys, "--points", "grid.power_w", *SPAN, "--format", "jsonl", *kept).splitlines()
    ]

    assert [1000.0 + 10 * minute for minute in range(60)] == [row["value"] for row in rows]
    assert START_MS == rows[0]["utc_ms"]
    assert {"utc_ms", "point", "value", "quality", "count"} == set(rows[0])


def test_every_gives_means_of_powers_and_the_last_of_counters(kept, capsys):
    text = shown(capsys, "--points", "grid.*", *SPAN, "--every", "15min", "--format", "csv", *kept)
    rows = list(csv.DictReader(io.StringIO(text)))

    assert ["time", "point", "value", "unit", "quality", "count"] == list(rows[0])
    power = [row for row in rows if row["point"] == "grid.power_w"]
    assert [1070.0, 1220.0, 1370.0, 1515.0] == [float(row["value"]) for row in power], (
        "the last until it stopped"
    )
    assert {("W", "good", "15")} == {(row["unit"], row["quality"], row["count"]) for row in power}
    counter = [row for row in rows if row["point"] == "grid.energy_import_wh"]
    assert [514.0, 529.0, 544.0, 559.0] == [float(row["value"]) for row in counter]
    assert {"Wh"} == {row["unit"] for row in counter}


def test_a_table_is_for_people(kept, capsys):
    lines = shown(capsys, "--points", "grid.power_w", *SPAN, "--every", "1h", *kept).splitlines()

    assert ["point", "value", "unit", "quality", "count"] == lines[0].split()[-5:]
    assert lines[0].startswith("time (this machine's zone, ")
    assert ["grid.power_w", "1,290", "W", "good", "60"] == lines[1].split()[2:]
    assert 2 == len(lines)


@pytest.mark.parametrize(
    ("good_pct", "quality", "share"),
    [(78.3, "partly bad", "partly bad, 78 % good"), (99.9, "partly bad", "partly bad, 99 % good")]
    + [(whole, "good", "good") for whole in (100.0, None)],
)
def test_a_row_of_several_samples_does_not_hide_bad_ones(capsys, good_pct, quality, share):
    row = HistoryRow("grid.power_w", START_MS, 225.1, Quality.GOOD, 3, good_pct)
    for write in (history._print_jsonl, history._print_csv, history._print_table):
        write([row], UTC)
    in_json, _, in_csv, _, in_table = capsys.readouterr().out.splitlines()

    told = {"quality": quality} | ({} if good_pct is None else {"good_pct": good_pct})
    assert told == {key: one for key, one in json.loads(in_json).items() if key in {"quality", "good_pct"}}
    assert in_csv.endswith(f",grid.power_w,225.1,W,{quality},3")
    assert share in in_table


def test_what_was_not_read_is_empty_and_not_0(capsys):
    row = HistoryRow("grid.power_w", START_MS, None, Quality.BAD, 0, 0.0)
    for write in (history._print_jsonl, history._print_csv, history._print_table):
        write([row], UTC)
    in_json, _, in_csv, _, in_table = capsys.readouterr().out.splitlines()

    assert json.loads(in_json)["value"] is None
    assert in_csv.endswith(",grid.power_w,,W,bad,0")
    assert in_table.split()[2:] == ["grid.power_w", "–", "W", "bad", "0"]


def test_without_a_site_file_the_zone_is_named_and_what_to_do(kept, capsys):
    assert 0 == main(["history", "--points", "grid.power_w", *SPAN, "--format", "csv", *kept])
    said = capsys.readouterr().err

    assert "none.toml is not there: times are in this machine's zone, " in said
    assert "name the site file with --config" in said
    assert 0 == main(["history", "--points", "grid.power_w", *SPAN, "--format", "jsonl", *kept])
    assert "" == capsys.readouterr().err, "UTC, whatever the zone"


def test_events_are_part_of_the_history(kept, capsys):
    text = shown(capsys, "--points", "*link.mode", *SPAN, "--format", "csv", *kept)

    assert "INIT -> AUTONOMOUS" in text


def test_only_what_was_asked_for_is_shown(kept, capsys):
    text = shown(capsys, "--points", "grid.energy*", "--from", "2025-11-24T16:10Z", "--to", "2025-11-24T16:20Z",
                 "--format", "csv", *kept)  # fmt: skip

    assert 1 + 10 == len(text.splitlines())
    assert "power_w" not in text


@pytest.mark.parametrize(
    ("pattern", "code", "words"),
    [
        ("grid.pwr_w", 1, "no point is called grid.pwr_w; did you mean 'grid.power_w'?"),
        ("grid.power_w", 0, "no samples of grid.power_w"),
        ("event.store.gap", 0, "no samples of event.store.gap"),
    ],
)
async def test_a_point_that_the_daemon_does_not_have_is_said_to_be_none(
    kept, status, serving, capsys, pattern, code, words
):
    said = ["history", "--points", pattern, "--from", "2001-01-01", "--to", "2001-01-02", *kept]
    async with serving({"status": lambda: status, "points": lambda: [{"point": "grid.power_w"}]}):
        assert code == await asyncio.to_thread(main, said)

    assert words in capsys.readouterr().err


@pytest.mark.parametrize("form", ["table", "csv", "jsonl"])
def test_a_span_without_samples_is_no_error_and_says_so_to_people(kept, capsys, form):
    assert 0 == main(["history", "--from", "2001-01-01", "--to", "2001-01-02", "--format", form, *kept])

    said = capsys.readouterr()
    assert "no samples" in said.err
    assert len(said.out.splitlines()) <= 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--from", "gestern"), "2026-11-25"),
        (("--to", "25:00"), "2026-11-25"),
        (("--every", "15"), "15min"),
        (("--every", "0s"), "1s at least"),
        (("--from", "now", "--to", "1h"), "not before"),
    ],
)
def test_a_time_that_cannot_be_is_exit_2_and_says_what_was_expected(kept, capsys, words, expected):
    assert 2 == main(["history", *words, *kept])

    said = capsys.readouterr()
    assert expected in said.err
    assert "" == said.out


def test_where_there_is_no_history_it_names_the_place(tmp_path, capsys):
    there = tmp_path / "none"
    place = ("--state-dir", str(there), "--runtime-dir", str(there), "--config", str(there / "site.toml"))
    assert 1 == main(["history", *place])

    said = capsys.readouterr().err
    assert str(there / "history.db") in said
    assert "--state-dir" in said


def test_times_are_in_the_zone_of_the_site_whatever_this_machine_has(kept, capsys):
    site = Path(kept[-1]).with_name("site.toml")
    site.write_text(
        'site = { id = "b1", district = "issy", time_zone = "Asia/Tokyo" }\n'
        "limits = { contract_import_w = 9000 }\n"
        'buses.lan = { kind = "modbus-tcp", host = "gx" }\n'
        'devices.gx = { bus = "lan", profile = "victron/gx" }\n'
        'assets.grid = { role = "grid", device = "gx", part = "grid" }\n'
    )
    here = (*kept[:-1], str(site))
    span = ("--from", "2025-11-25T01:00", "--to", "2025-11-25T02:00")  # without an offset: Tokyo's
    lines = shown(capsys, "--points", "grid.power_w", *span, "--every", "1h", *here).splitlines()

    assert lines[0].startswith("time (Asia/Tokyo) ")
    assert lines[1].startswith("2025-11-25 01:00:00+09:00  grid.power_w")
    (row,) = csv.DictReader(
        io.StringIO(
            shown(capsys, "--points", "grid.power_w", *span, "--every", "1h", "--format", "csv", *here)
        )
    )
    assert "2025-11-25 01:00:00+09:00" == row["time"]
