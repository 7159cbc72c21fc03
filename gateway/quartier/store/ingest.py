"""Make samples of readings: apply the deadband, number, journal, add to the open chunk; never wait."""

import zlib
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from quartier.site.ledger import LEDGER_STREAM
from quartier.site.records import Now
from quartier.site.samples import StreamPosition
from quartier.store.chunks import CHUNK_COUNT_MAX, Chunk, ChunkPart
from quartier.store.deadband import Deadbands
from quartier.store.gap_records import GapRecord, render_event
from quartier.store.journal import Columns, Journal, list_names, make_places_frame
from quartier.store.sample_columns import PointNameTable
from quartier_drivers.readings import TEXT, Layout, Readings
from quartier_native import Gates, Route

EVENT_STREAM, NODE_STREAM = "event", "node"
JOURNAL_MAX_BYTES = 64 * 1024 * 1024
_NO_DEADBAND_GATE = -1
# Similar streams fill at the same rate.  The first chunk of each has another share of the full size, so that
# they are not all sealed at once: chunks that wait to be sealed would double the memory of all open chunks.
_FIRST_CHUNK_EIGHTHS = (8, 3, 6, 1, 7, 4, 2, 5)
SEALS_COUNT_MIN = 8  # chunks sealed in one commit, if that many wait
TEXT_COUNT_MAX = 1024  # events and ledger rows are text: one such sample is as long as thirty others


class _Stream:
    """One stream of this boot: its open chunk, the size limit of that, and its number of points."""

    __slots__ = ("chunk", "eighths", "epoch", "limit", "name", "points_count")

    def __init__(self, name: str, chunk: Chunk, eighths: int) -> None:
        self.name = name
        self.eighths = eighths
        self.chunk = chunk
        self.limit = 0
        self.points_count = 0
        self.epoch = -1


class _SampleRoute:
    """The data for points that come together: their names for the journal, their streams, their gates.

    Its samples are grouped by stream, in the order of ``streams``.
    """

    __slots__ = ("epoch", "names", "route", "streams")

    def __init__(
        self,
        streams: Sequence[_Stream],
        numbers: Sequence[int],
        gates: Sequence[int],
        kinds: bytes,
        names: PointNameTable,
    ) -> None:
        self.streams = list(dict.fromkeys(streams))
        group = {stream: index for index, stream in enumerate(self.streams)}
        self.route = Route(gates, numbers, kinds, [group[stream] for stream in streams])
        # Needed once for each file of the journal, and a tenth of the size until then.
        self.names = zlib.compress(list_names((number, *names[number]) for number in numbers).encode(), 1)
        self.epoch = -1


class _JournalFile:
    """A generation of the journal and, once the next has begun, the last sequence of each stream then."""

    __slots__ = ("generation", "lasts", "path")

    def __init__(self, generation: int, path: Path) -> None:
        self.generation = generation
        self.path = path
        self.lasts: dict[str, int] | None = None


