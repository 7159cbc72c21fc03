"""Read what a history file states about itself, as far as its checksums hold."""

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from quartier.site.samples import StreamPosition
from quartier.store.chunks import Chunk, DamagedBytes, read_tail_boot, read_tail_lasts, unpack_tail
from quartier.store.gap_records import GapRecord, KnownGaps, load_gap

EVICTED_PREFIX, _UNDECIDED_PREFIX = "evicted ", "undecided "  # prefixes of rows of ``meta``


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether this error means that the file's content is wrong (not the disk, not a lock)."""
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
class FileContents:
    """The content of a file at its opening; ``pieces`` are from tails, not yet in a sealed chunk.

    Every boot before ``boot`` is settled: all that was left of it was committed, and the rest was reported.
    ``gaps`` are holes between sealed chunks that no gap record names.  ``known_gaps`` are the records, and
    ``unreported_gaps`` those with no committed event yet.  ``undecided`` were evicted, and it is not known
    yet whether the district has them.
    """

    boot: int = 0
    clean_boot: int = 0
    marks: dict[str, StreamPosition] = field(default_factory=dict)
    sealed: dict[tuple[int, str], int] = field(default_factory=dict)
    evicted: dict[str, StreamPosition] = field(default_factory=dict)  # how far each stream was evicted
    heads: dict[str, StreamPosition] = field(default_factory=dict)
    pieces: list[Chunk] = field(default_factory=list)
    gaps: list[GapRecord] = field(default_factory=list)
    known_gaps: list[GapRecord] = field(default_factory=list)
    unreported_gaps: list[GapRecord] = field(default_factory=list)
    undecided: list[GapRecord] = field(default_factory=list)
    newest_utc_ms: int = 0
    good_utc_ms: int = 0  # a time at which the clock was trusted
    fresh: bool = False
    is_partial: bool = False  # a file set aside is still being carried over
    tail_bytes: int = 0  # bytes of the log files when the clean boot ended
    is_torn: bool = False  # a log file of the last boot is missing, or partly unreadable


def read_contents(connection: sqlite3.Connection, logged: Iterable[bytes] = ()) -> FileContents:
    """Read everything in a file except the chunks' bodies, as far as each row's checksum holds.

    ``logged`` are the tails from the log files.
    """
    meta = dict(read_meta(connection))
    loaded = FileContents(meta.get("boot", 0), meta.get("clean", 0), dict(read_marks(connection)))
    loaded.pieces = list(read_tail_pieces(connection, logged))
    for stream, boot, last in _check_rows(
        connection.execute("SELECT stream, boot, max(first + count - 1) FROM chunk GROUP BY stream, boot")
    ):
        loaded.sealed[boot, stream] = last
        if boot > loaded.heads.get(stream, StreamPosition(0, 0)).boot:
            loaded.heads[stream] = StreamPosition(boot, last)
    if not loaded.boot:  # never committed, or its row is damaged
        loaded.boot = max((boot for boot, _ in find_places(loaded)), default=0)
    boots = {piece.boot for piece in loaded.pieces} | {loaded.boot}
    loaded.sealed = {key: last for key, last in loaded.sealed.items() if key[0] in boots}
    (newest,) = connection.execute("SELECT max(to_ms) FROM chunk").fetchone()
    loaded.newest_utc_ms = max([newest or 0, *(max(piece.times) for piece in loaded.pieces)])
    loaded.good_utc_ms = meta.get("good", 0)
    loaded.tail_bytes = meta.get("tail", 0)
    loaded.is_partial = meta.get("salvaging", 0) == 1
    loaded.evicted = dict(read_evicted(connection))
    loaded.undecided = list(read_undecided(connection))
    rows = list(read_numbered_gaps(connection))
    loaded.known_gaps = [gap for _, gap in rows]
    loaded.unreported_gaps = [gap for number, gap in rows if number > meta.get("told", number)]
    # While chunks are still being carried over, a hole is no loss yet.
    loaded.gaps = [] if loaded.is_partial else find_holes(connection, loaded.boot + 1, meta.get("pruned", 0))
    return loaded


def find_places(loaded: FileContents) -> Iterator[tuple[int, str]]:
    """Yield boot and stream of everything that a file contains."""
    yield from loaded.sealed
    yield from ((piece.boot, piece.stream) for piece in loaded.pieces)


