"""Keep the SQLite file: sealed chunks, open tails, marks and gap records.

Only the writer's thread uses it.  A commit is small because the samples of one interval are one frame at the
end of a log file beside it (``commit_log.py``), whatever the number of points.  If the commit has more to
write, they are one row of the table ``tail``.  A stream's chunk becomes a row of its own once it is full, and
the tails that contain it are then dropped.  Every row that is not a chunk or a tail has its own CRC-32, so an
altered one is left out and never used.
"""

import os
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from itertools import chain
from pathlib import Path

from quartier.site.samples import PointNames, StreamPosition
from quartier.store.chunks import TAIL_COUNT_MAX, Chunk, ChunkPart, pack_tail, read_sealed_key, split_parts
from quartier.store.gap_records import GapRecord
from quartier.store.history_file.commit_log import (
    CommitLog,
    LastSequences,
    TailCoverage,
    find_lasts,
    is_covered,
)
from quartier.store.history_file.contents import (
    EVICTED_PREFIX,
    FileContents,
    add_checksum,
    find_last_sequences,
    holds_no_later_boot,
    make_undecided_key,
    read_contents,
    read_meta,
    read_names,
    read_tails,
    verify_value,
)
from quartier.store.history_file.eviction import (
    PAGE_BYTES,
    USED_SHARE_HIGH,
    EvictionTerms,
    count_backlog,
    count_used_bytes,
    evict_chunks,
    set_compared_marks,
)

