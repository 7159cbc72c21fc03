"""The SQLite file: sealed chunks, the tail that each commit adds, marks and gap records.

Used by one thread, the writer's.  What makes a commit small: the samples of one interval are one
row at the end of the table ``tail``, whatever the number of points; a stream's chunk becomes a row
of its own once it is full, and the tails it stood in are then dropped.  Every row that is not a
chunk or a tail carries a CRC-32 of its own, so an altered one is left out and never believed.
"""

import json
import sqlite3
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quartier.house.sample import Mark, Sample
from quartier.store.chunks import Chunk, Damaged, Names, numbered_sample, pack_tail, unpack_tail
from quartier.store.gaps import Gap, from_data

PAGE_BYTES = 2048
GAPS_MAX = 10_000
_USED_SHARE_HIGH, _USED_SHARE_LOW = 0.95, 0.90
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE mark (stream TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE point (boot INTEGER, id INTEGER, value TEXT NOT NULL, crc INTEGER NOT NULL,
                    PRIMARY KEY (boot, id)) WITHOUT ROWID;
CREATE TABLE gap (id INTEGER PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE tail (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE chunk (id INTEGER PRIMARY KEY, stream TEXT NOT NULL, boot INTEGER NOT NULL, first INTEGER NOT NULL,
                    count INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX chunk_key ON chunk (stream, boot, first, count, from_ms, to_ms);
"""
# Marks are text with a checksum, so they are compared here by a small table kept beside the file's own.
_TRIMMED = """(:all OR chunk.stream IN (SELECT value FROM json_each(:local)) OR chunk.boot < m.boot
               OR (chunk.boot = m.boot AND chunk.first + chunk.count - 1 <= m.seq))"""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether this error says that the file's content is wrong (not the disk, not a lock)."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
    return code & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_MISMATCH,
    )


@dataclass(slots=True)
class Loaded:
    """What a file held at its opening; ``samples`` are those of the tail, not yet in a chunk."""

    boot: int = 0
    clean_boot: int = 0
    marks: dict[str, Mark] = field(default_factory=dict)
    sealed: dict[tuple[int, str], int] = field(default_factory=dict)
    heads: dict[str, Mark] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    newest_utc_ms: int = 0
    fresh: bool = False


@dataclass(slots=True)
class Job:
    """One commit: what is new of each chunk, what is to be sealed, and the rest that belongs with it."""

    boot: int
    names: Names
    names_count: int
    parts: list[tuple[Chunk, int, int]] = field(default_factory=list)
    seals: list[Chunk] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    damaged_ids: list[int] = field(default_factory=list)
    local_streams: tuple[str, ...] = ()
    outbox: bool = True
    clean: bool = False
    condemned: bool = False
    generation: int = 0
    utc_ms: int = 0

    @property
    def has_work(self) -> bool:
        """Whether there is anything to write."""
        return any(
            (self.parts, self.seals, self.marks, self.gaps, self.damaged_ids, self.clean, self.condemned)
        )


@dataclass(slots=True)
class Done:
    """What a commit found: what it had to evict, and the figures of the file."""

    evicted: list[Gap] = field(default_factory=list)
    evicted_count: int = 0
    backlog_count: int = 0
    size_bytes: int = 0
    used_bytes: int = 0


class Database:
    """One file.  Every method may raise sqlite3.Error; a commit is whole or not at all."""

    def __init__(self, path: Path, size_max_bytes: int) -> None:
        self.path = path
        self._size_max_bytes = size_max_bytes
        self._connection: sqlite3.Connection | None = None
        self._tails: deque[tuple[int, dict[tuple[int, str], int]]] = deque()
        self._sealed: dict[tuple[int, str], int] = {}
        self._points_count = 0
        self._boot_stored = 0
        self._chunk_id = 0

    @property
    def is_open(self) -> bool:
        """Whether there is a file to write to."""
        return self._connection is not None

    def open(self, marks: Mapping[str, Mark] | None = None) -> Loaded:
        """Open or create the file and read all but the chunks' bodies; ``marks`` of a file set aside count on."""
        self.close()
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA cache_size = -2000")
            fresh = self._prepare(connection)
            _put_marks(connection, marks or {})
            loaded = read(connection)
        except BaseException:
            connection.close()
            raise
        loaded.fresh = fresh
        self._connection = connection
        self._sealed = dict(loaded.sealed)
        self._boot_stored = self._points_count = self._chunk_id = 0
        self._tails = deque(_tails(connection))
        _load_marks(connection, loaded.marks)
        return loaded

    @staticmethod
    def _prepare(connection: sqlite3.Connection) -> bool:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == _SCHEMA_VERSION:
            return False
        if version or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise sqlite3.DatabaseError(f"schema version {version}, expected {_SCHEMA_VERSION}")
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")
        return True

    def close(self) -> None:
        """Close the file; SQLite then folds the WAL in."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def keep_boot(self, boot: int) -> None:
        """Write the boot number down, before its first sample."""
        connection = self._connected()
        with _Transaction(connection):
            _put_meta(connection, "boot", boot)
        self._boot_stored = boot

    def commit(self, job: Job) -> Done:
        """Make everything in ``job`` durable."""
        connection = self._connected()
        done = Done()
        with _Transaction(connection):
            tail = self._insert_tail(connection, job)
            sealed = self._insert_chunks(connection, job)
            gone = self._drop_tails(connection, sealed)
            if gone and self._has_old_tails(job.boot):
                self._drop_points(connection, list(self._tails)[gone:], job.boot)
            self._put_small(connection, job)
            self._evict(connection, job, done)
        # Only now is it true; an exception above leaves the picture of the file as it was.
        self._sealed = sealed
        self._boot_stored = job.boot
        for _ in range(gone):
            self._tails.popleft()
        if tail is not None:
            self._tails.append(tail)
        self._points_count = job.names_count
        self._chunk_id += len(job.seals)
        done.backlog_count = self._backlog_count(connection, job) if job.outbox else 0
        done.size_bytes = self.size_bytes()
        done.used_bytes = _used_bytes(connection)
        return done

    def size_bytes(self) -> int:
        """Bytes on disk, the write-ahead log with them."""
        names = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(name.stat().st_size for name in names if name.exists())

    def insert_rows(self, rows: Iterable[tuple[int, str, int, int, int, int, int, bytes]]) -> None:
        """Take chunk rows from a file set aside, under the ids they had."""
        connection = self._connected()
        with _Transaction(connection):
            connection.executemany("INSERT OR IGNORE INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def holes(self, before_boot: int) -> list[Gap]:
        """Sequences that stand in no chunk of an older boot and in no gap record."""
        return _holes(self._connected(), before_boot)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the history is not open")
        return self._connection

    def _insert_tail(
        self, connection: sqlite3.Connection, job: Job
    ) -> tuple[int, dict[tuple[int, str], int]] | None:
        for number in range(self._points_count, job.names_count):
            value, crc = _checked(f"{job.boot}.{number}", list(job.names[number]))
            connection.execute(
                "INSERT OR REPLACE INTO point VALUES (?, ?, ?, ?)", (job.boot, number, value, crc)
            )
        if not job.parts:
            return None
        number = connection.execute("INSERT INTO tail (body) VALUES (?)", (pack_tail(job.parts),)).lastrowid
        return number or 0, {
            (chunk.boot, chunk.stream): chunk.first + stop - 1 for chunk, _, stop in job.parts
        }

    def _insert_chunks(self, connection: sqlite3.Connection, job: Job) -> dict[tuple[int, str], int]:
        sealed = dict(self._sealed)
        base = job.boot << 24  # ids rise with the age of their start, also across a file set aside
        for number, chunk in enumerate(job.seals, base + self._chunk_id + 1):
            oldest, newest = min(chunk.times), max(chunk.times)
            row = (number, chunk.stream, chunk.boot, chunk.first, len(chunk), oldest, newest, chunk.seal())
            connection.execute("INSERT OR IGNORE INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            sealed[chunk.boot, chunk.stream] = max(chunk.last, sealed.get((chunk.boot, chunk.stream), 0))
        return sealed

    def _drop_tails(self, connection: sqlite3.Connection, sealed: Mapping[tuple[int, str], int]) -> int:
        gone = 0
        for _, lasts in self._tails:
            if any(sealed.get(key, 0) < last for key, last in lasts.items()):
                break
            gone += 1
        if gone:
            connection.execute("DELETE FROM tail WHERE id <= ?", (self._tails[gone - 1][0],))
        return gone

    @staticmethod
    def _drop_points(
        connection: sqlite3.Connection, tails: Iterable[tuple[int, dict[tuple[int, str], int]]], boot: int
    ) -> None:
        oldest = min((key[0] for _, lasts in tails for key in lasts), default=boot)
        connection.execute("DELETE FROM point WHERE boot < ?", (min(oldest, boot),))

    def _has_old_tails(self, boot: int) -> bool:
        return any(key[0] < boot for key in self._tails[0][1]) or not self._tails[0][1]

    def _put_small(self, connection: sqlite3.Connection, job: Job) -> None:
        if self._boot_stored != job.boot:
            _put_meta(connection, "boot", job.boot)
        if job.clean:
            _put_meta(connection, "clean", job.boot)
        _put_marks(connection, job.marks)
        _load_marks(connection, job.marks)
        for number in job.damaged_ids:
            connection.execute("DELETE FROM chunk WHERE id = ?", (number,))
        self._put_gaps(connection, job.gaps)

    @staticmethod
    def _put_gaps(connection: sqlite3.Connection, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            connection.execute("INSERT INTO gap (value, crc) VALUES (?, ?)", _checked("gap", gap.data()))
        if gaps:
            connection.execute("DELETE FROM gap WHERE id <= (SELECT max(id) FROM gap) - ?", (GAPS_MAX,))

    def _evict(self, connection: sqlite3.Connection, job: Job, done: Done) -> None:
        """The named order: oldest trimmed first, then oldest untrimmed with a gap record."""
        if _used_bytes(connection) <= _USED_SHARE_HIGH * self._size_max_bytes:
            return
        low = _USED_SHARE_LOW * self._size_max_bytes
        how = {"all": not job.outbox, "local": json.dumps(job.local_streams)}
        for trimmed in (True, False):
            while _used_bytes(connection) > low:
                rows = connection.execute(
                    "SELECT id, stream, boot, first, count, from_ms, to_ms FROM chunk "
                    f"LEFT JOIN temp.marks AS m USING (stream) WHERE {'' if trimmed else 'NOT '}"  # noqa: S608 - our own words
                    f"coalesce({_TRIMMED}, 0) ORDER BY id LIMIT 16",
                    how,
                ).fetchall()
                if not rows:
                    break
                connection.executemany("DELETE FROM chunk WHERE id = ?", [(row[0],) for row in rows])
                done.evicted_count += sum(row[4] for row in rows)
                if not trimmed:
                    done.evicted += [
                        Gap("evicted", row[1], row[2], row[3], row[3] + row[4] - 1, *row[5:]) for row in rows
                    ]
        done.evicted = _joined(done.evicted)
        self._put_gaps(connection, done.evicted)

    @staticmethod
    def _backlog_count(connection: sqlite3.Connection, job: Job) -> int:
        """Samples of older boots in chunks above the marks (those of this boot are counted where they are made)."""
        (count,) = connection.execute(
            "SELECT coalesce(sum(CASE WHEN chunk.boot = m.boot THEN min(count, max(0, first + count - 1 - m.seq)) "
            f"ELSE count END), 0) FROM chunk LEFT JOIN temp.marks AS m USING (stream) "  # noqa: S608 - our own words
            f"WHERE chunk.boot < :boot AND NOT coalesce({_TRIMMED}, 0)",
            {"all": False, "local": json.dumps(job.local_streams), "boot": job.boot},
        ).fetchone()
        return int(count)


class _Transaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        # SQLite may have rolled back by itself (disk full, I/O error).
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def read(connection: sqlite3.Connection) -> Loaded:
    """All that a file says beside the chunks' bodies, as far as each row's checksum holds."""
    meta = dict(read_meta(connection))
    loaded = Loaded(meta.get("boot", 0), meta.get("clean", 0), dict(read_marks(connection)))
    loaded.samples = list(tail_samples(connection))
    boots = {sample.boot for sample in loaded.samples} | {loaded.boot}
    for stream, boot, last in connection.execute(
        "SELECT stream, boot, max(first + count - 1) FROM chunk GROUP BY stream, boot"
    ):
        if boot in boots:
            loaded.sealed[boot, stream] = last
        if (boot, last) > (loaded.heads.get(stream, Mark(0, 0)).boot, 0):
            loaded.heads[stream] = Mark(boot, last)
    (newest,) = connection.execute("SELECT max(to_ms) FROM chunk").fetchone()
    loaded.newest_utc_ms = max([newest or 0, *(sample.taken_utc_ms for sample in loaded.samples)])
    loaded.gaps = _holes(connection, loaded.boot + 1)
    return loaded


def read_meta(connection: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """Numbers kept by name (``boot``, ``clean``) whose checksum holds."""
    for key, value, crc in connection.execute("SELECT key, value, crc FROM meta"):
        number = _believed(key, value, crc)
        if isinstance(number, int):
            yield key, number


def read_marks(connection: sqlite3.Connection) -> Iterator[tuple[str, Mark]]:
    """Marks whose checksum holds."""
    for stream, value, crc in connection.execute("SELECT stream, value, crc FROM mark"):
        mark = _believed(stream, value, crc)
        if mark is not None:
            yield stream, Mark(*mark)


def tail_samples(connection: sqlite3.Connection) -> Iterable[Sample]:
    """Samples of every tail that can be read, oldest commit first."""
    names = _names(connection)
    for number, body in connection.execute("SELECT id, body FROM tail ORDER BY id"):
        del number
        try:
            for item in unpack_tail(body):
                known = names.get(item.boot, {})
                if item.point in known:
                    yield numbered_sample(item, known)
        except Damaged:
            continue


def stored_gaps(connection: sqlite3.Connection) -> list[Gap]:
    """Every gap record whose checksum holds, oldest first."""
    found = (
        _believed("gap", value, crc)
        for value, crc in connection.execute("SELECT value, crc FROM gap ORDER BY id")
    )
    return [from_data(data) for data in found if data is not None]


def _names(connection: sqlite3.Connection) -> dict[int, dict[int, tuple[str, str]]]:
    names: dict[int, dict[int, tuple[str, str]]] = {}
    for boot, number, value, crc in connection.execute("SELECT boot, id, value, crc FROM point"):
        name = _believed(f"{boot}.{number}", value, crc)
        if name is not None:
            names.setdefault(boot, {})[number] = (name[0], name[1])
    return names


def _tails(connection: sqlite3.Connection) -> Iterable[tuple[int, dict[tuple[int, str], int]]]:
    names = _names(connection)
    for number, body in connection.execute("SELECT id, body FROM tail ORDER BY id"):
        lasts: dict[tuple[int, str], int] = {}
        try:
            for item in unpack_tail(body):
                if item.point in names.get(item.boot, {}):
                    key = item.boot, names[item.boot][item.point][0]
                    lasts[key] = max(item.seq, lasts.get(key, 0))
        except Damaged:
            lasts = {}
        yield number, lasts


def _holes(connection: sqlite3.Connection, before_boot: int) -> list[Gap]:
    known = {(gap.stream, gap.boot, gap.first) for gap in stored_gaps(connection)}
    holes = []
    before: tuple[str, int, int, int] = ("", 0, 0, 0)
    for stream, boot, first, count, from_ms, to_ms in connection.execute(
        "SELECT stream, boot, first, count, from_ms, to_ms FROM chunk WHERE boot < ? ORDER BY stream, boot, first",
        (before_boot,),
    ):
        if (stream, boot) == before[:2] and first > before[2] and (stream, boot, before[2]) not in known:
            holes.append(Gap("damaged", stream, boot, before[2], first - 1, before[3], from_ms))
        before = (stream, boot, first + count, to_ms)
    return holes


def _joined(gaps: Sequence[Gap]) -> list[Gap]:
    joined: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: (gap.stream, gap.boot, gap.first)):
        last = joined[-1] if joined else None
        if last is not None and (last.stream, last.boot, last.last + 1) == (gap.stream, gap.boot, gap.first):
            joined[-1] = Gap(
                gap.why, gap.stream, gap.boot, last.first, gap.last, last.from_utc_ms, gap.to_utc_ms
            )
        else:
            joined.append(gap)
    return joined


def _put_marks(connection: sqlite3.Connection, marks: Mapping[str, Mark]) -> None:
    rows = [(stream, *_checked(stream, [mark.boot, mark.seq])) for stream, mark in marks.items()]
    connection.executemany("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)", rows)


def _load_marks(connection: sqlite3.Connection, marks: Mapping[str, Mark]) -> None:
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS marks (stream TEXT PRIMARY KEY, boot INTEGER, seq INTEGER)"
    )
    rows = [(stream, mark.boot, mark.seq) for stream, mark in marks.items()]
    connection.executemany("INSERT OR REPLACE INTO temp.marks VALUES (?, ?, ?)", rows)


def _used_bytes(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int((pages - free) * PAGE_BYTES)


def _put_meta(connection: sqlite3.Connection, key: str, number: int) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", (key, *_checked(key, number)))


def _checked(key: str, value: object) -> tuple[str, int]:
    text = json.dumps(value)
    return text, zlib.crc32(f"{key}={text}".encode())


def _believed(key: object, text: object, crc: object) -> Any:
    if not isinstance(text, str) or zlib.crc32(f"{key}={text}".encode(errors="replace")) != crc:
        return None
    return json.loads(text)
