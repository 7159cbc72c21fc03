"""Bytes and CPU of a commit against rows and a bare append; a long history made for other measurements;
memory over days of samples.

``run_fill`` and ``run_aging`` are the entry points of processes of their own.
"""

import os
import random
import shutil
import sqlite3
import struct
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier.store.deadband import Deadband, Deadbands
from quartier.store.history_store import Store
from quartier_bench import measured_process
from quartier_bench.speed.measurement import Figure, Setting, make_comparison, make_single_figure
from quartier_drivers.readings import FLOAT, QUALITIES, Layout, Quality, Readings

COMMIT_POINTS, COMMIT_PERIOD_S = 200, 10
_DAY_POINTS, _DAY_MAX_MB, _DAY_S = 500, 200.0, 86_400
# Chunks of 512 samples are sealed on the way: what that writes belongs to it.
# All sides are at rest before each commit, as in a house: in a row, one finds the kernel's code where it was.
_COMMITS, _COMMITS_SHORT = 600, 150
_CHUNK_COUNT = 512
_REST_S = 0.0005
_COMMIT_TIMEOUT_S = 30.0
_START_UTC_MS = 1_780_000_000_000
_ROW_SCHEMA = """\
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE sample
  (point INTEGER, boot INTEGER, seq INTEGER, taken_utc_ms INTEGER, value REAL, quality INTEGER);
"""
_SAMPLE_FORMAT = struct.Struct("<qd")


def measure_commit(setting: Setting) -> list[Figure]:
    """Bytes and CPU of the store's commits, of rows, and of appends of the same samples."""
    commits = _COMMITS_SHORT if setting.short else _COMMITS
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "rows": [], "bare": []}
    day_mb = []
    for number in range(setting.rounds):
        setting.say(f"commit, round {number + 1}")
        columns = list(generate_values(commits))
        for name, measure in (("ours", _measure_store), ("rows", _measure_rows), ("bare", _measure_append)):
            found[name].append(measure(setting.make_scratch_folder(name), columns))
        spent, _ = _measure_store(
            setting.make_scratch_folder("day"), list(generate_values(commits, _DAY_POINTS))
        )
        day_mb.append(spent * _DAY_S / COMMIT_PERIOD_S / 1e6)
    bytes_of = {name: [one[0] / 1000 for one in rounds] for name, rounds in found.items()}
    cpu_of = {name: [1e6 * one[1] for one in rounds] for name, rounds in found.items()}
    what = f"a commit of {COMMIT_POINTS} points"
    rows, bare = "rows in a rowid table", "append and fdatasync"
    return [
        make_comparison(
            "commit.bytes",
            f"written by {what}",
            bytes_of["ours"],
            bytes_of["rows"],
            "kB",
            0.75,
            peer_name=rows,
        ),
        make_comparison(
            "commit.cpu", f"CPU of {what}", cpu_of["ours"], cpu_of["bare"], "µs", 1.5, peer_name=bare
        ),
        make_comparison(
            "commit.cpu_rows", f"CPU of {what}", cpu_of["ours"], cpu_of["rows"], "µs", None, peer_name=rows
        ),
        make_single_figure(
            "commit.day",
            f"written a day, {_DAY_POINTS} points each {COMMIT_PERIOD_S} s",
            day_mb,
            "MB",
            _DAY_MAX_MB,
        ),
    ]


def generate_values(commits: int, points: int = COMMIT_POINTS) -> Iterator["array[float]"]:
    """Yield what ``points`` meters show at each commit: walks in tenths, every value another one."""
    rng = random.Random(7)  # noqa: S311 - values that can be repeated, no secret
    tenths = [rng.randrange(50_000) for _ in range(points)]
    for _ in range(commits):
        tenths = [value + rng.choice((-23, -7, -1, 1, 2, 5, 19)) for value in tenths]
        yield array("d", [value / 10 for value in tenths])