def read_meta(connection: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """Yield the named numbers (``boot``, ``clean``) whose checksum holds."""
    for key, value, crc in connection.execute("SELECT key, value, crc FROM meta"):
        number = verify_value(key, value, crc)
        if isinstance(number, int):
            yield key, number


def read_marks(connection: sqlite3.Connection) -> Iterator[tuple[str, StreamPosition]]:
    """Yield the marks whose checksum holds."""
    for stream, value, crc in connection.execute("SELECT stream, value, crc FROM mark"):
        mark = verify_value(stream, value, crc)
        if mark is not None:
            yield stream, StreamPosition(*mark)


def read_evicted(connection: sqlite3.Connection) -> Iterator[tuple[str, StreamPosition]]:
    """Yield how far each stream was evicted, if the checksum holds."""
    rows = connection.execute("SELECT key, value, crc FROM meta WHERE key LIKE ?", (f"{EVICTED_PREFIX}%",))
    for key, value, crc in rows:
        mark = verify_value(key, value, crc)
        if mark is not None:
            yield key.removeprefix(EVICTED_PREFIX), StreamPosition(*mark)


def read_undecided(connection: sqlite3.Connection) -> Iterator[GapRecord]:
    """Yield evicted spans that are neither reported as missing nor confirmed, if the checksum holds."""
    rows = connection.execute(
        "SELECT key, value, crc FROM meta WHERE key LIKE ? ORDER BY key", (f"{_UNDECIDED_PREFIX}%",)
    )
    for key, value, crc in rows:
        data = verify_value(key, value, crc)
        if data is not None:
            yield load_gap(data)


def make_undecided_key(gap: GapRecord) -> str:
    """Make the key of the row of ``meta`` for an evicted span."""
    return f"{_UNDECIDED_PREFIX}{gap.stream} {gap.boot} {gap.first}"


def read_tail_pieces(connection: sqlite3.Connection, logged: Iterable[bytes] = ()) -> Iterator[Chunk]:
    """Yield pieces of chunks from every readable tail: those of the table, and ``logged`` ones."""
    names = read_names(connection)
    rows = (body for (body,) in connection.execute("SELECT body FROM tail ORDER BY id"))
    for body in chain(logged, rows):
        try:
            pieces = unpack_tail(body, names)
        except (DamagedBytes, TypeError):
            continue
        yield from (known for piece in pieces for known in _split_known(piece))


def _split_known(piece: Chunk) -> Iterator[Chunk]:
    """Yield the runs of a piece whose points have names: nearly always the whole piece."""
    names = piece.names
    if isinstance(names, dict) and names.keys() >= set(piece.points):
        yield piece
        return
    for index, point in enumerate(piece.points):
        if isinstance(names, dict) and point in names:
            run = Chunk(piece.stream, piece.boot, piece.first + index, names)
            run.extend(piece, index, index + 1)
            yield run


def read_gaps(connection: sqlite3.Connection) -> list[GapRecord]:
    """Return every gap record whose checksum holds, oldest first."""
    return [gap for _, gap in read_numbered_gaps(connection)]


def read_numbered_gaps(connection: sqlite3.Connection) -> Iterator[tuple[int, GapRecord]]:
    """Yield the records of ``read_gaps``, each with its row number."""
    for number, value, crc in connection.execute("SELECT id, value, crc FROM gap ORDER BY id"):
        data = verify_value("gap", value, crc)
        if data is not None:
            yield number, load_gap(data)


def read_names(connection: sqlite3.Connection) -> dict[int, dict[int, tuple[str, str]]]:
    """Return per boot the names of its points: number -> (stream, metric)."""
    names: dict[int, dict[int, tuple[str, str]]] = {}
    for boot, number, value, crc in connection.execute("SELECT boot, id, value, crc FROM point"):
        name = verify_value(f"{boot}.{number}", value, crc)
        if name is not None:
            names.setdefault(boot, {})[number] = (name[0], name[1])
    return names


def read_tails(connection: sqlite3.Connection) -> Iterator[tuple[int, dict[tuple[int, str], int]]]:
    """Yield every tail's row number and its last sequence per (boot, stream); empty if it is damaged."""
    names = read_names(connection)
    for number, body in connection.execute("SELECT id, body FROM tail ORDER BY id"):
        try:
            yield number, read_tail_lasts(body, names)
        except (DamagedBytes, TypeError):
            yield number, {}


def find_last_sequences(
    bodies: Iterable[bytes], names: Mapping[int, Mapping[int, tuple[str, str]]]
) -> dict[tuple[int, str], int]:
    """Return the last sequence in several tails per (boot, stream), as far as they can be read."""
    found: dict[tuple[int, str], int] = {}
    for body in bodies:
        with suppress(DamagedBytes, TypeError):
            for key, last in read_tail_lasts(body, names).items():
                found[key] = max(last, found.get(key, 0))
    return found


def holds_no_later_boot(bodies: Iterable[bytes], boot: int) -> bool:
    """Return whether tails contain nothing of boots after ``boot``, as far as they can be read."""
    for body in bodies:
        with suppress(DamagedBytes):
            return read_tail_boot(body) <= boot
    return True


def find_holes(connection: sqlite3.Connection, before_boot: int, pruned_boot: int = 0) -> list[GapRecord]:
    """Find sequences of boots before ``before_boot`` that are in no chunk and in no gap record.

    Boots up to ``pruned_boot`` are left out: some of their gap records were removed.
    """
    known = KnownGaps([*read_gaps(connection), *read_undecided(connection)])
    found: list[GapRecord] = []
    before: tuple[str, int, int, int] = ("", 0, 0, 0)
    rows = connection.execute(
        "SELECT stream, boot, first, count, from_ms, to_ms FROM chunk WHERE boot < ? AND boot > ? "
        "ORDER BY stream, boot, first",
        (before_boot, pruned_boot),
    )
    for stream, boot, first, count, from_ms, to_ms in _check_rows(rows):
        is_same = (stream, boot) == before[:2]
        if is_same and first > before[2]:
            gap = GapRecord("damaged", stream, boot, before[2], first - 1, before[3], from_ms)
            found += known.subtract(gap)
        expected = max(before[2], first + count) if is_same else first + count
        before = (stream, boot, expected, to_ms)
    return found


def _check_rows(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield rows with a stream and numbers; any other row is damage.  Raises sqlite3.DatabaseError."""
    for row in rows:
        if not isinstance(row[0], str) or not all(isinstance(number, int) for number in row[1:]):
            raise sqlite3.DatabaseError("a row of the table chunk has no key")
        yield row


def add_checksum(key: str, value: object) -> tuple[str, int]:
    """Return a value as JSON, and the CRC-32 of its key and that text."""
    text = json.dumps(value)
    return text, zlib.crc32(f"{key}={text}".encode())


def verify_value(key: object, text: object, crc: object) -> Any:
    """Return the value from its text; None if the checksum does not hold."""
    if not isinstance(text, str) or zlib.crc32(f"{key}={text}".encode(errors="replace")) != crc:
        return None
    return json.loads(text)
