"""Make room in a bounded file: which chunks are deleted first, with a gap record.

The order: oldest trimmed first, then oldest untrimmed with a gap record.  Rows of the write ledger are
deleted with the trimmed ones, and also get a gap record.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quartier.site.ledger import LEDGER_STREAM
from quartier.site.samples import StreamPosition
from quartier.store.gap_records import GapRecord

PAGE_BYTES = 1024  # a commit writes whole pages, for some hundred bytes of data
USED_SHARE_HIGH, _USED_SHARE_LOW = 0.95, 0.90
_INT_MAX = 2**63 - 1  # SQLite's largest integer; a watermark may be any uint64
# Marks are text with a checksum, so a small temporary table is used to compare them.
_TRIMMED_SQL = """(:all OR chunk.stream IN (SELECT value FROM json_each(:local)) OR chunk.boot < m.boot
               OR (chunk.boot = m.boot AND chunk.first + chunk.count - 1 <= m.seq))"""


@dataclass(frozen=True, slots=True)
class EvictionTerms:
    """The samples that count as delivered besides the marks: local streams; all without an outbox."""

    local_streams: tuple[str, ...] = ()
    outbox: bool = True


@dataclass(frozen=True, slots=True)
class Eviction:
    """Number of deleted samples, their gaps, and the last deleted sample of each stream."""

    count: int = 0
    gaps: list[GapRecord] = field(default_factory=list)
    marks: Mapping[str, StreamPosition] = field(default_factory=dict)


def evict_chunks(
    connection: sqlite3.Connection,
    size_max_bytes: int,
    terms: EvictionTerms,
) -> Eviction:
    """Make room if the size limit is nearly reached; return what was deleted."""
    if count_used_bytes(connection) <= USED_SHARE_HIGH * size_max_bytes:
        return Eviction()
    low = _USED_SHARE_LOW * size_max_bytes
    count, gaps = 0, []
    marks: dict[str, StreamPosition] = {}
    how = {"all": not terms.outbox, "local": json.dumps(terms.local_streams)}
    for trimmed in (True, False):
        while count_used_bytes(connection) > low:
            rows = connection.execute(
                "SELECT id, stream, chunk.boot, first, count, from_ms, to_ms FROM chunk "  # noqa: S608 - our own words
                f"LEFT JOIN temp.marks AS m USING (stream) WHERE {'' if trimmed else 'NOT '}"
                f"coalesce({_TRIMMED_SQL}, 0) ORDER BY id LIMIT 8",
                how,
            ).fetchall()
            if not rows:
                break
            connection.executemany("DELETE FROM chunk WHERE id = ?", [(row[0],) for row in rows])
            count += sum(row[4] for row in rows)
            for _, stream, boot, first, size, *_ in rows:
                mark = marks.get(stream, StreamPosition(0, 0))
                if (boot, first + size - 1) > (mark.boot, mark.seq):
                    marks[stream] = StreamPosition(boot, first + size - 1)
            gaps += [
                GapRecord("evicted", row[1], row[2], row[3], row[3] + row[4] - 1, *row[5:])
                for row in rows
                if not trimmed or row[1] == LEDGER_STREAM  # nobody else has a copy of the ledger
            ]
    return Eviction(count, _join_gaps(gaps), marks)


def count_backlog(connection: sqlite3.Connection, terms: EvictionTerms, boot: int) -> int:
    """Count the samples of boots before ``boot`` in chunks above the marks."""
    (count,) = connection.execute(
        "SELECT coalesce(sum(CASE WHEN chunk.boot = m.boot "  # noqa: S608 - our own words
        "THEN min(count, max(0, first + count - 1 - m.seq)) "
        f"ELSE count END), 0) FROM chunk LEFT JOIN temp.marks AS m USING (stream) "
        f"WHERE chunk.boot < :boot AND NOT coalesce({_TRIMMED_SQL}, 0)",
        {"all": False, "local": json.dumps(terms.local_streams), "boot": boot},
    ).fetchone()
    return int(count)


def _join_gaps(gaps: Sequence[GapRecord]) -> list[GapRecord]:
    joined: list[GapRecord] = []
    for gap in sorted(gaps, key=lambda gap: (gap.stream, gap.boot, gap.first)):
        last = joined[-1] if joined else None
        if last is not None and (last.stream, last.boot, last.last + 1) == (gap.stream, gap.boot, gap.first):
            joined[-1] = GapRecord(
                gap.why, gap.stream, gap.boot, last.first, gap.last, last.from_utc_ms, gap.to_utc_ms
            )
        else:
            joined.append(gap)
    return joined


def count_used_bytes(connection: sqlite3.Connection) -> int:
    """Count the bytes of the pages in use; free pages are reused before the file grows."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()  # that of the file, which may be older
    return int((pages - free) * size)


def set_compared_marks(connection: sqlite3.Connection, marks: Mapping[str, StreamPosition]) -> None:
    """Make ``evict_chunks`` and ``count_backlog`` compare with these marks from now on."""
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS marks (stream TEXT PRIMARY KEY, boot INTEGER, seq INTEGER)"
    )
    rows = [(stream, min(mark.boot, _INT_MAX), min(mark.seq, _INT_MAX)) for stream, mark in marks.items()]
    connection.executemany("INSERT OR REPLACE INTO temp.marks VALUES (?, ?, ?)", rows)