GAPS_COUNT_MAX = 10_000
WAL_MAX_BYTES = 4_000_000
WAL_PAGES_COUNT = 3_800  # checkpoints are so rare that most tails are gone by then
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE mark (stream TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE point (boot INTEGER, id INTEGER, value TEXT NOT NULL, crc INTEGER NOT NULL,
                    PRIMARY KEY (boot, id)) WITHOUT ROWID;
CREATE TABLE gap (id INTEGER PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE tail (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE chunk (id INTEGER PRIMARY KEY, stream TEXT NOT NULL, boot INTEGER NOT NULL,
                    first INTEGER NOT NULL, count INTEGER NOT NULL,
                    from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX chunk_key ON chunk (stream, boot, first, count, from_ms, to_ms);
"""

# A row of the table ``tail``: its number, and its last sequences.
_TailRow = tuple[int, LastSequences]
_INSERT_TAIL = "INSERT INTO tail (body) VALUES (?)"


@dataclass(slots=True)
class CommitJob:
    """One commit: the new samples of each chunk, the chunks to seal, and the rest that belongs to it.

    ``begin`` writes the boot even if there is nothing else.  ``clean``: the boot ends in order.
    ``condemned``: a reader found the file damaged.  ``good_utc_ms`` is the time, if it is trusted.  After the
    commit the journal's files up to ``generation`` are no longer needed.  ``is_salvage_reported``: events of
    what a file set aside lost are numbered.  ``had_history``: a file that is created now replaces another.
    ``decided`` are evicted spans that the district confirmed or that ``gaps`` name.
    """

    boot: int
    names: PointNames
    names_count: int
    parts: list[tuple[Chunk, int, int]] = field(default_factory=list)
    seals: list[Chunk] = field(default_factory=list)
    marks: dict[str, StreamPosition] = field(default_factory=dict)
    gaps: list[GapRecord] = field(default_factory=list)
    decided: list[GapRecord] = field(default_factory=list)
    damaged_ids: list[int] = field(default_factory=list)
    local_streams: tuple[str, ...] = ()
    outbox: bool = True
    clean: bool = False
    condemned: bool = False
    begin: bool = False
    is_salvage_reported: bool = False
    had_history: bool = False
    generation: int = 0
    utc_ms: int = 0
    good_utc_ms: int = 0

    @property
    def has_work(self) -> bool:
        """True if there is anything to write."""
        return any(
            (
                self.parts,
                self.seals,
                self.marks,
                self.gaps,
                self.decided,
                self.damaged_ids,
                self.clean,
                self.condemned,
                self.begin,
            )
        )


@dataclass(slots=True)
class CommitResult:
    """The result of a commit: what it had to evict, and the sizes of the file.

    The file keeps ``evicted`` as undecided until a later job decides it.
    """

    evicted: list[GapRecord] = field(default_factory=list)
    evicted_count: int = 0
    backlog_count: int = 0
    size_bytes: int = 0
    used_bytes: int = 0


class Database:
    """One file.  Every method may raise sqlite3.Error; a commit is atomic."""

    def __init__(self, path: Path, size_max_bytes: int) -> None:
        self.path = path
        self._name = os.fspath(path)
        self._size_max_bytes = size_max_bytes
        self._connection: sqlite3.Connection | None = None
        self._tails: deque[_TailRow] = deque()
        self._log = CommitLog(path)
        self._reach = TailCoverage()
        self._sealed: dict[tuple[int, str], int] = {}
        self._points_count = 0
        self._boot_stored = 0
        self._chunk_id = 0  # continues when a file is replaced, so that rows carried over keep their ids
        self._backlog_count = 0
        self._size_bytes = self._used_bytes = 0
        self._place: tuple[int, int] | None = None
        self._reported_id = 0
        self._is_salvage_unreported = False

    @property
    def is_open(self) -> bool:
        """True while there is a file to write to."""
        return self._connection is not None

    @property
    def has_moved(self) -> bool:
        """True if the open file is no longer the one at ``path``: removed or replaced."""
        if self._place is None:
            return False
        try:
            found = os.stat(self._name)  # noqa: PTH116 - a Path takes three times as long, at each commit
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:  # a disk error says nothing about the file
            return False
        return self._place != (found.st_dev, found.st_ino)

    def open(
        self, marks: Mapping[str, StreamPosition] | None = None, *, had_history: bool = False
    ) -> FileContents:
        """Open or create the file and read everything except the chunks' bodies.

        ``marks`` are those of a file set aside; they are written into the new one.  ``had_history``: a new
        file replaces another, and records that until something is committed to it.
        """
        self.close()
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA cache_size = -1000")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_MAX_BYTES}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_COUNT}")
            fresh = self._prepare(connection, had_history=had_history)
            _put_marks(connection, marks or {})
            files = self._log.begin()
            loaded = read_contents(connection, chain.from_iterable(bodies for bodies, _ in files.values()))
        except BaseException:
            connection.close()
            raise
        # A file without a commit counts as new: its process was killed before it reported what it replaces.
        loaded.fresh = fresh or (not loaded.boot and dict(read_meta(connection)).get("replaces") == 1)
        self._connection = connection
        found = self.path.stat()
        self._place = found.st_dev, found.st_ino
        self._size_bytes, self._used_bytes = self.size_bytes(), count_used_bytes(connection)
        self._sealed = dict(loaded.sealed)
        self._boot_stored = self._points_count = self._reported_id = 0
        self._tails = deque(read_tails(connection))
        names = read_names(connection)
        logged = {number: find_last_sequences(bodies, names) for number, (bodies, _) in files.items()}
        self._reach.begin(logged)
        torn = [logged[number] for number, (_, is_whole) in files.items() if not is_whole]
        # A later boot that the file does not know any more (its log was emptied) does not count here.
        ended = [number for number, (bodies, _) in files.items() if holds_no_later_boot(bodies, loaded.boot)]
        short = loaded.clean_boot == loaded.boot and self._log.size_of(ended) < loaded.tail_bytes
        loaded.is_torn = short or any(not one or max(one)[0] == loaded.boot for one in torn)
        set_compared_marks(connection, loaded.marks)
        self._backlog_count = count_backlog(connection, EvictionTerms(), loaded.boot + 1)
        return loaded

    @staticmethod
    def _prepare(connection: sqlite3.Connection, *, had_history: bool) -> bool:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == _SCHEMA_VERSION:
            return False
        if version or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise sqlite3.DatabaseError(f"schema version {version}, expected {_SCHEMA_VERSION}")
        connection.executescript(f"BEGIN; {_SCHEMA}")
        _put_meta(connection, "replaces", int(had_history))
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        connection.execute("COMMIT")
        return True

    def close(self) -> None:
        """Close the file; SQLite then checkpoints the WAL."""
        self._log.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._place = None

    def commit(self, job: CommitJob) -> CommitResult:
        """Make everything in ``job`` durable."""
        connection = self._require_connection()
        if self._is_tail_only(job):
            return self._append(job)
        done = CommitResult()
        self._log.repair()
        with _Transaction(connection):
            tail = self._insert_tails(connection, job)
            sealed = self._insert_chunks(connection, job)
            gone = self._drop_tails(connection, sealed)
            done_with = [
                number for number, one in self._reach.find_coverage().items() if is_covered(one, sealed)
            ]
            self._drop_points(connection, gone, done_with, tail, job.boot)
            self._put_small(connection, job)
            if job.clean:
                _put_meta(connection, "tail", self._log.size_bytes - self._log.size_of(done_with))
            is_salvage_unreported = self._is_salvage_unreported and not job.is_salvage_reported
            reported_id = self._reported_id if is_salvage_unreported else self._note_reported_gaps(connection)
            terms = EvictionTerms(job.local_streams, job.outbox)
            room_bytes = self._size_max_bytes - self._log.size_bytes
            evicted = evict_chunks(connection, room_bytes, terms)
            done.evicted_count, done.evicted = evicted.count, evicted.gaps
            # So that what is missing there does not count as damage.
            for stream, mark in evicted.marks.items():
                _put_meta(connection, f"{EVICTED_PREFIX}{stream}", [mark.boot, mark.seq])
            for gap in done.evicted:
                _put_meta(connection, make_undecided_key(gap), gap.data())
        # Only now is it true; an exception above leaves the state of this object as it was.
        self._sealed = sealed
        self._boot_stored = job.boot
        self._is_salvage_unreported, self._reported_id = is_salvage_unreported, reported_id
        for _ in range(gone):
            self._tails.popleft()
        self._tails += tail
        for number in done_with:
            if number != self._log.number and self._log.drop(number):
                self._reach.forget(number)
        self._points_count = job.names_count
        self._chunk_id += len(job.seals)
        if job.outbox and (job.marks or job.seals or job.damaged_ids or done.evicted_count):
            self._backlog_count = count_backlog(connection, terms, job.boot)
        self._size_bytes = self.size_bytes()
        self._used_bytes = count_used_bytes(connection) + self._log.size_bytes
        return self._complete_result(done)

    def _is_tail_only(self, job: CommitJob) -> bool:
        """Return whether one more tail is all there is to write, as in nearly every commit."""
        known = (job.boot, job.names_count) == (self._boot_stored, self._points_count)
        known = known and all(chunk.boot == job.boot for chunk, _, _ in job.parts)
        other = job.seals or job.marks or job.gaps or job.decided or job.damaged_ids or job.clean
        room = self._used_bytes < USED_SHARE_HIGH * self._size_max_bytes
        count = sum(stop - start for _, start, stop in job.parts)
        return bool(known and room and not other and 0 < count <= TAIL_COUNT_MAX)

    def _append(self, job: CommitJob) -> CommitResult:
        if self._log.is_gone:
            self.close()  # when it is opened again, all open samples are written again
            raise sqlite3.OperationalError("the tail of the history was removed")
        before = self._log.size_bytes
        self._reach.add(self._log.append(pack_tail(job.parts)), job.parts)
        self._used_bytes += self._log.size_bytes - before
        return self._complete_result(CommitResult())

    def _complete_result(self, done: CommitResult) -> CommitResult:
        done.backlog_count = self._backlog_count
        done.size_bytes, done.used_bytes = self._size_bytes, self._used_bytes
        return done

    def size_bytes(self) -> int:
        """Return the bytes on disk, including write-ahead log and log files."""
        names = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(name.stat().st_size for name in names if name.exists()) + self._log.size_bytes

    def insert_rows(self, rows: Iterable[tuple[int, str, int, int, int, int, int, bytes]]) -> None:
        """Insert chunk rows of a file set aside, with the ids they had."""
        connection = self._require_connection()
        with _Transaction(connection):
            connection.executemany("INSERT OR IGNORE INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def begin_salvage(self, told: Sequence[GapRecord]) -> None:
        """Record in the file that one set aside is being carried over, with its gap records ``told``."""
        connection = self._require_connection()
        with _Transaction(connection):
            _put_meta(connection, "salvaging", 1)
            self._put_gaps(connection, told)
            reported_id = self._note_reported_gaps(connection)
        self._reported_id = reported_id

    def end_salvage(self, lost: Sequence[GapRecord] = ()) -> None:
        """Record that all readable rows are carried over.

        Events of the rest, ``lost``, are not numbered yet.
        """
        connection = self._require_connection()
        with _Transaction(connection):
            _put_meta(connection, "salvaging", 0)
            self._put_gaps(connection, lost)
        self._is_salvage_unreported = bool(lost)

    def _require_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the history is not open")
        return self._connection

    def _insert_tails(self, connection: sqlite3.Connection, job: CommitJob) -> list[_TailRow]:
        for number in range(self._points_count, job.names_count):
            value, crc = add_checksum(f"{job.boot}.{number}", list(job.names[number]))
            connection.execute(
                "INSERT OR REPLACE INTO point VALUES (?, ?, ?, ?)", (job.boot, number, value, crc)
            )
        added = []
        for boot, of_boot in _group_by_boot(job.parts):
            if boot != job.boot:
                self._insert_names(connection, boot, of_boot)
            for parts in split_parts(of_boot):
                row = connection.execute(_INSERT_TAIL, (pack_tail(parts),)).lastrowid or 0
                added.append((row, find_lasts(parts)))
        return added

    @staticmethod
    def _insert_names(connection: sqlite3.Connection, boot: int, parts: Sequence[ChunkPart]) -> None:
        """Insert the names of an earlier boot's points, which only its journal knew."""
        names = {
            point: chunk.names[point] for chunk, start, stop in parts for point in chunk.points[start:stop]
        }
        for point, name in names.items():
            value, crc = add_checksum(f"{boot}.{point}", list(name))
            connection.execute("INSERT OR REPLACE INTO point VALUES (?, ?, ?, ?)", (boot, point, value, crc))

    def _insert_chunks(self, connection: sqlite3.Connection, job: CommitJob) -> dict[tuple[int, str], int]:
        sealed = dict(self._sealed)
        base = job.boot << 24  # ids grow with the boot, also across a file set aside
        for number, chunk in enumerate(job.seals, base + self._chunk_id + 1):
            body = chunk.seal()
            row = (
                number,
                *astuple(read_sealed_key(body)),
                body,
            )  # the row has the same key as the chunk itself
            connection.execute("INSERT OR IGNORE INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            sealed[chunk.boot, chunk.stream] = max(chunk.last, sealed.get((chunk.boot, chunk.stream), 0))
        return sealed

    def _drop_tails(self, connection: sqlite3.Connection, sealed: Mapping[tuple[int, str], int]) -> int:
        gone = 0
        for _, one in self._tails:
            if not is_covered(one, sealed):
                break
            gone += 1
        if gone:
            connection.execute("DELETE FROM tail WHERE id <= ?", (self._tails[gone - 1][0],))
        return gone

    def _drop_points(
        self,
        connection: sqlite3.Connection,
        gone: int,
        done_with: Sequence[int],
        added: Sequence[_TailRow],
        boot: int,
    ) -> None:
        """Delete the names of boots without any tail left, when the last of their tails is dropped."""
        rows, files = list(self._tails), self._reach.find_coverage()
        going = [one for _, one in rows[:gone]] + [files[number] for number in done_with]
        if all(one and all(key[0] >= boot for key in one) for one in going):
            return
        staying = [one for _, one in (*rows[gone:], *added)]
        staying += [one for number, one in files.items() if number not in done_with]
        oldest = min((key[0] for one in staying for key in one), default=boot)
        connection.execute("DELETE FROM point WHERE boot < ?", (min(oldest, boot),))

    def _put_small(self, connection: sqlite3.Connection, job: CommitJob) -> None:
        if self._boot_stored != job.boot:
            _put_meta(connection, "boot", job.boot)
        if job.clean:
            _put_meta(connection, "clean", job.boot)
        if job.good_utc_ms:
            _put_meta(connection, "good", job.good_utc_ms)
        _put_marks(connection, job.marks)
        set_compared_marks(connection, job.marks)
        for number in job.damaged_ids:
            connection.execute("DELETE FROM chunk WHERE id = ?", (number,))
        self._put_gaps(connection, job.gaps)
        keys = ((make_undecided_key(gap),) for gap in job.decided)
        connection.executemany("DELETE FROM meta WHERE key = ?", keys)

    @staticmethod
    def _put_gaps(connection: sqlite3.Connection, gaps: Sequence[GapRecord]) -> None:
        for gap in gaps:
            connection.execute("INSERT INTO gap (value, crc) VALUES (?, ?)", add_checksum("gap", gap.data()))
        if gaps:
            _prune_gaps(connection)

    def _note_reported_gaps(self, connection: sqlite3.Connection) -> int:
        """Record that the events of all gap records so far are committed by now; return the newest record."""
        (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM gap").fetchone()
        if newest != self._reported_id:
            _put_meta(connection, "told", newest)
        return int(newest)


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


def _group_by_boot(parts: Sequence[ChunkPart]) -> Iterator[tuple[int, list[ChunkPart]]]:
    """Group parts by their boot, oldest first."""
    for boot in sorted({chunk.boot for chunk, _, _ in parts}):
        yield boot, [part for part in parts if part[0].boot == boot]


def _prune_gaps(connection: sqlite3.Connection) -> None:
    """Remove the oldest records beyond ``GAPS_COUNT_MAX``; do not search their boots for holes again."""
    rows = connection.execute(
        "SELECT id, value, crc FROM gap WHERE id <= (SELECT max(id) FROM gap) - ?", (GAPS_COUNT_MAX,)
    ).fetchall()
    if not rows:
        return
    boots = [data["boot"] for _, value, crc in rows if (data := verify_value("gap", value, crc)) is not None]
    _put_meta(connection, "pruned", max(boots, default=0))
    connection.executemany("DELETE FROM gap WHERE id = ?", [(number,) for number, *_ in rows])


def _put_marks(connection: sqlite3.Connection, marks: Mapping[str, StreamPosition]) -> None:
    rows = [(stream, *add_checksum(stream, [mark.boot, mark.seq])) for stream, mark in marks.items()]
    connection.executemany("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)", rows)


def _put_meta(connection: sqlite3.Connection, key: str, value: object) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", (key, *add_checksum(key, value)))
