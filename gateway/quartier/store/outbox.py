"""What the district has not confirmed: samples above its marks, from memory and from sealed chunks."""

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any

from quartier.house.sample import Mark, Sample
from quartier.store.chunks import Chunk, Damaged, unseal
from quartier.store.gaps import Gap

NONE = Mark(0, 0)


def above(mark: Mark, boot: int, seq: int) -> bool:
    """Whether sample ``seq`` of ``boot`` is newer than the mark."""
    return (boot, seq) > (mark.boot, mark.seq)


class Outbox:
    """Reads one stream after the other in sequence; several are merged, the oldest sample first.

    A chunk that turns out to be damaged is left out and noted in ``damaged`` as (row, gap);
    ``condemned`` says that the file itself cannot be read; while ``is_partial`` (a damaged file is
    being carried over) nothing older than memory is offered, lest a later sample overtake it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._cache: dict[str, tuple[int, Chunk]] = {}
        self.damaged: deque[tuple[int, Gap]] = deque()
        self.condemned = False
        self.is_partial = False

    def read(
        self,
        marks: Mapping[str, Mark],
        heads: Mapping[str, Mark],
        memory: Mapping[str, Sequence[Chunk]],
        limit: int,
    ) -> list[Sample]:
        """Up to ``limit`` samples of the streams in ``heads`` above their marks."""
        with self._lock:
            rows = [
                self._rows(stream, marks.get(stream, NONE), memory.get(stream, ()))
                for stream, head in heads.items()
                if above(marks.get(stream, NONE), head.boot, head.seq)
            ]
            if len(rows) == 1:
                return list(islice(rows[0], limit))
            return list(islice(merge(*rows, key=_age), limit))

    def forget(self) -> None:
        """The file was replaced: read the new one from now on."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self._cache.clear()
            self.condemned = False

    close = forget

    def _rows(self, stream: str, mark: Mark, memory: Sequence[Chunk]) -> Iterator[Sample]:
        kept = [chunk for chunk in memory if len(chunk)]
        # Where memory begins at or below the mark no file need be asked: so live data costs no read.
        if not kept or above(mark, kept[0].boot, kept[0].first - 1):
            if self.is_partial:
                return
            yield from self._stored(stream, mark, (kept[0].boot, kept[0].first) if kept else None)
            if self.condemned:
                return
        for chunk in kept:
            yield from _newer(chunk, mark)

    def _stored(self, stream: str, mark: Mark, before: tuple[int, int] | None) -> Iterator[Sample]:
        for number, boot, first, count, from_ms, to_ms in self._keys(stream, mark):
            if before is not None and (boot, first) >= before:
                return
            chunk = self._chunk(stream, number)
            if chunk is not None:
                yield from _newer(chunk, mark)
            elif not self.condemned:
                key = stream, boot, first, first + count - 1
                self.damaged.append((number, Gap("damaged", *key, from_ms, to_ms)))

    def _keys(self, stream: str, mark: Mark) -> Iterator[tuple[int, int, int, int, int, int]]:
        """Rows of chunks above the mark, a few at a time."""
        boot, seq = mark.boot, mark.seq
        while rows := self._query(
            "SELECT id, boot, first, count, from_ms, to_ms FROM chunk INDEXED BY chunk_key WHERE stream = ? "
            "AND boot >= ? AND (boot > ? OR first + count > ?) ORDER BY boot, first LIMIT 16",
            (stream, boot, boot, seq + 1),
        ):
            yield from rows
            boot, seq = rows[-1][1], rows[-1][2] + rows[-1][3] - 1

    def _chunk(self, stream: str, number: int) -> Chunk | None:
        cached = self._cache.get(stream)
        if cached is not None and cached[0] == number:
            return cached[1]
        for (body,) in self._query("SELECT body FROM chunk WHERE id = ?", (number,)):
            try:
                chunk = unseal(body)
            except Damaged:
                return None
            self._cache[stream] = number, chunk
            return chunk
        return None

    def _query(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(
                    f"file:{self._path}?mode=ro",
                    uri=True,
                    isolation_level=None,
                    check_same_thread=False,
                    timeout=1.0,
                )
                self._connection.execute("PRAGMA cache_size = -1000")
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self.condemned = self.condemned or _is_damage(error)
            return []


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _newer(chunk: Chunk, mark: Mark) -> Iterator[Sample]:
    if chunk.boot > mark.boot:
        yield from chunk.rows()
    elif chunk.boot == mark.boot:
        yield from chunk.rows(max(0, mark.seq + 1 - chunk.first))


def _age(sample: Sample) -> int:
    return sample.taken_utc_ms
