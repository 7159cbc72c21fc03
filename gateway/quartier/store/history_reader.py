"""Read history and write ledger for people, also while the daemon runs, including open tails."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from heapq import merge
from pathlib import Path
from typing import Any, TypeVar

from quartier.site.ledger import LEDGER_STREAM, LedgerEntry, parse_entry
from quartier.site.samples import Sample
from quartier.store import journal
from quartier.store.chunks import Chunk, DamagedBytes, unseal
from quartier.store.gap_records import GapRecord
from quartier.store.history_file import commit_log
from quartier.store.history_file.contents import read_gaps, read_tail_pieces, read_undecided
from quartier_drivers.points import parse_quantity
from quartier_drivers.readings import Quality, Value

_FAR_FUTURE_MS = 2**53


def read_ledger(path: Path, runtime_dir: Path, from_ms: int, asset: str | None = None) -> list[LedgerEntry]:
    """Return every row that was in force or changed since ``from_ms`` (UTC), as last known, oldest first.

    A row is written again as it changes, and each of its lines is complete, so any readable line is enough.

    Raises FileNotFoundError if there is no history and PermissionError if it may not be read; damaged parts
    are left out.
    """
    newest: dict[tuple[int, int], LedgerEntry] = {}
    with closing(HistoryReader(path, runtime_dir, from_ms, _FAR_FUTURE_MS)) as reader:
        for entry in _read_entries(reader):
            if asset in {None, entry.asset} and max(entry.last_ms, entry.end_ms or 0) >= from_ms:
                newest[entry.boot, entry.number] = entry
    return sorted(newest.values(), key=lambda entry: (entry.utc_ms, entry.boot, entry.number))


def find_ledger_gaps(path: Path, runtime_dir: Path, from_ms: int) -> list[GapRecord]:
    """Find what is missing from the ledger since ``from_ms``: evicted, damaged, or lost in a power cut."""
    with closing(HistoryReader(path, runtime_dir, from_ms, _FAR_FUTURE_MS)) as reader:
        return [
            gap for gap in reader.gaps() if gap.stream in {LEDGER_STREAM, "*"} and gap.to_utc_ms >= from_ms
        ]


class HistoryReader:
    """A snapshot of the history; raises as ``read_history`` does.

    It reads the journal first, then the log files: what is committed or sealed meanwhile is then seen twice,
    and never missed.
    """

    def __init__(self, path: Path, runtime_dir: Path, from_ms: int, to_ms: int) -> None:
        self._from_ms, self._to_ms = from_ms, to_ms
        self._loose: dict[str, list[Chunk]] = {}
        self.boot_ends: dict[int, int] = {}
        files = journal.list_journal_files(runtime_dir / "journal")
        if not files and not path.exists():
            raise FileNotFoundError(f"no history at {path}")
        for file in files:
            with suppress(OSError):
                self._take(journal.read_journal(file).pieces)
        logged: list[bytes] = []
        for _, file in commit_log.list_log_files(path):
            with suppress(OSError):
                logged += commit_log.read_log_file(file)[0]
        self._connection = self._connect(path)
        self._take(_read_until_damage(lambda: read_tail_pieces(self._connection, logged)))
        for boot, end_ms in self._rows("SELECT boot, max(to_ms) FROM chunk GROUP BY boot"):
            self.boot_ends[boot] = max(end_ms, self.boot_ends.get(boot, 0))
        for pieces in self._loose.values():
            pieces.sort(key=_find_begin)

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        if not path.exists():
            return sqlite3.connect(":memory:")
        try:
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=5.0)
        except sqlite3.OperationalError as error:
            raise PermissionError(f"{path}: {error}") from error
        try:
            connection.execute("BEGIN")  # one snapshot for all queries that follow
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            raise PermissionError(f"{path}: {error}") from error
        except sqlite3.DatabaseError:
            connection.close()
            return sqlite3.connect(":memory:")
        return connection

    def _take(self, pieces: Iterable[Chunk]) -> None:
        for piece in pieces:
            if len(piece):
                self._loose.setdefault(piece.stream, []).append(piece)
                self.boot_ends[piece.boot] = max(*piece.times, self.boot_ends.get(piece.boot, 0))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def streams(self) -> list[str]:
        """Return the names of all streams, sorted."""
        stored = {str(stream) for (stream,) in self._rows("SELECT DISTINCT stream FROM chunk")}
        return sorted(stored | set(self._loose))

    def gaps(self) -> list[GapRecord]:
        """Return the gap records of the file, oldest first, then what was evicted last."""
        return [
            *_read_until_damage(lambda: read_gaps(self._connection)),
            *_read_until_damage(lambda: read_undecided(self._connection)),
        ]

    def samples(self, stream: str) -> Iterator[Sample]:
        """Yield the samples of a stream in sequence, each key once."""
        before = (0, 0)
        for sample in merge(self._iterate_sealed(stream), self._open(stream), key=_find_place):
            if _find_place(sample) > before:
                before = _find_place(sample)
                yield sample

    def _open(self, stream: str) -> Iterator[Sample]:
        for piece in self._loose.get(stream, ()):
            yield from piece.rows()

    def _iterate_sealed(self, stream: str) -> Iterator[Sample]:
        keys = self._rows(
            "SELECT id FROM chunk INDEXED BY chunk_key "
            "WHERE stream = ? AND to_ms >= ? AND from_ms < ? ORDER BY boot, first",
            (stream, self._from_ms, self._to_ms),
        )
        for (number,) in list(keys):
            for (body,) in self._rows("SELECT body FROM chunk WHERE id = ?", (number,)):
                try:
                    chunk = unseal(body)
                except DamagedBytes:
                    continue
                yield from chunk.rows()

    def _rows(self, sql: str, values: tuple[object, ...] = ()) -> Iterator[Any]:
        return _read_until_damage(lambda: self._connection.execute(sql, values))


def _read_entries(reader: HistoryReader) -> Iterator[LedgerEntry]:
    for sample in reader.samples(LEDGER_STREAM):
        try:
            yield parse_entry(str(sample.value))
        except ValueError:
            continue


_T = TypeVar("_T")
# A value from before the requested span is searched this far back; samples are only stored on change, so it
# may be old.
LOOK_BACK_MS = 6 * 3_600_000
_MEAN_UNITS = frozenset(
    {"w", "va", "var", "w_per_s", "a", "v", "hz", "c", "k", "pct", "ppm", "pa", "m3_per_h"}
)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row of an answer.

    Without ``every_s`` it is a sample, with its time ``utc_ms`` and ``count`` 1.  With ``every_s`` it is a
    span that begins at ``utc_ms``: it contains ``count`` samples, and ``value`` is their mean over time
    (powers, voltages …) or the last one (counters, states, texts).  With 0 samples the earlier value
    continued.

    ``value`` is None where nothing was read: a bad sample, or a span of bad time.  The mean is that of the
    good time alone, and the last one is the last that was not bad.  ``good_pct`` is the share of the good
    time in the time for which a value of the span is known; None without such a time, and for a sample.
    """

    point: str
    utc_ms: int
    value: Value | None
    quality: Quality
    count: int
    good_pct: float | None = None


