"""Set a damaged file aside, carry its readable rows over, and record what is lost."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from quartier.site.samples import StreamPosition
from quartier.store.chunks import ChunkKey, DamagedBytes, read_sealed_key
from quartier.store.gap_records import GapRecord
from quartier.store.history_file import commit_log
from quartier.store.history_file.contents import (
    FileContents,
    read_contents,
    read_gaps,
    read_marks,
    read_meta,
    read_tail_pieces,
)
from quartier.store.history_file.database import Database

_ASIDE_COUNT_MAX = 2
_KEYS_SQL = "SELECT id, stream, boot, first, count, from_ms, to_ms FROM chunk"
_PASSES_SQL = (
    f"{_KEYS_SQL} INDEXED BY chunk_key ORDER BY stream, boot, first",
    f"{_KEYS_SQL} INDEXED BY chunk_key ORDER BY stream DESC, boot DESC, first DESC",
    f"{_KEYS_SQL} NOT INDEXED ORDER BY id",
    f"{_KEYS_SQL} NOT INDEXED ORDER BY id DESC",
)


def set_aside(path: Path, utc_ms: int) -> Path:
    """Rename the file and its companions to ``<name>.damaged-<UTC>``; keep the newest two such files.

    Raises OSError.
    """
    aside = path.with_name(f"{path.name}.damaged-{_make_stamp(utc_ms)}")
    while aside.exists():
        aside = aside.with_name(aside.name + "x")
    commit_log.move_log_files(path, aside)
    for ending in ("-wal", "-shm", ""):
        source = path.with_name(path.name + ending)
        if source.exists():
            source.rename(aside.with_name(aside.name + ending))
    for name in _find_asides(path)[:-_ASIDE_COUNT_MAX]:
        commit_log.remove_log_files(name)
        for ending in ("-wal", "-shm", ""):
            name.with_name(name.name + ending).unlink(missing_ok=True)
    return aside


def find_newest_aside(path: Path) -> Path | None:
    """Find the file that was set aside last."""
    return next(reversed(_find_asides(path)), None)


def _find_asides(path: Path) -> list[Path]:
    """Find the files that were set aside, oldest first, without their companions."""
    return sorted(
        name
        for name in path.parent.glob(f"{path.name}.damaged-*")
        if not name.name.endswith(("-wal", "-shm")) and not commit_log.is_log_file(name.name)
    )


def _make_stamp(utc_ms: int) -> str:
    with closing(sqlite3.connect(":memory:")) as connection:
        (text,) = connection.execute(
            "SELECT strftime('%Y%m%dT%H%M%SZ', ?, 'unixepoch')", (utc_ms // 1000,)
        ).fetchone()
    return str(text)


def read_damaged_file(aside: Path) -> FileContents:
    """Read boot, marks, tail and gap records of a file set aside, each as far as it is readable."""
    logged = [
        body for _, file in commit_log.list_log_files(aside) for body in commit_log.read_log_file(file)[0]
    ]
    with closing(_open_aside(aside)) as connection:
        try:
            return read_contents(connection, logged)
        except (sqlite3.Error, OverflowError):
            pass
        loaded = FileContents()
        for key, number in _read_rows(lambda: read_meta(connection)):
            loaded.boot = number if key == "boot" else loaded.boot
            loaded.clean_boot = number if key == "clean" else loaded.clean_boot
            loaded.good_utc_ms = number if key == "good" else loaded.good_utc_ms
        loaded.marks = dict(_read_rows(lambda: read_marks(connection)))
        loaded.pieces = list(_read_rows(lambda: read_tail_pieces(connection, logged)))
        loaded.newest_utc_ms = max((max(piece.times) for piece in loaded.pieces), default=0)
        return loaded


def _open_aside(aside: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{aside}?mode=rw", uri=True, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    return connection


def _read_rows(rows: Callable[[], Iterable[Any]]) -> Iterator[Any]:
    try:
        yield from rows()
    except (sqlite3.Error, OverflowError):
        return


class Salvage:
    """Carries the chunks of a file set aside into the new one, a few at a time."""

    def __init__(self, aside: Path) -> None:
        self._connection = _open_aside(aside)
        self._keys: dict[int, ChunkKey] = {}
        for sql in _PASSES_SQL:
            for number, *key in _read_rows(partial(self._connection.execute, sql)):
                if isinstance(number, int) and number not in self._keys and _is_key(key):
                    self._keys[number] = ChunkKey(*key)
        self._order = sorted(self._keys)
        self._at = 0
        self._known = {
            (gap.stream, gap.boot, gap.first) for gap in _read_rows(lambda: read_gaps(self._connection))
        }
        self.old_gaps = list(_read_rows(lambda: read_gaps(self._connection)))
        self.lost: list[GapRecord] = []

    def add_keys(self, loaded: FileContents) -> None:
        """Add to ``loaded`` how far each stream was sealed, from the keys of the chunks."""
        for key in self._keys.values():
            last = key.first + key.count - 1
            head = loaded.heads.get(key.stream, StreamPosition(0, 0))
            if (key.boot, last) > (head.boot, head.seq):
                loaded.heads[key.stream] = StreamPosition(key.boot, last)
            loaded.sealed[key.boot, key.stream] = max(last, loaded.sealed.get((key.boot, key.stream), 0))
            loaded.newest_utc_ms = max(loaded.newest_utc_ms, key.to_utc_ms)

    def step(self, database: Database, count: int = 32) -> bool:
        """Carry the next ``count`` chunks over; return False if there are no more.  Raises sqlite3.Error."""
        batch = self._order[self._at : self._at + count]
        database.insert_rows(row for row in map(self._read_row, batch) if row is not None)
        self._at += len(batch)
        if self._at < len(self._order):
            return True
        self.close()
        return False

    def close(self) -> None:
        """Close the file set aside; rows that were not carried over stay in it."""
        self._connection.close()

    def _read_row(self, number: int) -> tuple[int, str, int, int, int, int, int, bytes] | None:
        key = self._keys[number]
        for (body,) in _read_rows(
            lambda: self._connection.execute("SELECT body FROM chunk WHERE id = ?", (number,))
        ):
            try:
                inside = read_sealed_key(body)
            except (DamagedBytes, TypeError):
                break
            place = (
                inside.stream,
                inside.boot,
                inside.first,
                inside.count,
                inside.from_utc_ms,
                inside.to_utc_ms,
            )
            return (number, *place, body)
        self.lost.append(
            GapRecord(
                "damaged",
                key.stream,
                key.boot,
                key.first,
                key.first + key.count - 1,
                key.from_utc_ms,
                key.to_utc_ms,
            )
        )
        return None


def _is_key(key: list[Any]) -> bool:
    return isinstance(key[0], str) and all(isinstance(part, int) and part >= 0 for part in key[1:])
