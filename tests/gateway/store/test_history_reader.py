"""Rows of the write ledger come back as they were known last, whatever became of the process."""

from dataclasses import replace

import pytest

from quartier.site.ledger import LEDGER_STREAM, LedgerEntry
from quartier.site.records import Now
from quartier.store import history_reader
from quartier.store.history_reader import find_ledger_gaps, read_ledger
from quartier.store.history_store import Store
from quartier_drivers.readings import Quality, Reading, make_readings

UTC_MS = 1_764_000_000_000
S = 1_000_000_000


def at(t):
    return Now(int(t * S), UTC_MS + int(t * 1000), synced=True)


def row(number, t=0.0, point="bat1.setpoint_w", **more):
    ms = UTC_MS + int(t * 1000)
    return LedgerEntry(
        boot=more.pop("boot", 7), number=number, point=point, why="free", utc_ms=ms, last_ms=ms, **more
    )


@pytest.fixture
def opened(tmp_path):
    """``opened(t, **options)``: a store in this folder that was opened at ``t``."""

    def make(t=0.0, **options):
        store = Store(tmp_path / "history.db", tmp_path, **options)
        store.open(at(t))
        return store

    return make


def kept(tmp_path, from_ms=0, asset=None):
    return read_ledger(tmp_path / "history.db", tmp_path, from_ms, asset)


def test_a_row_is_told_once_as_it_was_known_last(opened, tmp_path):
    store = opened()
    store.write_down(row(1), at(0))
    store.write_down(row(2, 1), at(1))
    done = replace(row(1), outcome="done", count=9)
    store.write_down(done, at(2))

    assert [done, row(2, 1)] == kept(tmp_path)
    store.close(at(3), 10.0)
    assert [done, row(2, 1)] == kept(tmp_path)


def test_a_killed_process_loses_no_row(opened, tmp_path):
    store = opened()
    store.write_down(row(1), at(0))
    del store  # no close, no commit: what is left is the journal
    assert [row(1)] == kept(tmp_path)

    again = opened(10)
    again.write_down(row(1, 11, boot=8), at(11))
    again.close(at(12), 10.0)
    assert [row(1), row(1, 11, boot=8)] == kept(tmp_path)


def test_rows_are_picked_by_asset_and_by_the_last_time_they_stood(opened, tmp_path):
    store = opened()
    store.write_down(row(1), at(0))
    store.write_down(replace(row(2), last_ms=UTC_MS + 50_000), at(50))
    store.write_down(row(3, 60, point="ev1.current_max_a"), at(60))
    store.close(at(70), 10.0)

    assert [2, 3] == [entry.number for entry in kept(tmp_path, UTC_MS + 40_000)]
    assert [3] == [entry.number for entry in kept(tmp_path, 0, "ev1")]


def test_rows_never_leave_the_building_and_are_no_samples(opened, tmp_path):
    store = opened(outbox=True, assets=["bat1"])
    store.record(make_readings([Reading("bat1.power_w", 5.0, Quality.GOOD, 0)], 0), at(0))
    store.write_down(row(1), at(0))

    assert {"bat1", "event"} == {run.stream for run in store.runs({}, 100)}
    assert LEDGER_STREAM not in store.heads()
    assert store.run(LEDGER_STREAM, None, 10) is None
    store.set_assets(["bat1"])
    assert LEDGER_STREAM not in store.heads()
    store.close(at(1), 10.0)
    names = {
        found.point
        for found in history_reader.read_history(tmp_path / "history.db", tmp_path, ["*"], 0, 2**53)
    }
    assert {"bat1.power_w"} <= names
    assert not any(name.startswith(LEDGER_STREAM) for name in names)


def test_a_row_that_is_damaged_or_none_is_left_out(opened, tmp_path):
    store = opened()
    store.write_down(row(1), at(0))
    store._ingest.record_text(LEDGER_STREAM, "bat1.setpoint_w", '{"boot": 7, "numb', at(1))
    store.close(at(2), 10.0)
    assert [row(1)] == kept(tmp_path)


def test_a_damaged_page_costs_the_rows_on_it_and_is_named(opened, tmp_path):
    store = opened(chunk_count=8, size_max_bytes=50_000_000)
    for number in range(6000):
        words = f"{number:06d} " + "".join(chr(97 + (number * k) % 23) for k in range(60))
        store.write_down(replace(row(number, number), why=words), at(number))
        store.tick(at(number))
        store._writer.wait(60.0)
    assert store.close(at(6001), 10.0)
    path = tmp_path / "history.db"
    content = bytearray(path.read_bytes())
    place = content.find(b"QC", len(content) // 2) + 200
    content[place : place + 64] = bytes(64)
    path.write_bytes(content)

    left = {entry.number for entry in kept(tmp_path)}
    assert 6000 - 1024 <= len(left) < 6000
    assert 5999 in left


def test_without_a_history_it_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        kept(tmp_path)


def test_evicted_rows_leave_a_gap_record_and_no_event_for_the_district(opened, tmp_path):
    store = opened(size_max_bytes=400_000, outbox=True, chunk_count=64)
    for number in range(12_000):
        words = f"{number:06d} " + "".join(chr(97 + (number * k) % 23) for k in range(60))
        store.write_down(replace(row(number, number), why=words), at(number))
        store.tick(at(number))
        store._writer.wait(60.0)
    store.close(at(13_000), 10.0)

    gaps = find_ledger_gaps(tmp_path / "history.db", tmp_path, 0)
    found = kept(tmp_path)
    assert {("evicted", LEDGER_STREAM)} == {(gap.why, gap.stream) for gap in gaps}
    assert 12_000 == len(found) + sum(gap.count for gap in gaps)
    assert 11_999 == found[-1].number
    told = [
        r.point for r in history_reader.read_history(tmp_path / "history.db", tmp_path, ["event.*"], 0, 2**53)
    ]
    assert "event.store.gap" not in told