class Ingest:
    """Numbers the samples of one boot and keeps them in memory until they are sealed on disk.

    ``memory`` holds per stream its chunks in sequence, the open one last.  ``waiting`` are the full ones that
    wait to be sealed.  ``names`` is the boot's table of points.
    """

    def __init__(self, folder: Path, deadbands: Deadbands, assets: Collection[str], chunk_count: int) -> None:
        self.boot = 0
        self.names = PointNameTable()
        self.memory: dict[str, list[Chunk]] = {}
        self.waiting: list[Chunk] = []
        self.recorded_count = 0
        self.journal = Journal(folder, 0, JOURNAL_MAX_BYTES)
        self._folder = folder
        self._deadbands = deadbands
        self._assets = frozenset(assets)
        self._chunk_count = chunk_count
        self._gates = Gates()
        self._gate_of = array("i")  # by a point's number; _NO_GATE before its first layout
        self._ways: WeakKeyDictionary[Layout, _SampleRoute] = WeakKeyDictionary()
        self._codes: dict[tuple[str, str], tuple[int, _SampleRoute]] = {}
        self._streams: dict[str, _Stream] = {}
        self._files: list[_JournalFile] = []
        self._epoch = 0
        self._is_journalled = True
        self._seal_first_count = 0

    def start(self, boot: int, *, journal_later: bool = False) -> None:
        """Begin the boot's numbers and its journal.

        ``journal_later``: samples numbered before ``begin_journal`` are only in memory; nobody may see them
        before they are committed.
        """
        self.boot = boot
        self._is_journalled = not journal_later
        self.journal = Journal(self._folder, boot, JOURNAL_MAX_BYTES)
        self.rotate()

    def begin_journal(self) -> None:
        """Begin to journal, first the samples that were numbered so far and are not on disk."""
        if self._is_journalled:
            return
        self._is_journalled = True
        for chunk in self.chunks():
            if chunk.boot == self.boot and chunk.committed < len(chunk):
                self._journal_chunk(chunk, chunk.committed)

    def _journal_chunk(self, chunk: Chunk, start: int) -> None:
        points = dict.fromkeys(chunk.points[start:])
        head = make_places_frame(
            list_names((point, *self.names[point]) for point in points), [(chunk.stream, chunk.first + start)]
        )
        for time_ms, count in chunk.times.spans(start, len(chunk)):
            stop = start + count
            columns = chunk.points[start:stop], chunk.kinds[start:stop], chunk.values[start:stop]
            texts = [(at - start, text) for at, text in chunk.texts.items() if start <= at < stop]
            self.journal.append(head, time_ms, columns, texts)
            head, start = b"", stop

    def record(self, readings: Readings, now: Now) -> int:
        """Number, journal and keep every reading that passes its deadband; return how many did."""
        way = self._ways.get(readings.layout)
        if way is None:
            way = self._make_route(readings.layout)
        taken_ns = readings.taken_ns
        passed = self._gates.sift(way.route, readings.values, readings.qualities, taken_ns, readings.texts)
        if passed is None:
            return 0
        points, kinds, values, ends, texts = passed
        time_ms = now.utc_ms - now.ns // 1_000_000 + taken_ns // 1_000_000
        return self._keep(way, time_ms, (points, kinds, values), ends, texts)

    def event(self, code: str, text: str, data: Mapping[str, Any], now: Now) -> None:
        """Number an event: stream ``event``, metric ``code``, value one JSON object."""
        self.record_text(EVENT_STREAM, code, render_event(text, dict(data)), now)

    def record_text(self, name: str, metric: str, text: str, now: Now) -> None:
        """Number a text of the stream ``name``, without a deadband."""
        if (name, metric) not in self._codes:
            stream = self._find_stream(name)
            number = self._number(stream, metric, self.names.numbers(name))
            self._codes[name, metric] = (
                number,
                _SampleRoute([stream], [number], [0], bytes([TEXT]), self.names),
            )
        number, way = self._codes[name, metric]
        columns = array("I", [number]), array("B", [TEXT]), array("d", [0.0])
        self._keep(way, now.utc_ms, columns, (1,), [(0, text)])

    def set_assets(self, assets: Collection[str]) -> None:
        """Set which owners have streams of their own; each point's next reading passes its deadband."""
        self._assets = frozenset(assets)
        self._gates = Gates()
        self._gate_of = array("i", [_NO_DEADBAND_GATE]) * len(self.names)
        self._ways.clear()

    def find_lasts(self) -> dict[str, int]:
        """Return the newest sequence of each stream of this boot."""
        return {name: stream.chunk.last for name, stream in self._streams.items()}

    def chunks(self) -> Iterator[Chunk]:
        """Yield all chunks in memory, each stream in sequence."""
        return (chunk for chunks in self.memory.values() for chunk in chunks)

    def pending_count(self) -> int:
        """Count the samples in memory that are not on disk."""
        # Count the values: the caller is the appending thread, so no sample is half added.  Called in each
        # cycle.
        return sum(len(chunk.values) - chunk.committed for chunks in self.memory.values() for chunk in chunks)

    def figures(self) -> dict[str, int]:
        """Return counters and figures of memory and journal."""
        return {
            "recorded_count": self.recorded_count,
            "pending_count": self.pending_count(),
            "journal_bytes": self.journal.size_bytes,
            "journal_failed_count": self.journal.failed_count,
        }

    def due(self) -> tuple[list[ChunkPart], list[Chunk]]:
        """Return the parts of open chunks and the full chunks that a commit takes now.

        Streams with the same rate fill together.  Sealing is spread, so that the writer does not hold the
        interpreter long.
        """
        seals = self.waiting[: max(SEALS_COUNT_MIN, len(self.waiting) // 4, self._seal_first_count)]
        sealing = set(map(id, seals))
        parts = [
            (chunk, chunk.committed, count)
            for chunks in self.memory.values()
            for chunk in chunks
            if chunk.committed < (count := len(chunk.values)) and id(chunk) not in sealing
        ]
        return parts, seals

    def count_backlog(
        self, marks: Mapping[str, StreamPosition], evicted_to: Mapping[str, int], local: Collection[str]
    ) -> int:
        """Count samples above the marks: all of this boot, and older ones that wait to be sealed."""
        count = 0
        for stream, last in self.find_lasts().items():
            mark = marks.get(stream, StreamPosition(0, 0))
            covered = max(mark.seq if mark.boot == self.boot else 0, evicted_to.get(stream, 0))
            count += max(0, last - covered) if stream not in local else 0
        for chunk in self.waiting:
            mark = marks.get(chunk.stream, StreamPosition(0, 0))
            if chunk.boot < self.boot and mark.boot <= chunk.boot and chunk.stream not in local:
                covered = mark.seq + 1 - chunk.first if mark.boot == chunk.boot else 0
                count += len(chunk) - min(max(covered, 0), len(chunk))
        return count

    def adopt(self, chunks: list[Chunk], seal_first_count: int = 0) -> None:
        """Take closed chunks of earlier boots, to be sealed first; the first ones with the next commit."""
        by_stream: dict[str, list[Chunk]] = {}
        for chunk in sorted(chunks, key=_find_place):
            by_stream.setdefault(chunk.stream, []).append(chunk)
        for stream, older in by_stream.items():
            self.memory[stream] = [*older, *self.memory.get(stream, ())]
        self.waiting = [*chunks, *self.waiting]
        self._seal_first_count = seal_first_count

    def holds_older(self) -> bool:
        """Return whether samples of earlier boots are only in memory."""
        return any(chunk.boot < self.boot and chunk.committed < len(chunk) for chunk in self.waiting)

    def seal_older_than(self, utc_ms: int) -> None:
        """Close open chunks whose first sample is older than ``utc_ms``."""
        for stream in self._streams.values():
            if stream.chunk.values and stream.chunk.times.columns[0][0] < utc_ms:
                self._start_chunk(stream)

    def note_sealed(self, chunk: Chunk) -> None:
        """Note that the whole ``chunk`` is on disk; it stays readable in memory until ``forget``."""
        chunk.committed = len(chunk)
        self.waiting.remove(chunk)
        self._seal_first_count = 0

    def forget(self, chunk: Chunk) -> None:
        """Remove a chunk that is on disk or lost from memory."""
        self.memory[chunk.stream].remove(chunk)

    def rotate(self) -> None:
        """Begin the next generation of the journal."""
        lasts = self.find_lasts()
        if self._files:
            self._files[-1].lasts = lasts
        self.journal.rotate({stream: last for stream, last in lasts.items() if last})
        self._epoch += 1
        self._files.append(_JournalFile(self.journal.generation, self.journal.path))

    def take_complete_generation(self) -> int:
        """Return the newest generation that is complete; begin the next one if it is due."""
        if self.journal.is_done:
            self.rotate()
        return self.journal.generation - 1

    def drop_generations(self, upto: int) -> None:
        """Remove the journal's files up to this generation: their content is on disk."""
        self._drop_files([file for file in self._files if file.generation <= upto])

    def drop_oldest(self, goal_count: int, busy: Collection[int]) -> list[GapRecord]:
        """Drop the oldest waiting samples until ``goal_count`` are left; return their gap records.

        Events stay, and so do chunks whose ``id`` is in ``busy`` (the writer works on them).
        """
        for stream in self._streams.values():
            if stream.name != EVENT_STREAM and stream.chunk.committed < len(stream.chunk):
                self._start_chunk(stream)
        pending = self.pending_count()
        gaps = []
        for chunk in sorted(self.waiting, key=_find_oldest_ms):
            if pending <= goal_count:
                break
            if id(chunk) not in busy and chunk.stream != EVENT_STREAM and chunk.committed < len(chunk):
                gaps.append(self._drop_chunk(chunk))
                pending -= gaps[-1].count
        floors = self._find_floors()
        self._drop_files(
            [file for file in self._files if file.lasts is not None and _is_below(file.lasts, floors)]
        )
        return gaps

    def _make_route(self, layout: Layout) -> _SampleRoute:
        streams: list[_Stream] = []
        numbers: list[int] = []
        known: dict[str, dict[str, int]] = {}
        for point in layout.points:
            owner, _, quantity = point.partition(".")
            name, metric = (owner, quantity) if owner in self._assets else (NODE_STREAM, point)
            if name not in known:
                known[name] = self.names.numbers(name)
            streams.append(self._find_stream(name))
            numbers.append(self._number(streams[-1], metric, known[name]))
            if self._gate_of[numbers[-1]] == _NO_DEADBAND_GATE:
                self._gate_of[numbers[-1]] = self._make_gate(point)
        gates = [self._gate_of[number] for number in numbers]
        way = self._ways[layout] = _SampleRoute(streams, numbers, gates, layout.kinds, self.names)
        return way

    def _make_gate(self, point: str) -> int:
        deadband = self._deadbands.of(point)
        return self._gates.add(deadband.width, deadband.share_pct / 100.0, int(deadband.period_s * 1e9))

    def _find_stream(self, name: str) -> _Stream:
        stream = self._streams.get(name)
        if stream is None:
            chunk = Chunk(name, self.boot, 1, self.names)
            eighths = _FIRST_CHUNK_EIGHTHS[len(self._streams) % len(_FIRST_CHUNK_EIGHTHS)]
            stream = self._streams[name] = _Stream(name, chunk, eighths)
            self.memory.setdefault(name, []).append(chunk)
        return stream

    def _number(self, stream: _Stream, metric: str, known: dict[str, int]) -> int:
        """Return the number of a point, giving it one if needed; ``known`` are those of its stream."""
        number = known.get(metric)
        if number is None:
            number = known[metric] = self.names.add(stream.name, metric)
            self._gate_of.append(_NO_DEADBAND_GATE)
            stream.points_count += 1
            stream.limit = self._find_limit(stream)
        return number

    def _find_limit(self, stream: _Stream) -> int:
        """Return the number of samples that its open chunk takes: at least one more than it has already."""
        limit = self._chunk_count * stream.points_count
        if limit >= CHUNK_COUNT_MAX:
            limit = CHUNK_COUNT_MAX * stream.eighths // 8
        if stream.name in (EVENT_STREAM, LEDGER_STREAM):
            limit = min(limit, TEXT_COUNT_MAX)
        return max(limit, len(stream.chunk) + 1)

    def _keep(
        self,
        way: _SampleRoute,
        time_ms: int,
        columns: Columns,
        ends: Sequence[int],
        texts: Sequence[tuple[int, str]],
    ) -> int:
        """Add samples to the chunks and, in one write, to the journal; ``ends`` by stream of the route."""
        is_journalled = self._is_journalled
        head = self._make_names_frame(way) if is_journalled and way.epoch != self._epoch else b""
        start = 0
        for stream, stop in zip(way.streams, ends, strict=True):
            self._fill_chunk(stream, time_ms, columns, texts, start, stop)
            start = stop
        if is_journalled and not self.journal.append(head, time_ms, columns, texts):
            self._epoch += 1  # after a hole, streams and points are named again
        self.recorded_count += start
        return start

    def _make_names_frame(self, way: _SampleRoute) -> bytes:
        """Make the frame that names what this generation of the journal does not know of a route yet."""
        way.epoch = self._epoch
        fresh = [stream for stream in way.streams if stream.epoch != self._epoch]
        for stream in fresh:
            stream.epoch = self._epoch
        begins = [(stream.name, stream.chunk.last + 1) for stream in fresh]
        return make_places_frame(zlib.decompress(way.names).decode(), begins)

    def _fill_chunk(
        self,
        stream: _Stream,
        time_ms: int,
        columns: Columns,
        texts: Sequence[tuple[int, str]],
        start: int,
        stop: int,
    ) -> None:
        """Add samples ``start`` to ``stop`` to the open chunk, and to the next ones when it is full."""
        points, kinds, values = columns
        while start < stop:
            end = min(stop, start + stream.limit - len(stream.chunk))
            inside = [(index - start, text) for index, text in texts if start <= index < end] if texts else ()
            if end - start == len(points):
                stream.chunk.take(points, kinds, values, time_ms, inside)
            else:
                stream.chunk.take(points[start:end], kinds[start:end], values[start:end], time_ms, inside)
            if len(stream.chunk) >= stream.limit:
                self._start_chunk(stream)
            start = end

    def _start_chunk(self, stream: _Stream) -> None:
        """Queue the full chunk to be sealed, and begin the next one."""
        full = stream.chunk
        stream.chunk = Chunk(stream.name, self.boot, full.last + 1, self.names)
        stream.eighths = 8
        stream.limit = self._find_limit(stream)
        self.memory[stream.name].append(stream.chunk)
        self.waiting.append(full)

    def _drop_chunk(self, chunk: Chunk) -> GapRecord:
        first, times = chunk.first + chunk.committed, chunk.times[chunk.committed :]
        gap = GapRecord("dropped", chunk.stream, chunk.boot, first, chunk.last, min(times), max(times))
        chunk.cut(chunk.committed)
        if not len(chunk):
            self.waiting.remove(chunk)
            self.forget(chunk)
        return gap

    def _find_floors(self) -> dict[str, int]:
        """Return per stream the first sequence of this boot that is not on disk."""
        floors: dict[str, int] = {}
        for chunk in self.chunks():
            if chunk.boot == self.boot and chunk.committed < len(chunk):
                floors.setdefault(chunk.stream, chunk.first + chunk.committed)
        return floors

    def _drop_files(self, files: list[_JournalFile]) -> None:
        for file in files:
            self._files.remove(file)
            self.journal.drop(file.path)


def _find_place(chunk: Chunk) -> tuple[int, int]:
    return chunk.boot, chunk.first


def _find_oldest_ms(chunk: Chunk) -> int:
    return chunk.times[0]


def _is_below(lasts: Mapping[str, int], floors: Mapping[str, int]) -> bool:
    return all(stream not in floors or last < floors[stream] for stream, last in lasts.items())