@contextmanager
def open_store(
    folder: Path, *, commit_s: float = COMMIT_PERIOD_S, outbox: bool = False, points: int = COMMIT_POINTS
) -> Iterator[tuple[Store, Layout]]:
    """A store on disk whose journal lies in memory, as /run does, and the layout of its points."""
    memory = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
    runtime = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else folder))
    names = tuple(f"meter{at // 10}.r{at % 10}_w" for at in range(points))
    store = Store(
        folder / "history.db",
        runtime,
        commit_s=commit_s,
        chunk_count=_CHUNK_COUNT,
        deadbands=Deadbands({"w": Deadband()}),
        assets=tuple(dict.fromkeys(name.partition(".")[0] for name in names)),
        outbox=outbox,
    )
    try:
        store.open(make_moment(0))
        yield store, Layout(names, bytes([FLOAT]) * points)
    finally:
        shutil.rmtree(runtime, ignore_errors=True)


def make_moment(at_s: float) -> Now:
    """The house's time so many seconds after the start."""
    return Now(int(at_s * 1e9), _START_UTC_MS + int(at_s * 1000), synced=True)


def await_commit(store: Store, now: Now, wanted: int) -> None:
    """Wait until the store counts ``wanted`` commits.  Raises RuntimeError when it does not."""
    until_s = time.monotonic() + _COMMIT_TIMEOUT_S
    while store.stats["commits_count"] < wanted:
        if time.monotonic() > until_s:
            raise RuntimeError(f"the store does not commit: {store.stats['error'] or 'no error told'}")
        time.sleep(_REST_S)
        store.tick(now)


def _measure_store(folder: Path, columns: list["array[float]"]) -> tuple[float, float]:
    """Bytes and CPU in s a commit: what is handed over on the loop, and all that the writer's thread does."""
    points = len(columns[0])
    good = bytes([QUALITIES.index(Quality.GOOD)]) * points
    with open_store(folder, points=points) as (store, layout):
        store.record(Readings(layout, columns[0], good, 0), make_moment(0))
        commits = int(store.stats["commits_count"])
        before, cpu_s = read_written_bytes(), 0.0
        for at, values in enumerate(columns, start=1):
            now = make_moment(at * COMMIT_PERIOD_S)
            store.record(Readings(layout, values, good, now.ns), now)
            process_s, thread_s, loop_s = time.process_time(), time.thread_time(), time.thread_time()
            store.tick(now)
            loop_s = time.thread_time() - loop_s
            await_commit(store, now, commits + at)
            writer_s = time.process_time() - process_s - (time.thread_time() - thread_s)
            cpu_s += loop_s + writer_s
        spent = read_written_bytes() - before
        store.close(make_moment(len(columns) * COMMIT_PERIOD_S))
    return spent / len(columns), cpu_s / len(columns)


def _measure_rows(folder: Path, columns: list["array[float]"]) -> tuple[float, float]:
    database = sqlite3.connect(folder / "rows.db")
    database.executescript(_ROW_SCHEMA)
    before, spent_s = read_written_bytes(), 0.0
    for at, values in enumerate(columns):
        time.sleep(_REST_S)
        before_s = time.process_time()
        taken_ms = _START_UTC_MS + at * COMMIT_PERIOD_S * 1000
        rows = ((point, 1, at, taken_ms, value, 192) for point, value in enumerate(values))
        with database:
            database.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", rows)
        spent_s += time.process_time() - before_s
    spent = read_written_bytes() - before
    database.close()
    return spent / len(columns), spent_s / len(columns)


def _measure_append(folder: Path, columns: list["array[float]"]) -> tuple[float, float]:
    file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    before, spent_s = read_written_bytes(), 0.0
    for at, values in enumerate(columns):
        time.sleep(_REST_S)
        before_s = time.process_time()
        taken_ms = _START_UTC_MS + at * COMMIT_PERIOD_S * 1000
        os.write(file, b"".join([_SAMPLE_FORMAT.pack(taken_ms, value) for value in values]))
        os.fdatasync(file)
        spent_s += time.process_time() - before_s
    spent = read_written_bytes() - before
    os.close(file)
    return spent / len(columns), spent_s / len(columns)