def read_history(
    path: Path,
    runtime_dir: Path,
    patterns: Sequence[str],
    from_ms: int,
    to_ms: int,
    every_s: float | None = None,
) -> Iterator[HistoryRow]:
    """Yield rows of points that match any of ``patterns`` (``grid.*``), ``from_ms`` <= time < ``to_ms``.

    Times are UTC.  The order is by stream, and by time within a point.  ``every_s``: spans counted from
    ``from_ms``.

    Raises FileNotFoundError if there is no history and PermissionError if it may not be read; damaged parts
    are left out.
    """
    with closing(
        HistoryReader(path, runtime_dir, from_ms - (LOOK_BACK_MS if every_s else 0), to_ms)
    ) as reader:
        wants = _PointFilter(patterns)
        for stream in reader.streams():
            if stream == LEDGER_STREAM:  # ledger rows: see ``read_ledger``
                continue
            samples = (sample for sample in reader.samples(stream) if wants(sample))
            if every_s is None:
                yield from (_make_row(sample) for sample in samples if from_ms <= sample.taken_utc_ms < to_ms)
            else:
                yield from _make_spans(samples, reader.boot_ends, from_ms, to_ms, int(every_s * 1000))


def find_point_name(sample: Sample) -> str:
    """Return the point's full name; the metrics of stream ``node`` are full names already."""
    return sample.metric if sample.stream == "node" else f"{sample.stream}.{sample.metric}"


def _make_row(sample: Sample) -> HistoryRow:
    value = None if sample.quality is Quality.BAD else sample.value
    return HistoryRow(find_point_name(sample), sample.taken_utc_ms, value, sample.quality, 1)


class _PointFilter:
    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        self._known: dict[tuple[str, str], bool] = {}

    def __call__(self, sample: Sample) -> bool:
        key = sample.stream, sample.metric
        if key not in self._known:
            self._known[key] = any(
                fnmatchcase(find_point_name(sample), pattern) for pattern in self._patterns
            )
        return self._known[key]


