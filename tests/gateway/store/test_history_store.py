import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import pytest

from quartier.site.records import Now
from quartier.site.samples import Sample, SampleBlock, StreamPosition
from quartier.store.deadband import NO_DEADBAND, Deadbands
from quartier.store.history_file.database import Database
from quartier.store.history_file.eviction import PAGE_BYTES
from quartier.store.history_store import Store
from quartier.store.outbox import ALL_TRIMMED
from quartier_drivers.readings import Quality, Reading, make_readings

START_MS = 1_700_000_000_000
EXACT = Deadbands({"w": NO_DEADBAND, "count": NO_DEADBAND})
RECORDER = Path(__file__).with_name("recorder.py")
KILLS = 1000 if os.environ.get("QUARTIER_TORTURE") == "full" else 50


def at(seconds: float) -> Now:
    return Now(int(seconds * 1e9), START_MS + int(seconds * 1000), synced=True)


def power(value: float, now: Now, point: str = "grid.power_w") -> Reading:
    return Reading(point, value, Quality.GOOD, now.ns)


def rows(runs: list[SampleBlock]) -> list[Sample]:
    """All samples, oldest first."""
    return sorted((sample for run in runs for sample in run.rows()), key=attrgetter("taken_utc_ms"))


class House:
    """A store in folders of a test, and the time that passes in it."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.path = folder / "state" / "history.db"
        self.runtime = folder / "run"
        self.path.parent.mkdir(exist_ok=True)
        self.settings = {"assets": ["grid", "bat1"], "deadbands": EXACT, **settings}
        self.store = Store(self.path, self.runtime, **self.settings)
        self.second = 0.0

    def open(self) -> int:
        return self.store.open(at(self.second))

    def pass_time(self, seconds: float) -> None:
        """Ticks once, lets the writer finish, and takes in what it reports."""
        self.second += seconds
        self.store.tick(at(self.second))
        assert self.store._writer.wait(60.0)
        self.store._is_ready(at(self.second))

    def record(self, *values: float, point: str = "grid.power_w") -> None:
        for value in values:
            self.second += 0.001
            self.tell([power(value, at(self.second), point)])

    def tell(self, readings: list[Reading]) -> int:
        now = at(self.second)
        return self.store.record(make_readings(readings, now.ns), now)

    def die(self) -> None:
        """What a killed process leaves: no more commits, files as they are."""
        assert self.store._writer.wait(60.0)
        self.store._writer.stop(10)
        self.store._ingest.journal.close()
        self.store._chunk_reader.close()

    def again(self, **settings: object) -> "House":
        self.second += 1
        house = House(self.folder, **{**self.settings, **settings})
        house.second = self.second
        house.open()
        return house

    def values(self, stream: str = "grid") -> list[object]:
        return [sample.value for sample in self.samples() if sample.stream == stream]

    def samples(self) -> list[Sample]:
        """All but the events that open and close boots."""
        found = rows(self.store.runs({}, 1_000_000))
        return [sample for sample in found if not sample.metric.startswith("store.boot_")]

    def gaps(self) -> list[str]:
        return [str(sample.value) for sample in self.samples() if sample.metric == "store.gap"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.open()
    yield house
    house.store.close(at(house.second + 1))


def test_samples_are_numbered_from_one_without_holes_across_the_metrics_of_a_stream(house: House) -> None:
    house.tell([power(1.0, at(1)), power(2.0, at(1), "bat1.power_w"), power(3.0, at(1), "grid.power_l1_w")])

    assert [("bat1", 1, "power_w"), ("grid", 1, "power_w"), ("grid", 2, "power_l1_w")] == sorted(
        (sample.stream, sample.seq, sample.metric) for sample in house.samples()
    )
    heads = {"grid": 2, "bat1": 1, "event": 1}
    assert {
        stream: StreamPosition(house.store.boot, seq) for stream, seq in heads.items()
    } == house.store.heads()


def test_points_of_buses_devices_and_the_gateway_are_of_the_stream_node_under_their_full_name(
    house: House,
) -> None:
    house.tell([Reading("rs485.slack_pct", 12.5, Quality.GOOD, 0)])

    assert [("node", "rs485.slack_pct")] == [(sample.stream, sample.metric) for sample in house.samples()]


def test_the_time_of_a_sample_is_that_of_its_reading(house: House) -> None:
    house.store.record(make_readings([power(1.0, at(2.5))], at(2.5).ns), at(4))

    assert [START_MS + 2500] == [sample.taken_utc_ms for sample in house.samples()]


def test_values_and_qualities_survive_commit_seal_and_restart(tmp_path: Path) -> None:
    house = House(tmp_path, chunk_count=16)
    house.open()
    values = [1.5, float("inf"), -0.0, True, 7, 2**60, -(2**70), "é\n\x00\ud800", ""]
    for number in range(4):
        for index, value in enumerate(values):
            house.second += 0.001
            quality = list(Quality)[(index + number) % 3]
            house.tell([Reading(f"grid.x{index}_text", value, quality, 0)])
        house.pass_time(10)
    before = house.samples()
    house.store.close(at(house.second))
    house = house.again()

    after = [sample for sample in house.samples() if sample.stream == "grid"]
    assert before == after
    assert [type(sample.value) for sample in before] == [type(sample.value) for sample in after]
    house.store.close(at(house.second))


def test_a_watermark_trims_what_it_covers_and_nothing_else(house: House) -> None:
    house.record(1, 2, 3, 4)

    house.store.trim({"grid": StreamPosition(house.store.boot, 3)})

    assert 2 == house.store.stats["backlog_count"], "the sample, and the event that opens the boot"
    left = rows(house.store.runs({**house.store.marks, "event": ALL_TRIMMED}, 10))
    assert [4] == [sample.value for sample in left]


@pytest.mark.parametrize("mark", [StreamPosition(1, 99), StreamPosition(2**63, 1)])
def test_a_watermark_beyond_what_was_numbered_or_behind_the_last_one_is_not_believed(
    house: House, mark: StreamPosition
) -> None:
    house.record(1, 2, 3)
    house.store.trim({"grid": StreamPosition(house.store.boot, 2)})

    house.store.trim({"grid": mark, "nobody": StreamPosition(1, 1)})
    house.store.trim({"grid": StreamPosition(house.store.boot, 4)})

    assert {"grid": StreamPosition(house.store.boot, 2)} == house.store.marks


def test_marks_survive_a_restart(house: House) -> None:
    house.record(1, 2, 3)
    boot = house.store.boot
    house.store.trim({"grid": StreamPosition(boot, 2)})
    house.pass_time(10)
    house.die()
    again = house.again()

    assert {"grid": StreamPosition(boot, 2)} == again.store.marks
    assert [3] == [
        sample.value for sample in rows(again.store.runs(again.store.marks, 10)) if sample.stream == "grid"
    ]
    events = 3  # the first boot is opened and closed, the second opened
    assert 1 + events == again.store.stats["backlog_count"]
    again.store.close(at(again.second))


def test_samples_come_oldest_first_across_streams_and_in_sequence_within_one(tmp_path: Path) -> None:
    house = House(tmp_path, chunk_count=16)
    house.open()
    for number in range(200):
        house.record(number, point=("grid.power_w", "bat1.power_w", "gateway.x_count")[number % 3])
        if number % 50 == 0:
            house.pass_time(10)

    assert list(range(200)) == [sample.value for sample in house.samples()]
    assert list(range(30)) == [sample.value for sample in rows(house.store.runs({"event": ALL_TRIMMED}, 30))]
    house.store.close(at(house.second))


def test_paging_through_the_backlog_delivers_each_key_once(tmp_path: Path) -> None:
    house = House(tmp_path, chunk_count=16)
    house.open()
    for number in range(300):
        house.record(number, point=("grid.power_w", "bat1.power_w")[number % 2])
        if number % 40 == 0:
            house.pass_time(10)
    house.die()
    house = house.again()
    marks: dict[str, StreamPosition] = {}
    found = []
    while page := rows(house.store.runs(marks, 7)):
        found += [sample.value for sample in page if sample.stream != "event"]
        marks |= {sample.stream: StreamPosition(sample.boot, sample.seq) for sample in page}

    assert list(range(300)) == sorted(found)
    house.store.close(at(house.second))


def test_streams_that_stay_in_the_building_are_kept_but_not_offered(tmp_path: Path) -> None:
    house = House(tmp_path, local_streams=["grid"])
    house.open()
    house.record(1, 2)
    house.record(5, point="bat1.power_w")

    assert [5] == [sample.value for sample in house.samples()]
    assert 2 == house.store.stats["backlog_count"], "the sample, and the event that opens the boot"
    house.store.close(at(house.second))


def test_without_a_district_nothing_is_offered_and_nothing_is_behind(tmp_path: Path) -> None:
    house = House(tmp_path, outbox=False)
    house.open()
    house.record(1, 2)

    assert [] == house.samples()
    assert 0 == house.store.stats["backlog_count"]
    house.store.close(at(house.second))


def test_an_event_is_committed_at_once(house: House) -> None:
    house.pass_time(10)
    house.store.event("device.silent", "grid is silent", {"age_s": 12}, at(house.second))
    assert house.store._writer.wait(60.0)
    house.die()
    shutil.rmtree(house.runtime)

    assert '{"data":{"age_s":12},"text":"grid is silent"}' in [
        sample.value for sample in house.again().samples() if sample.metric == "device.silent"
    ]


def test_a_killed_process_loses_nothing_and_leaves_no_gap(house: House) -> None:
    house.record(1, 2, 3)
    house.pass_time(10)
    house.record(4, 5)
    house.die()
    again = house.again()

    assert [1, 2, 3, 4, 5] == again.values()
    assert [] == again.gaps()
    again.store.close(at(again.second))


def test_a_power_cut_costs_what_was_not_committed_and_one_gap_record_says_so(house: House) -> None:
    house.record(1, 2, 3)
    house.pass_time(10)
    house.record(4, 5)
    boot = house.store.boot
    house.die()
    shutil.rmtree(house.runtime)
    again = house.again()

    assert [1, 2, 3] == again.values()
    (gap,) = again.gaps()
    assert f'"boot":{boot}' in gap
    assert '"why":"power-cut"' in gap
    assert '"firsts":{"event":2,"grid":4}' in gap
    again.die()
    assert 1 == len(again.again().gaps())


def test_a_clean_stop_needs_no_journal(house: House) -> None:
    house.record(1, 2, 3)

    assert house.store.close(at(1))
    assert [] == list((house.runtime / "journal").iterdir())
    shutil.rmtree(house.runtime)
    again = house.again()
    assert [1, 2, 3] == again.values()
    assert [] == again.gaps()
    again.store.close(at(again.second))


def test_the_boot_rises_even_when_one_of_its_two_places_is_lost(house: House) -> None:
    first = house.store.boot
    house.die()
    shutil.rmtree(house.runtime)
    house.path.with_name("history.db.boot").write_text("garbage")
    house.second = -1_000_000
    second = house.again()
    second.die()
    shutil.rmtree(house.runtime)
    house.path.unlink()
    house.second = -1_000_000
    third = house.again()

    assert (first + 1, first + 2) == (second.store.boot, third.store.boot)
    third.store.close(at(0))


def test_a_file_that_is_no_database_is_set_aside_and_the_store_starts(house: House) -> None:
    house.record(1, 2, 3)
    house.store.close(at(1))
    house.path.write_bytes(b"no database at all" * 1000)
    again = house.again()
    again.record(4)
    again.pass_time(10)

    assert [4] == again.values()
    assert ["history.db.damaged-20231114T221321Z"] == [
        path.name for path in house.path.parent.glob("*damaged*") if path.suffix not in {"-wal", "-shm"}
    ]
    assert again.store.stats["set_aside"]
    assert '"why":"damaged"' in again.gaps()[0]
    again.store.close(at(again.second))


@pytest.mark.parametrize("how", ["zero", "flip", "cut"])
def test_any_damaged_page_costs_no_more_than_what_stood_there_and_is_named(tmp_path: Path, how: str) -> None:
    origin = House(tmp_path, chunk_count=64)
    origin.open()
    wanted: dict[tuple[str, int, int], object] = {}
    for number in range(1500):
        origin.record(number + 0.25, point=("grid.power_w", "bat1.power_w")[number % 2])
        if number % 100 == 0:
            origin.pass_time(10)
    origin.store.close(at(origin.second))
    origin = origin.again()
    origin.store.close(at(origin.second))
    content = origin.path.read_bytes()
    wanted = {key(sample): sample.value for sample in origin.again().samples() if sample.stream != "event"}
    assert 1500 == len(wanted)
    dice = random.Random(how)
    for page in range(len(content) // PAGE_BYTES):
        folder = tmp_path / f"{how}{page}"
        (folder / "state").mkdir(parents=True)
        (folder / "state" / "history.db").write_bytes(damaged(content, page, how, dice))
        house = House(folder, chunk_count=64)
        house.second = origin.second + 100
        house.open()
        house.record(9e9)
        for _ in range(3):
            house.pass_time(10)
            house.samples()
        house.pass_time(10)
        while house.store._writer._salvage:
            house.pass_time(10)
        house.pass_time(10)
        found = [sample for sample in house.samples() if sample.stream != "event"]
        old = [sample for sample in found if sample.boot != house.store.boot]

        assert len({key(sample) for sample in found}) == len(found)
        assert {key(sample): sample.value for sample in old}.items() <= wanted.items()
        assert 9e9 in [sample.value for sample in found]
        if how != "cut" and page:
            assert len(old) >= 1500 - 3 * 64 or house.gaps(), f"page {page}: {len(old)} left"
        if len(old) < len(wanted):
            assert house.gaps(), f"page {page}: {len(wanted) - len(old)} samples missing, and nothing says so"
        house.store.close(at(house.second))
        shutil.rmtree(folder)


def key(sample: Sample) -> tuple[str, int, int]:
    return sample.stream, sample.boot, sample.seq


def damaged(content: bytes, page: int, how: str, dice: random.Random) -> bytes:
    start = page * PAGE_BYTES
    if how == "zero":
        return content[:start] + bytes(PAGE_BYTES) + content[start + PAGE_BYTES :]
    if how == "cut":
        return content[: start + dice.randrange(PAGE_BYTES)]
    where = start + dice.randrange(PAGE_BYTES)
    return content[:where] + bytes([content[where] ^ 1 << dice.randrange(8)]) + content[where + 1 :]


def test_killed_at_random_moments_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    reported: dict[int, int] = defaultdict(int)
    dice = random.Random(20261125)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, str(RECORDER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(KILLS):
            process.stdin.write(f"{tmp_path} {tmp_path / 'run'} {number}\n".encode())
            left, pid = dice.randrange(1, 250), 0
            for line in iter(process.stdout.readline, b""):
                word, *numbers = line.split()
                if word == b"dead":
                    break
                if word == b"pid":
                    pid = int(numbers[0])
                else:
                    boot, step = map(int, numbers)
                    reported[boot] = step
                    left -= 1
                    if not left:
                        os.kill(pid, signal.SIGKILL)
        process.stdin.close()
    house = House(tmp_path, assets=["grid"])
    house.store = Store(tmp_path / "history.db", tmp_path / "run", assets=["grid"])
    house.store.open(at(KILLS * 60))
    found: dict[tuple[int, str], list[Sample]] = defaultdict(list)
    for sample in house.samples():
        found[sample.boot, sample.stream].append(sample)

    assert KILLS == len(reported)
    for boot, steps in reported.items():
        grid, node = found[boot, "grid"], found[boot, "node"]
        assert 2 * steps <= len(grid)
        assert steps <= len(node)
        assert list(range(1, len(grid) + 1)) == [sample.seq for sample in grid]
        assert [boot % 1000 + sample.seq / 8 for sample in grid] == [sample.value for sample in grid]
        assert list(range(1, len(node) + 1)) == [sample.seq for sample in node]
        assert [f"é{boot}.{sample.seq}" for sample in node] == [sample.value for sample in node]
    assert [] == house.gaps()
    house.store.close(at(KILLS * 60 + 1))


def test_while_the_disk_is_absent_the_store_goes_on_and_catches_up(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.path.parent.rmdir()
    house.open()
    house.record(1, 2, 3)
    house.pass_time(10)
    assert not house.store.stats["is_open"]
    assert house.store.stats["error"]
    assert [1, 2, 3] == house.values()

    house.path.parent.mkdir()
    for _ in range(20):
        house.pass_time(10)

    assert (0, "") == (house.store.stats["pending_count"], house.store.stats["error"])
    house.die()
    shutil.rmtree(house.runtime)
    assert [1, 2, 3] == house.again().values()


def test_a_full_disk_stops_nothing_says_so_and_loses_nothing_once_there_is_room(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    house = House(tmp_path)
    house.open()
    house.record(*range(100))
    house.pass_time(10)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal_bytes = house.path.with_name("history.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal_bytes + 100, limits[1]))
    try:
        house.record(*range(100, 200))
        house.store.event("door.opened", "a name that the file does not know", {}, at(house.second))
        house.pass_time(10)
        failed = dict(house.store.stats)
        house.record(*range(200, 300))
        house.pass_time(10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (True, True) == (failed["commits_failed_count"] > 0, bool(failed["error"]))
    assert "store.disk_failed" in [sample.metric for sample in house.samples()]
    for _ in range(10):
        house.pass_time(60)

    assert (0, 0, "") == tuple(
        house.store.stats[name] for name in ("pending_count", "dropped_count", "error")
    )
    assert "store.disk_back" in [sample.metric for sample in house.samples()]
    house.die()
    shutil.rmtree(house.runtime)
    assert list(range(300)) == house.again().values()


def test_memory_stays_bounded_while_the_disk_is_away_and_drops_are_counted_and_named(tmp_path: Path) -> None:
    house = House(tmp_path, pending_max_count=100, chunk_count=16)
    house.path.parent.rmdir()
    house.open()
    for start in range(0, 2000, 50):
        house.record(*range(start, start + 50))
        house.pass_time(60)
        assert 200 >= house.store.stats["pending_count"]
    dropped = house.store.stats["dropped_count"]
    house.path.parent.mkdir()
    for _ in range(20):
        house.pass_time(60)

    assert dropped > 1700
    assert list(range(dropped, 2000)) == house.values()
    spans = [json.loads(gap)["data"] for gap in house.gaps()]
    assert dropped == sum(span["count"] for span in spans)
    assert {"dropped"} == {span["why"] for span in spans}
    assert 100_000 > sum(path.stat().st_size for path in (house.runtime / "journal").iterdir())
    house.store.close(at(house.second))


def test_what_was_evicted_unseen_reaches_the_district_as_an_event(tmp_path: Path) -> None:
    dice = random.Random(1)
    house = House(tmp_path, size_max_bytes=100_000, chunk_count=256)
    house.open()
    for _ in range(60):
        house.record(*(dice.random() for _ in range(256)))
        house.pass_time(10)
    house.pass_time(10)
    stats = house.store.stats
    spans = [json.loads(gap)["data"] for gap in house.gaps()]
    kept = [sample.seq for sample in house.samples() if sample.stream == "grid"]

    assert {"evicted"} == {span["why"] for span in spans}
    assert stats["evicted_count"] == sum(span["count"] for span in spans) == kept[0] - 1
    assert 100_000 >= stats["used_bytes"]
    assert len(kept) + len(house.gaps()) + 1 == stats["backlog_count"], "one more event opens the boot"
    house.store.close(at(house.second))


def test_a_chunk_found_damaged_while_running_is_skipped_named_and_removed(tmp_path: Path) -> None:
    house = House(tmp_path, chunk_count=16)
    house.open()
    house.record(*range(48))
    for _ in range(3):
        house.pass_time(10)
        house.record(1000)
    with sqlite3.connect(house.path) as connection:
        connection.execute("UPDATE chunk SET body = zeroblob(90) WHERE first = 17")
    connection.close()
    house.values()
    house.pass_time(10)

    assert [*range(16), *range(32, 48)] == house.values()[:32]
    (gap,) = house.gaps()
    assert {"why": "damaged", "first": 17, "last": 32}.items() <= json.loads(gap)["data"].items()
    house.die()
    again = house.again()
    assert 1 == len(again.gaps())
    again.store.close(at(again.second))


def test_a_file_damaged_while_running_is_replaced_and_what_memory_and_file_hold_is_kept(
    tmp_path: Path,
) -> None:
    house = House(tmp_path, chunk_count=16)
    house.open()
    for start in range(0, 200, 20):
        house.record(*range(start, start + 20))
        house.pass_time(10)
    with sqlite3.connect(house.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'tail'")
        connection.execute("PRAGMA schema_version = 99")
    connection.close()
    for start in range(200, 300, 20):
        house.record(*range(start, start + 20))
        house.pass_time(10)
    while house.store._writer._salvage:
        house.pass_time(10)
    house.pass_time(10)

    assert house.store.stats["set_aside"]
    assert list(range(300)) == house.values()
    house.die()
    shutil.rmtree(house.runtime)
    again = house.again()
    assert list(range(300)) == again.values()
    again.store.close(at(again.second))


def test_a_re_read_site_file_makes_an_owner_a_stream_of_its_own(house: House) -> None:
    house.record(1, point="pv1.power_w")
    house.store.set_assets(["grid", "pv1"], ["grid"])
    house.record(2, point="pv1.power_w")

    assert [("node", "pv1.power_w"), ("pv1", "power_w")] == [
        (sample.stream, sample.metric) for sample in house.samples()
    ]


def test_recording_in_a_runtime_folder_that_vanished_goes_on_without_a_journal(house: House) -> None:
    shutil.rmtree(house.runtime)
    house.record(1, 2)
    house.pass_time(10)
    house.record(3)

    assert [1, 2, 3] == house.values()


def told(house: House, code: str) -> list[dict[str, object]]:
    events = rows(house.store.runs({}, 1_000_000))
    return [json.loads(str(sample.value))["data"] for sample in events if sample.metric == code]


def test_what_a_killed_boot_left_is_committed_before_anything_else(house: House) -> None:
    house.record(1, 2, 3)
    house.die()
    again = house.again()  # and not a cycle more
    assert [] == [
        path for path in (house.runtime / "journal").iterdir() if str(house.store.boot) in path.name
    ]
    again.die()
    shutil.rmtree(house.runtime)

    third = again.again()
    assert [1, 2, 3] == third.values()
    (gap,) = third.gaps()
    assert f'"boot":{again.store.boot}' in gap
    third.store.close(at(third.second))


def test_where_a_boot_begins_and_ends_is_told(house: House) -> None:
    house.record(1, 2, 3)
    first = house.store.boot
    house.die()
    second = house.again()
    second.record(4)
    boot = second.store.boot
    second.store.close(at(second.second))
    third = second.again()

    assert [(first, 0), (boot, first), (third.store.boot, boot)] == [
        (data["boot"], data["after"]) for data in told(third, "store.boot_opened")
    ]
    events = [sample for sample in rows(third.store.runs({}, 1000)) if sample.stream == "event"]
    assert {1} == {sample.seq for sample in events if sample.metric == "store.boot_opened"}
    ended = {"event": 3, "grid": 1}  # opened, told of the first, and closed
    assert [(first, {"event": 1, "grid": 3}), (boot, ended), (boot, ended)] == [
        (data["boot"], data["lasts"]) for data in told(third, "store.boot_closed")
    ]
    third.store.close(at(third.second))


def test_each_boot_of_a_crash_loop_whose_journal_vanished_gets_one_record_and_no_more(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.open()
    lost = []
    for number in range(12):
        house.record(number)
        if number % 3 == 0:
            house.pass_time(10)
        house.die()
        if number % 2:
            shutil.rmtree(house.runtime)
            lost.append(house.store.boot)
        house = house.again()

    assert lost == [json.loads(gap)["data"]["boot"] for gap in house.gaps()]
    kept = [number for number in range(12) if number % 2 == 0 or number % 3 == 0]
    assert kept == house.values()
    house.store.close(at(house.second))


def test_boots_that_no_disk_took_are_known_by_the_file_of_numbers_and_told_one_by_one(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.open()
    house.record(1)
    house.store.close(at(house.second))
    house.path.rename(tmp_path / "hidden")
    house.path.mkdir()  # no file can be opened there
    lost = []
    for number in range(3):
        house = house.again()
        house.record(number)
        assert not house.store.is_whole
        house.die()
        shutil.rmtree(house.runtime)
        lost.append(house.store.boot)
    house.path.rmdir()
    (tmp_path / "hidden").rename(house.path)
    house = house.again()

    assert house.store.is_whole
    assert lost == [json.loads(gap)["data"]["boot"] for gap in house.gaps()]
    house.store.close(at(house.second))


def test_a_journal_that_cannot_be_read_just_now_is_read_later_and_nothing_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.record(1, 2, 3)
    house.die()
    whole = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.suffix == ".journal":
            raise OSError(errno.EMFILE, "too many open files")
        return whole(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        again = house.again()
        assert "too many open files" in again.store.stats["error"]
        again.record(4)
        again.pass_time(10)
    again.pass_time(10)

    assert [1, 2, 3, 4] == again.values()
    assert ([], "") == (again.gaps(), again.store.stats["error"])
    again.store.close(at(again.second))


def test_a_removed_history_is_told_though_the_start_that_found_out_was_killed_before_it_could(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    house.open()
    house.record(1, 2, 3)
    house.store.close(at(house.second))
    for path in house.path.parent.glob("history.db*"):
        if path.suffix != ".boot":
            path.unlink()
    killed = Database(house.path, 1_000_000)  # a start that came no further
    killed.open(had_history=True)
    killed.close()
    again = house.again()

    assert ["removed"] == [json.loads(gap)["data"]["why"] for gap in again.gaps()]
    again.store.close(at(again.second))