def read_written_bytes() -> int:
    """Bytes that this process has had written to disks: pages, as the kernel counts them (proc(5), io)."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(": ")
        if name == "write_bytes":
            return int(value)
    return 0


HISTORY_POINTS = 500
# So many rows are drawn, and come again: what they hold is no matter, how many chunks they make is.
_DISTINCT_ROWS, _ROWS_PER_COMMIT = 1_009, 100


def run_fill() -> None:
    """``filling FOLDER SAMPLES``: prints how many samples the history in FOLDER holds then."""
    sys.stdout.write(f"{fill_history(Path(sys.argv[1]), int(sys.argv[2]))}\n")
    sys.stdout.flush()


def fill_history(folder: Path, samples: int) -> int:
    """Keep at least so many samples of ``POINTS`` points, none of them delivered; returns how many.

    Raises RuntimeError where the store does not take them.
    """
    rows = list(generate_values(_DISTINCT_ROWS, HISTORY_POINTS))
    good = bytes([QUALITIES.index(Quality.GOOD)]) * HISTORY_POINTS
    each_s = COMMIT_PERIOD_S * _ROWS_PER_COMMIT
    with open_store(folder, commit_s=each_s, outbox=True, points=HISTORY_POINTS) as (store, layout):
        commits, kept, step = int(store.stats["commits_count"]), 0, 0
        while kept < samples:
            for _ in range(_ROWS_PER_COMMIT):
                step += 1
                now = make_moment(step * COMMIT_PERIOD_S)
                kept += store.record(Readings(layout, rows[step % _DISTINCT_ROWS], good, now.ns), now)
            commits += 1
            store.tick(now)
            await_commit(store, now, commits)
        if not store.close(now):
            raise RuntimeError("the store did not close")
    return kept


_AGING_PERIOD_S = 60
_AGING_HOUR_S, _AGING_DAY_S = 3_600, 86_400


def run_aging() -> None:
    """``aging FOLDER DAYS``: prints MiB after an hour, a day and DAYS, on one line."""
    folder, days = Path(sys.argv[1]), float(sys.argv[2])
    memory_mib = age_store(folder, days)
    sys.stdout.write(" ".join(f"{mib:.2f}" for mib in memory_mib) + "\n")
    sys.stdout.flush()


def age_store(folder: Path, days: float) -> tuple[float, float, float]:
    """Record 200 points each minute, commit them, take all for delivered.

    Returns MiB after an hour, after a day and at the end.
    """
    rng = random.Random(11)  # noqa: S311 - values that can be repeated, no secret
    good = bytes([QUALITIES.index(Quality.GOOD)]) * COMMIT_POINTS
    values = array("d", [rng.randrange(50_000) / 10 for _ in range(COMMIT_POINTS)])
    image = ProcessImage()
    hour_mib = day_mib = 0.0
    with open_store(folder, commit_s=_AGING_PERIOD_S, outbox=True) as (store, layout):
        commits = int(store.stats["commits_count"])
        for step in range(1, int(days * _AGING_DAY_S) // _AGING_PERIOD_S + 1):
            now = make_moment(step * _AGING_PERIOD_S)
            for at in range(COMMIT_POINTS):
                values[at] += rng.choice((-2.3, -0.7, 0.1, 1.9))
            readings = Readings(layout, values[:], good, now.ns)
            image.put(readings)
            image.freeze(now.ns)
            store.record(readings, now)
            store.tick(now)
            await_commit(store, now, commits + step)
            store.trim(store.heads())
            if step * _AGING_PERIOD_S == _AGING_HOUR_S:
                hour_mib = measured_process.read_memory_mib(os.getpid())
            if step * _AGING_PERIOD_S == _AGING_DAY_S:
                day_mib = measured_process.read_memory_mib(os.getpid())
        end_mib = measured_process.read_memory_mib(os.getpid())
        store.close(make_moment(days * _AGING_DAY_S + 1))
    return hour_mib, day_mib, end_mib
