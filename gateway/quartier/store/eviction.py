"""A bounded file: which samples are covered, and which go first when the disk budget is used up.

The named order: oldest trimmed first, then oldest untrimmed with a gap record.  Rows of the write ledger go
with the trimmed ones, and with a gap record too.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from quartier.house.entry import STREAM
from quartier.house.sample import Mark
from quartier.store.gaps import Gap

PAGE_BYTES = 1024  # a commit writes whole pages, and has some hundred bytes to say
USED_SHARE_HIGH, _USED_SHARE_LOW = 0.95, 0.90
_INT_MAX = 2**63 - 1  # SQLite's; a watermark may say any uint64
# Marks are text with a checksum, so they are compared here by a small table kept beside the file's own.
_TRIMMED = """(:all OR chunk.stream IN (SELECT value FROM json_each(:local)) OR chunk.boot < m.boot
               OR (chunk.boot = m.boot AND chunk.first + chunk.count - 1 <= m.seq))"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts as delivered beside the marks: streams that stay here; everything without an outbox."""

    local_streams: tuple[str, ...] = ()
    outbox: bool = True


Note = Callable[[sqlite3.Connection, Mapping[str, Mark]], None]


def evict(
    connection: sqlite3.Connection, size_max_bytes: int, terms: Terms, note: Note = lambda *_: None
) -> tuple[int, list[Gap]]:
    """Make room when the budget is nearly used; how many samples went, and which of them unseen.

    ``note`` is given the last sample that went of each stream.
    """
    if used_bytes(connection) <= USED_SHARE_HIGH * size_max_bytes:
        return 0, []
    low = _USED_SHARE_LOW * size_max_bytes
    count, gaps = 0, []
    marks: dict[str, Mark] = {}
    how = {"all": not terms.outbox, "local": json.dumps(terms.local_streams)}
    for trimmed in (True, False):
        while used_bytes(connection) > low:
            rows = connection.execute(
                "SELECT id, stream, chunk.boot, first, count, from_ms, to_ms FROM chunk "  # noqa: S608 - our own words
                f"LEFT JOIN temp.marks AS m USING (stream) WHERE {'' if trimmed else 'NOT '}"
                f"coalesce({_TRIMMED}, 0) ORDER BY id LIMIT 8",
                how,
            ).fetchall()
            if not rows:
                break
            connection.executemany("DELETE FROM chunk WHERE id = ?", [(row[0],) for row in rows])
            count += sum(row[4] for row in rows)
            for _, stream, boot, first, size, *_ in rows:
                mark = marks.get(stream, Mark(0, 0))
                if (boot, first + size - 1) > (mark.boot, mark.seq):
                    marks[stream] = Mark(boot, first + size - 1)
            gaps += [
                Gap("evicted", row[1], row[2], row[3], row[3] + row[4] - 1, *row[5:])
                for row in rows
                if not trimmed or row[1] == STREAM  # nobody else has a copy of the ledger
            ]
    note(connection, marks)
    return count, _joined(gaps)


def backlog_count(connection: sqlite3.Connection, terms: Terms, boot: int) -> int:
    """Samples of boots before ``boot`` in chunks above the marks."""
    (count,) = connection.execute(
        "SELECT coalesce(sum(CASE WHEN chunk.boot = m.boot "  # noqa: S608 - our own words
        "THEN min(count, max(0, first + count - 1 - m.seq)) "
        f"ELSE count END), 0) FROM chunk LEFT JOIN temp.marks AS m USING (stream) "
        f"WHERE chunk.boot < :boot AND NOT coalesce({_TRIMMED}, 0)",
        {"all": False, "local": json.dumps(terms.local_streams), "boot": boot},
    ).fetchone()
    return int(count)


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


def used_bytes(connection: sqlite3.Connection) -> int:
    """Bytes of the pages in use; free ones are used again before the file grows."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()  # that of the file, should it be older
    return int((pages - free) * size)


def load_marks(connection: sqlite3.Connection, marks: Mapping[str, Mark]) -> None:
    """Let ``evict`` and ``backlog_count`` compare with these marks from now on."""
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS marks (stream TEXT PRIMARY KEY, boot INTEGER, seq INTEGER)"
    )
    rows = [(stream, min(mark.boot, _INT_MAX), min(mark.seq, _INT_MAX)) for stream, mark in marks.items()]
    connection.executemany("INSERT OR REPLACE INTO temp.marks VALUES (?, ?, ?)", rows)
