"""Read sealed chunks in sequence, with the next one read ahead."""

import sqlite3
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from quartier.site.samples import StreamPosition
from quartier.store.chunks import Chunk, DamagedBytes, unseal
from quartier.store.gap_records import GapRecord

# One statement, so one state of the file: a row evicted between two of them would look like damage.
_NEXT_SQL = (
    "SELECT id, boot, first, count, from_ms, to_ms, (SELECT body FROM chunk AS row WHERE row.id = chunk.id) "
    "FROM chunk INDEXED BY chunk_key "
    "WHERE stream = ? AND boot >= ? AND (boot > ? OR first + count > ?) ORDER BY boot, first LIMIT 1"
)
_INT_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One row: its key, and its chunk, which is None if it is damaged."""

    number: int
    boot: int
    first: int
    last: int
    from_utc_ms: int
    to_utc_ms: int
    chunk: Chunk | None

    def gap(self, stream: str) -> GapRecord:
        """Return the gap record for the loss of this row."""
        return GapRecord(
            "damaged", stream, self.boot, self.first, self.last, self.from_utc_ms, self.to_utc_ms
        )


class ChunkReader:
    """Returns the chunk after a mark; keeps one chunk per stream and reads one ahead.

    A damaged chunk is noted in ``damaged`` as (row, gap).  ``condemned``: the file itself cannot be read.
    ``is_hidden``: it could not be read just now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._held: dict[str, ChunkRow] = {}
        self._ahead: dict[str, tuple[StreamPosition, ChunkRow]] = {}
        self._requests: SimpleQueue[tuple[str, StreamPosition] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._replaced = threading.Event()
        self.damaged: deque[tuple[int, GapRecord]] = deque()
        self.condemned = self.is_hidden = False

    def after(self, stream: str, mark: StreamPosition) -> ChunkRow | None:
        """Return the chunk with the first sample above ``mark``; None if none can be read."""
        held = self._held.get(stream)
        if held is not None and held.boot == mark.boot and held.first <= mark.seq + 1 <= held.last:
            return held
        ahead = self._ahead.get(stream)
        entry = ahead[1] if ahead is not None and ahead[0] == mark else self._read_now(stream, mark)
        if entry is not None:
            self._held[stream] = entry
            self._request_next(stream, StreamPosition(entry.boot, entry.last))
            if entry.chunk is None:
                self.damaged.append((entry.number, entry.gap(stream)))
        return entry

    def forget(self) -> None:
        """Close the file after it was replaced: read the new one from now on."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._replaced.set()
        self._held.clear()
        self._ahead.clear()
        self.condemned = False

    def close(self) -> None:
        """Close the file and end the reading thread."""
        self.forget()
        if self._thread is not None:
            self._requests.put(None)
            self._thread.join()
            self._thread = None

    def _read_now(self, stream: str, mark: StreamPosition) -> ChunkRow | None:
        try:
            if self._connection is None:
                self._connection = _open_connection(self._path)
            found = _read_next(self._connection, stream, mark)
        except sqlite3.Error as error:
            self.condemned = self.condemned or _is_damage(error)
            self.is_hidden = self._path.exists()
            return None
        self.is_hidden = False
        return found

    def _request_next(self, stream: str, mark: StreamPosition) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._read_ahead, name="store-reader", daemon=True)
            self._thread.start()
        self._requests.put((stream, mark))

    def _read_ahead(self) -> None:
        connection: sqlite3.Connection | None = None
        while (request := self._requests.get()) is not None:
            if connection is not None and self._replaced.is_set():
                connection.close()
                connection = None
            self._replaced.clear()
            with suppress(sqlite3.Error):  # a caller that needs the chunk reads it and sees the error
                connection = connection or _open_connection(self._path)
                entry = _read_next(connection, *request)
                if entry is not None and not self._replaced.is_set():
                    self._ahead[request[0]] = request[1], entry
        if connection is not None:
            connection.close()


def _open_connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=1.0
    )
    try:
        connection.execute("PRAGMA cache_size = -500")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _read_next(connection: sqlite3.Connection, stream: str, mark: StreamPosition) -> ChunkRow | None:
    boot, above = min(mark.boot, _INT_MAX), min(mark.seq + 1, _INT_MAX)
    found = connection.execute(_NEXT_SQL, (stream, boot, boot, above)).fetchone()
    if found is None:
        return None
    number, boot, first, count, from_ms, to_ms, body = found
    # The index may name a row that is gone: that is damage too, and must not look like the end.
    chunk = None if body is None else _unseal_checked(body, stream, boot, first, count)
    return ChunkRow(number, boot, first, first + count - 1, from_ms, to_ms, chunk)


def _unseal_checked(body: bytes, *key: object) -> Chunk | None:
    """Return the chunk if its bytes are sound and its key matches its row; else None."""
    try:
        chunk = unseal(body)
    except (DamagedBytes, TypeError):
        return None
    return chunk if key == (chunk.stream, chunk.boot, chunk.first, len(chunk)) else None


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
