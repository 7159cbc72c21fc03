"""One commit of 200 points: bytes against rows in a table, CPU against a bare append; bytes of a day."""

import os
import random
import shutil
import sqlite3
import struct
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quartier.site.records import Now
from quartier.store.deadband import Deadband, Deadbands
from quartier.store.history_store import Store
from quartier_drivers.readings import FLOAT, QUALITIES, Layout, Quality, Readings
from quartier_hil.bench.figure import Figure, against, alone
from quartier_hil.bench.setting import Setting

POINTS, PERIOD_S = 200, 10
_DAY_POINTS, _DAY_MB, _DAY_S = 500, 200.0, 86_400
# Chunks of 512 samples are sealed on the way: what that writes belongs to it.
# All sides are at rest before each commit, as in a house: in a row, one finds the kernel's code where it was.
_COMMITS, _COMMITS_SHORT = 600, 150
_CHUNK_COUNT = 512
_WAIT_S = 0.0005
_GIVE_UP_S = 30.0
_START_UTC_MS = 1_780_000_000_000
_ROWS = """\
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE sample
  (point INTEGER, boot INTEGER, seq INTEGER, taken_utc_ms INTEGER, value REAL, quality INTEGER);
"""
_SAMPLE = struct.Struct("<qd")


def figures(setting: Setting) -> list[Figure]:
    """Bytes and CPU of the store's commits, of rows, and of appends of the same samples."""
    commits = _COMMITS_SHORT if setting.short else _COMMITS
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "rows": [], "bare": []}
    day_mb = []
    for number in range(setting.rounds):
        setting.say(f"commit, round {number + 1}")
        columns = list(series(commits))
        for name, measure in (("ours", _ours), ("rows", _rows), ("bare", _bare)):
            found[name].append(measure(setting.scratch(name), columns))
        spent, _ = _ours(setting.scratch("day"), list(series(commits, _DAY_POINTS)))
        day_mb.append(spent * _DAY_S / PERIOD_S / 1e6)
    bytes_of = {name: [one[0] / 1000 for one in rounds] for name, rounds in found.items()}
    cpu_of = {name: [1e6 * one[1] for one in rounds] for name, rounds in found.items()}
    what = f"a commit of {POINTS} points"
    rows, bare = "rows in a rowid table", "append and fdatasync"
    return [
        against(
            "commit.bytes",
            f"written by {what}",
            bytes_of["ours"],
            bytes_of["rows"],
            "kB",
            0.75,
            peer_name=rows,
        ),
        against("commit.cpu", f"CPU of {what}", cpu_of["ours"], cpu_of["bare"], "µs", 1.5, peer_name=bare),
        against(
            "commit.cpu_rows", f"CPU of {what}", cpu_of["ours"], cpu_of["rows"], "µs", None, peer_name=rows
        ),
        alone("commit.day", f"written a day, {_DAY_POINTS} points each {PERIOD_S} s", day_mb, "MB", _DAY_MB),
    ]


def series(commits: int, points: int = POINTS) -> Iterator["array[float]"]:
    """Yield what ``points`` meters show at each commit: walks in tenths, every value another one."""
    rng = random.Random(7)  # noqa: S311 - values that can be repeated, no secret
    tenths = [rng.randrange(50_000) for _ in range(points)]
    for _ in range(commits):
        tenths = [value + rng.choice((-23, -7, -1, 1, 2, 5, 19)) for value in tenths]
        yield array("d", [value / 10 for value in tenths])


@contextmanager
def opened(
    folder: Path, *, commit_s: float = PERIOD_S, outbox: bool = False, points: int = POINTS
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
        store.open(moment(0))
        yield store, Layout(names, bytes([FLOAT]) * points)
    finally:
        shutil.rmtree(runtime, ignore_errors=True)


def moment(at_s: float) -> Now:
    """The house's time so many seconds after the start."""
    return Now(int(at_s * 1e9), _START_UTC_MS + int(at_s * 1000), synced=True)


def commit(store: Store, now: Now, wanted: int) -> None:
    """Wait until the store counts ``wanted`` commits.  Raises RuntimeError when it does not."""
    until_s = time.monotonic() + _GIVE_UP_S
    while store.stats["commits_count"] < wanted:
        if time.monotonic() > until_s:
            raise RuntimeError(f"the store does not commit: {store.stats['error'] or 'no error told'}")
        time.sleep(_WAIT_S)
        store.tick(now)


def _ours(folder: Path, columns: list["array[float]"]) -> tuple[float, float]:
    """Bytes and CPU in s a commit: what is handed over on the loop, and all that the writer's thread does."""
    points = len(columns[0])
    good = bytes([QUALITIES.index(Quality.GOOD)]) * points
    with opened(folder, points=points) as (store, layout):
        store.record(Readings(layout, columns[0], good, 0), moment(0))
        commits = int(store.stats["commits_count"])
        before, cpu_s = written(), 0.0
        for at, values in enumerate(columns, start=1):
            now = moment(at * PERIOD_S)
            store.record(Readings(layout, values, good, now.ns), now)
            process_s, thread_s, loop_s = time.process_time(), time.thread_time(), time.thread_time()
            store.tick(now)
            loop_s = time.thread_time() - loop_s
            commit(store, now, commits + at)
            writer_s = time.process_time() - process_s - (time.thread_time() - thread_s)
            cpu_s += loop_s + writer_s
        spent = written() - before
        store.close(moment(len(columns) * PERIOD_S))
    return spent / len(columns), cpu_s / len(columns)


def _rows(folder: Path, columns: list["array[float]"]) -> tuple[float, float]:
    database = sqlite3.connect(folder / "rows.db")
    database.executescript(_ROWS)
    before, spent_s = written(), 0.0
    for at, values in enumerate(columns):
        time.sleep(_WAIT_S)
        before_s = time.process_time()
        taken_ms = _START_UTC_MS + at * PERIOD_S * 1000
        rows = ((point, 1, at, taken_ms, value, 192) for point, value in enumerate(values))
        with database:
            database.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", rows)
        spent_s += time.process_time() - before_s
    spent = written() - before
    database.close()
    return spent / len(columns), spent_s / len(columns)


def _bare(folder: Path, columns: list["array[float]"]) -> tuple[float, float]:
    file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    before, spent_s = written(), 0.0
    for at, values in enumerate(columns):
        time.sleep(_WAIT_S)
        before_s = time.process_time()
        taken_ms = _START_UTC_MS + at * PERIOD_S * 1000
        os.write(file, b"".join([_SAMPLE.pack(taken_ms, value) for value in values]))
        os.fdatasync(file)
        spent_s += time.process_time() - before_s
    spent = written() - before
    os.close(file)
    return spent / len(columns), spent_s / len(columns)


def written() -> int:
    """Bytes that this process has had written to disks: pages, as the kernel counts them (proc(5), io)."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(": ")
        if name == "write_bytes":
            return int(value)
    return 0
