"""The history is deleted, moved or replaced under the running daemon."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier.site.records import Now
from quartier.site.samples import Sample, StreamPosition
from quartier.store.deadband import NO_DEADBAND, Deadbands
from quartier.store.history_file import commit_log
from quartier.store.history_store import Store
from quartier_drivers.readings import Quality, Reading, make_readings

START_MS = 1_700_000_000_000


class Running:
    """A store whose folder a test may reach into, and the time that passes in it."""

    def __init__(self, folder: Path, second: int = 0) -> None:
        self.folder, self.second = folder, second
        self.path = folder / "state" / "history.db"
        self.path.parent.mkdir(exist_ok=True)
        exact = Deadbands({"w": NO_DEADBAND})
        self.store = Store(self.path, folder / "run", assets=["grid", "pv1"], deadbands=exact, chunk_count=16)
        self.store.open(self.now)

    @property
    def now(self) -> Now:
        return Now(self.second * 10**9, START_MS + self.second * 1000, synced=True)

    def record(self, *values: float, point: str = "grid.power_w") -> None:
        for value in values:
            self.second += 1
            self.store.record(make_readings([Reading(point, value, Quality.GOOD, 0)], self.now.ns), self.now)

    def pass_time(self, seconds: int = 10) -> None:
        self.second += seconds
        self.store.tick(self.now)
        assert self.store._writer.wait(60.0)
        self.store._is_ready(self.now)

    def commit(self) -> None:
        """What is urgent with it."""
        for _ in range(3):
            self.pass_time()

    def samples(self, stream: str = "grid") -> list[Sample]:
        return [s for run in self.store.runs({}, 100_000) for s in run.rows() if s.stream == stream]

    def values(self) -> list[object]:
        return [sample.value for sample in self.samples()]

    def told(self, metric: str) -> list[dict[str, object]]:
        return [
            json.loads(str(sample.value))["data"]
            for sample in self.samples("event")
            if sample.metric == metric
        ]

    def again(self) -> "Running":
        """After a power cut: only the disk's content is left."""
        self.store._writer.stop(10)
        self.store._chunk_reader.close()
        self.store._ingest.journal.close()
        shutil.rmtree(self.folder / "run")
        return Running(self.folder, self.second + 1)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.store.close(running.now)


def test_what_memory_holds_is_in_the_new_file_and_the_loss_of_the_old_one_is_an_event(
    running: Running,
) -> None:
    running.record(1, 2, 3)
    running.commit()
    running.path.unlink()
    running.record(4)
    running.commit()

    assert [{"kept_as": ""}] == running.told("store.file_lost")
    assert [] == running.told("store.gap")
    again = running.again()
    assert [1, 2, 3, 4] == again.values()
    again.store.close(again.now)


def test_what_stood_only_in_the_file_is_a_gap_counted_and_no_longer_behind(running: Running) -> None:
    running.record(*range(40))
    running.commit()
    running.record(*range(40, 44))
    running.commit()
    assert 32 > len(running.store._ingest.memory["grid"][0]) > 0
    first = running.store._ingest.memory["grid"][0].first
    running.path.unlink()
    running.record(0, point="pv1.power_w")
    running.commit()

    assert first > 1
    assert [("removed", "grid", 1, first - 1)] == [
        (gap["why"], gap["stream"], gap["first"], gap["last"]) for gap in running.told("store.gap")
    ]
    assert first - 1 == running.store.stats["dropped_count"]
    assert list(range(first - 1, 44)) == running.values()
    assert sum(map(len, running.store.runs({}, 1000))) == running.store.stats["backlog_count"]


def test_what_an_older_boot_left_undelivered_is_a_gap_too(running: Running) -> None:
    running.record(*range(20))
    running.record(*range(5), point="pv1.power_w")
    old = running.store.boot
    running.store.close(running.now)
    again = Running(running.folder, running.second + 1)
    again.commit()
    again.store.trim({"grid": StreamPosition(old, 12), "pv1": StreamPosition(old, 5)})
    again.commit()
    again.path.unlink()
    again.record(0)
    again.commit()

    assert [("grid", old, 13, 20)] == [
        (gap["stream"], gap["boot"], gap["first"], gap["last"])
        for gap in again.told("store.gap")
        if gap["stream"] != "event"
    ]
    final = again.again()
    assert {"grid": StreamPosition(old, 12), "pv1": StreamPosition(old, 5)} == final.store.marks
    assert old < again.store.boot < final.store.boot
    final.store.close(final.now)


def test_a_file_put_in_its_place_is_kept_beside_and_never_written_to(
    running: Running, tmp_path: Path
) -> None:
    running.record(1, 2, 3)
    running.commit()
    other = tmp_path / "other"
    other.write_bytes(running.path.read_bytes())
    wanted = other.read_bytes()
    other.replace(running.path)
    running.record(4)
    running.commit()

    (told,) = running.told("store.file_lost")
    assert wanted == running.path.with_name(str(told["kept_as"])).read_bytes()
    assert [1, 2, 3, 4] == running.again().values()


def test_a_folder_that_vanishes_and_comes_back_costs_nothing_that_memory_holds(running: Running) -> None:
    running.record(1, 2, 3)
    running.commit()
    shutil.rmtree(running.path.parent)
    running.record(4)
    running.pass_time()
    assert running.store.stats["error"]
    running.path.parent.mkdir()
    for _ in range(4):
        running.pass_time(60)

    assert ("", 1) == (running.store.stats["error"], len(running.told("store.file_lost")))
    assert [1, 2, 3, 4] == running.again().values()


def test_a_tail_that_is_removed_while_in_use_is_written_again(running: Running) -> None:
    running.record(1, 2, 3)
    running.commit()
    running.record(4)
    running.commit()
    assert commit_log.list_log_files(running.path)
    commit_log.remove_log_files(running.path)
    running.record(5)
    for _ in range(4):
        running.pass_time(60)

    assert ("", 0) == (running.store.stats["error"], running.store.stats["pending_count"])
    assert [1, 2, 3, 4, 5] == running.again().values()


def test_a_reader_of_the_old_file_does_not_take_the_new_ones_log_with_it(running: Running) -> None:
    running.record(*range(64))
    running.commit()
    running.commit()
    assert 64 == len(running.values())  # read from the file, which is then open for reading
    running.path.unlink()
    running.record(64)
    running.commit()
    running.record(65)
    running.commit()

    log = running.path.with_name("history.db-wal").stat().st_ino
    assert log in [
        os.fstat(int(link.name)).st_ino for link in Path("/proc/self/fd").iterdir() if link.exists()
    ]
    assert [65] == running.again().values()[-1:]
