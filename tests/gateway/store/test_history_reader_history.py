import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier.site.records import Now
from quartier.store.deadband import NO_DEADBAND, Deadbands
from quartier.store.history_reader import HistoryRow, read_history
from quartier.store.history_store import Store
from quartier_drivers.readings import Quality, Reading, Value, make_readings

START_MS = 1_700_000_000_000
GOOD, BAD = Quality.GOOD, Quality.BAD
EXACT = Deadbands({"w": NO_DEADBAND, "wh": NO_DEADBAND, "c": NO_DEADBAND})


class Past:
    """A store that was fed, and questions to it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.runtime = folder / "history.db", folder / "run"
        self.store = self.start(0)

    def start(self, second: float) -> Store:
        self.store = Store(self.path, self.runtime, assets=["grid"], deadbands=EXACT, chunk_count=4)
        self.store.open(at(second))
        return self.store

    def record(self, second: float, point: str, value: Value, quality: Quality = GOOD) -> None:
        now = at(second)
        self.store.record(make_readings([Reading(point, value, quality, now.ns)], now.ns), now)

    def commit(self, second: float) -> None:
        self.store.tick(at(second))
        assert self.store._writer.wait(60.0)
        self.store._is_ready(at(second))

    def ask(
        self, *patterns: str, start_s: float = 0, end_s: float = 3600, every_s: float | None = None
    ) -> list[HistoryRow]:
        span = START_MS + int(start_s * 1000), START_MS + int(end_s * 1000)
        return list(
            read_history(self.path, self.runtime, patterns or ["grid.*", "gateway.*"], *span, every_s)
        )


def at(second: float) -> Now:
    return Now(int(second * 1e9), START_MS + int(second * 1000), synced=True)


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    made = Past(tmp_path)
    yield made
    made.store.close(at(100_000))


def cells(rows: list[HistoryRow]) -> list[tuple[object, ...]]:
    return [((row.utc_ms - START_MS) / 1000, row.value, row.count) for row in rows]


def test_sealed_committed_and_open_samples_are_seen_while_the_daemon_runs_each_once(past: Past) -> None:
    for second in range(1, 7):
        past.record(second, "grid.power_w", float(second))
    past.commit(100)
    past.record(101, "grid.power_w", 101.0)
    past.commit(200)
    past.record(201, "grid.power_w", 201.0)

    assert [(second, float(second), 1) for second in (1, 2, 3, 4, 5, 6, 101, 201)] == cells(past.ask())


def test_patterns_choose_points_and_times_are_half_open(past: Past) -> None:
    past.record(1, "grid.power_w", 1.0)
    past.record(2, "grid.supply_c", 2.0)
    past.record(2, "gateway.x_w", 3.0)
    past.record(3, "grid.power_w", 4.0)

    assert ["grid.power_w", "grid.supply_c", "grid.power_w"] == [row.point for row in past.ask("grid.*")]
    assert ["gateway.x_w"] == [row.point for row in past.ask("gateway.*")]
    assert [(1, 1.0, 1)] == cells(past.ask("*.power_w", start_s=1, end_s=3))


def test_powers_are_averaged_over_time_not_over_samples(past: Past) -> None:
    past.record(0, "grid.power_w", 100.0)
    past.record(45, "grid.power_w", 500.0)
    past.record(50, "grid.power_w", 600.0)
    past.record(60, "grid.power_w", 0.0)

    assert [(0, (45 * 100 + 5 * 500 + 10 * 600) / 60, 3), (60, 0.0, 1)] == cells(past.ask(every_s=60))


def test_a_span_says_which_share_of_its_known_time_was_good(past: Past) -> None:
    past.record(0, "grid.power_w", 100.0)
    past.record(45, "grid.power_w", 500.0, Quality.BAD)
    past.record(60, "grid.power_w", 600.0)
    past.record(120, "grid.power_w", 0.0)

    assert [(100.0, GOOD, 75.0), (600.0, GOOD, 100.0), (0.0, GOOD, None)] == [
        (row.value, row.quality, row.good_pct) for row in past.ask(every_s=60)
    ]


def test_a_value_holds_until_the_next_and_the_count_says_that_none_came(past: Past) -> None:
    past.record(10, "grid.power_w", 100.0)
    past.record(190, "grid.power_w", 300.0)

    assert [(0, 100.0, 1), (60, 100.0, 0), (120, 100.0, 0), (180, 100.0, 0)] == cells(
        past.ask(end_s=190, every_s=60)
    )


def test_a_value_from_before_the_span_holds_in_it(past: Past) -> None:
    past.record(10, "grid.power_w", 100.0)
    past.record(500, "grid.power_w", 300.0)

    assert [(120, 100.0, 0), (180, 100.0, 0)] == cells(past.ask(start_s=120, end_s=240, every_s=60))


def test_counters_and_states_give_the_last_one(past: Past) -> None:
    for second, value in ((1, 10.0), (20, 30.0), (70, 31.0)):
        past.record(second, "grid.energy_import_wh", value)
        past.record(second, "grid.relay_on", second == 20)

    assert [(0, 30.0, 2), (60, 31.0, 1)] == cells(past.ask("*_wh", every_s=60))
    assert [(0, True, 2), (60, False, 1)] == cells(past.ask("*_on", every_s=60))


def test_values_that_are_not_good_are_no_part_of_a_mean(past: Past) -> None:
    past.record(0, "grid.power_w", 100.0)
    past.record(30, "grid.power_w", 9e9, BAD)
    past.record(120, "grid.power_w", 50.0)
    rows = past.ask(every_s=60, end_s=180)

    assert [(0, 100.0, 2), (60, None, 0), (120, 50.0, 1)] == cells(rows)
    assert [GOOD, BAD, GOOD] == [row.quality for row in rows]
    assert [(0, 100.0, 1), (30, None, 1), (120, 50.0, 1)] == cells(past.ask())


def test_a_bad_counter_keeps_its_last_value_in_the_span_and_has_none_after_it(past: Past) -> None:
    past.record(0, "grid.energy_import_wh", 100.0)
    past.record(30, "grid.energy_import_wh", 0.0, BAD)
    past.record(120, "grid.energy_import_wh", 110.0, Quality.STALE)
    rows = past.ask(every_s=60, end_s=180)

    assert [(0, 100.0, 2), (60, None, 0), (120, 110.0, 1)] == cells(rows)
    assert [GOOD, BAD, Quality.STALE] == [row.quality for row in rows]
    assert [50.0, 0.0] == [row.good_pct for row in rows][:2]


def test_nothing_holds_while_the_daemon_is_off(past: Past) -> None:
    past.record(0, "grid.power_w", 100.0)
    past.record(90, "gateway.x_w", 1.0)
    past.store.close(at(90))
    past.start(600)
    past.record(600, "grid.power_w", 200.0)

    assert [(0, 100.0, 1), (60, 100.0, 0), (600, 200.0, 1)] == cells(past.ask("grid.*", every_s=60))


def test_the_journal_alone_is_read_when_the_disk_takes_nothing(past: Past) -> None:
    past.record(1, "grid.power_w", 1.0)
    past.commit(20)
    past.record(30, "grid.power_w", 3.0)
    hidden = past.path.with_name("hidden")
    past.path.rename(hidden)

    assert [(1, 1.0, 1), (30, 3.0, 1)] == cells(past.ask())
    hidden.rename(past.path)


def test_what_is_damaged_is_left_out(past: Past) -> None:
    for second in range(1, 13):
        past.record(second, "grid.power_w", float(second))
    past.commit(100)
    with sqlite3.connect(past.path) as connection:
        connection.execute("UPDATE chunk SET body = zeroblob(40) WHERE first = 5")
    connection.close()
    shutil.rmtree(past.runtime)  # the journal may still hold what was committed lately

    assert [1, 2, 3, 4, 9, 10, 11, 12] == [row.value for row in past.ask()]


def test_no_history_and_a_closed_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no history at"):
        list(read_history(tmp_path / "history.db", tmp_path, ["*"], 0, 1))
    (tmp_path / "history.db").mkdir()
    with pytest.raises(PermissionError, match="history.db"):
        list(read_history(tmp_path / "history.db", tmp_path, ["*"], 0, 1))


def test_events_are_rows_of_the_stream_event(past: Past) -> None:
    past.store.event("device.silent", "grid is silent", {}, at(5))

    rows = [row.point for row in past.ask("event.*")]
    assert ["event.store.boot_opened", "event.device.silent"] == rows


def test_a_history_without_its_runtime_folder_is_read_as_far_as_committed(past: Past) -> None:
    past.record(1, "grid.power_w", 1.0)
    past.commit(20)
    past.record(30, "grid.power_w", 3.0)
    shutil.rmtree(past.runtime)

    assert [(1, 1.0, 1)] == cells(past.ask())