def _read_until_damage(rows: Callable[[], Iterable[_T]]) -> Iterator[_T]:
    """Yield rows until the file reports damage."""
    try:
        yield from rows()
    except sqlite3.DatabaseError:
        return


def _find_begin(piece: Chunk) -> tuple[int, int]:
    return piece.boot, piece.first


def _find_place(sample: Sample) -> tuple[int, int]:
    return sample.boot, sample.seq


@dataclass(slots=True)
class _Span:
    """The samples in one span of one point."""

    count: int = 0
    weighted: float = 0.0
    weighted_ms: int = 0
    good_ms: int = 0
    known_ms: int = 0
    last: Value | None = None
    quality: Quality = Quality.BAD

    def take(self, sample: Sample) -> None:
        """Take a sample as the last one, unless it is bad: a bad sample has no value."""
        if sample.quality is not Quality.BAD:
            self.last, self.quality = sample.value, sample.quality


@dataclass(slots=True)
class _Trace:
    """The state of one point while its samples are read: its present value, and the spans so far."""

    is_mean: bool
    since_ms: int = 0
    boot: int = 0
    held: Sample | None = None
    spans: dict[int, _Span] = field(default_factory=dict)


def _make_spans(
    samples: Iterable[Sample], boot_ends: Mapping[int, int], from_ms: int, to_ms: int, every_ms: int
) -> Iterator[HistoryRow]:
    grid = _Grid(from_ms, to_ms, max(1, every_ms))
    traces: dict[str, _Trace] = {}
    for sample in samples:
        trace = traces.setdefault(find_point_name(sample), _Trace(_is_averaged(sample)))
        if trace.held is not None:
            # A stopped daemon knows nothing: a value holds only until the last sample of its boot.
            end_ms = sample.taken_utc_ms
            if trace.held.boot != sample.boot:
                end_ms = min(end_ms, boot_ends[trace.held.boot])
            grid.hold(trace, end_ms)
        grid.add_sample(trace, sample)
    for point, trace in sorted(traces.items()):
        if trace.held is not None:
            grid.hold(trace, min(to_ms, boot_ends[trace.held.boot]))
        yield from _make_span_rows(point, trace, grid)


class _Grid:
    """The spans of a query."""

    def __init__(self, from_ms: int, to_ms: int, every_ms: int) -> None:
        self.from_ms, self.to_ms, self.every_ms = from_ms, to_ms, every_ms

    def add_sample(self, trace: _Trace, sample: Sample) -> None:
        """Add a sample: its value holds from now on, and it counts in its span."""
        trace.held = sample
        trace.since_ms = sample.taken_utc_ms
        if self.from_ms <= sample.taken_utc_ms < self.to_ms:
            span = trace.spans.setdefault((sample.taken_utc_ms - self.from_ms) // self.every_ms, _Span())
            span.count += 1
            span.take(sample)

    def hold(self, trace: _Trace, end_ms: int) -> None:
        """Extend the present value until ``end_ms``."""
        held = trace.held
        at_ms, end_ms = max(trace.since_ms, self.from_ms), min(end_ms, self.to_ms)
        while held is not None and at_ms < end_ms:
            index = (at_ms - self.from_ms) // self.every_ms
            until_ms = min(end_ms, self.from_ms + (index + 1) * self.every_ms)
            span = trace.spans.setdefault(index, _Span())
            span.take(held)
            span.known_ms += until_ms - at_ms
            if held.quality is Quality.GOOD:
                span.good_ms += until_ms - at_ms
                if trace.is_mean and not isinstance(held.value, str):
                    span.weighted += held.value * (until_ms - at_ms)
                    span.weighted_ms += until_ms - at_ms
            at_ms = until_ms


def _make_span_rows(point: str, trace: _Trace, grid: _Grid) -> Iterator[HistoryRow]:
    for index, span in sorted(trace.spans.items()):
        value, quality = span.last, span.quality
        if span.weighted_ms:
            value, quality = span.weighted / span.weighted_ms, Quality.GOOD
        good_pct = 100.0 * span.good_ms / span.known_ms if span.known_ms else None
        utc_ms = grid.from_ms + index * grid.every_ms
        yield HistoryRow(point, utc_ms, value, quality, span.count, good_pct)


def _is_averaged(sample: Sample) -> bool:
    try:
        return parse_quantity(find_point_name(sample).rpartition(".")[2]).unit in _MEAN_UNITS
    except ValueError:
        return False
