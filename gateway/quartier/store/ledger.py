"""The store as the loop sees it: every sample is numbered here, journalled, kept and offered.

Nothing here waits for a disk except ``open`` and ``close``.  Time comes in as ``Now``.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from quartier.house.now import Now
from quartier.house.sample import Mark, Sample
from quartier.store import boots, journal
from quartier.store.chunks import FLOAT, QUALITY_BITS, Chunk, sort_value
from quartier.store.database import Database, Job, Loaded
from quartier.store.deadband import Deadbands, Gate
from quartier.store.gaps import Gap, event_value
from quartier.store.outbox import NONE, Outbox, above
from quartier.store.writer import Committed, Failed, Opened, Salvaged, Writer
from quartier_drivers.contract import Quality, Reading

EVENT, NODE = "event", "node"
OPEN_TIMEOUT_S = 8.0
CHUNK_COUNT_MAX = 16_384
SEALS_PER_COMMIT_MAX = 64
RETRY_MAX_S = 60.0
JOURNAL_MAX_BYTES = 64 * 1024 * 1024
GOOD = Quality.GOOD


class _Stream:
    """One stream of this boot: its open chunk and how many points write into it."""

    __slots__ = ("chunk", "epoch", "limit", "name", "points_count")

    def __init__(self, name: str, chunk: Chunk) -> None:
        self.name = name
        self.chunk = chunk
        self.limit = 0
        self.points_count = 0
        self.epoch = -1


class _File:
    """A generation of the journal and, once it is full, the last sequence of each stream in it."""

    __slots__ = ("generation", "lasts", "path")

    def __init__(self, generation: int, path: Path) -> None:
        self.generation = generation
        self.path = path
        self.lasts: dict[str, int] | None = None


class _Slot:
    """One point: its gate and where its samples go."""

    __slots__ = ("epoch", "gate", "metric", "number", "stream")

    def __init__(self, number: int, metric: str, stream: _Stream, gate: Gate) -> None:
        self.number = number
        self.metric = metric
        self.stream = stream
        self.gate = gate
        self.epoch = -1


class Store:
    """The local history and outbox of one gateway (sync.md section 3).

    ``assets`` are the owners that are streams of their own; every other owner's points go to the
    stream ``node``.  ``local_streams`` never leave the building and are not offered.  Without
    ``outbox`` (no district) nothing is offered and everything counts as delivered.
    ``seal_s``: an open chunk is sealed at that age even when it is not full.
    ``pending_max_count`` bounds the samples that wait in memory for a disk that does not take them.
    """

    def __init__(  # noqa: PLR0913 - the site file's keys, by name
        self,
        path: Path,
        runtime_dir: Path,
        *,
        size_max_bytes: int = 512_000_000,
        commit_s: float = 10.0,
        chunk_count: int = 512,
        deadbands: Deadbands | None = None,
        assets: Collection[str] = (),
        local_streams: Collection[str] = (),
        outbox: bool = True,
        seal_s: float = 3600.0,
        pending_max_count: int = 200_000,
    ) -> None:
        self.deadbands = deadbands or Deadbands()
        self.boot = 0
        self._path = path
        self._folder = runtime_dir / "journal"
        self._commit_s = commit_s
        self._chunk_count = chunk_count
        self._seal_ms = int(seal_s * 1000)
        self._pending_max_count = pending_max_count
        self._assets = frozenset(assets)
        self._local = frozenset(local_streams)
        self._offers = outbox
        self._writer = Writer(Database(path, size_max_bytes))
        self._outbox = Outbox(path)
        self._journal = journal.Journal(self._folder, 0, JOURNAL_MAX_BYTES)
        self._slots: dict[str, _Slot] = {}
        self._codes: dict[str, _Slot] = {}
        self._streams: dict[str, _Stream] = {}
        self._names: list[tuple[str, str]] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self._memory: dict[str, list[Chunk]] = {}
        self._waiting: list[Chunk] = []
        self._retired: list[Chunk] = []
        self._heads: dict[str, Mark] = {}
        self._marks: dict[str, Mark] = {}
        self._marks_new: dict[str, Mark] = {}
        self._gaps_new: list[Gap] = []
        self._damaged_ids: list[int] = []
        self._evicted_to: dict[str, int] = {}
        self._files: list[_File] = []
        self._in_flight: list[Chunk] = []
        self._old_files: list[Path] = []
        self._epoch = 0
        self._urgent = False
        self._loaded = False
        self._due_ns = 0
        self._failed_in_row = 0
        self._stats: dict[str, Any] = {
            "recorded_count": 0,
            "commits_count": 0,
            "commits_failed_count": 0,
            "evicted_count": 0,
            "dropped_count": 0,
            "gaps_count": 0,
            "size_bytes": 0,
            "used_bytes": 0,
            "old_backlog_count": 0,
            "newest_utc_ms": 0,
            "set_aside": "",
            "error": "",
        }

    # Start and stop: the only two that may wait

    def open(self, now: Now) -> int:
        """Open the file, take in what a killed process left, and number this boot.

        Never fails: a damaged file is set aside, an absent or full disk is tried again at each
        commit.  May wait up to 8 s, so call it before the loop or in a thread.  Returns the boot.
        """
        self._writer.start()
        self._writer.submit(_open_job(now))
        self._writer.wait(OPEN_TIMEOUT_S)
        opened = [report for report in self._writer.reports if isinstance(report, Opened)]
        place = self._path.with_name(self._path.name + ".boot")
        known = [boots.read_boot(place) or 0]
        known += [report.loaded.boot for report in opened]
        known += [journal.file_boot(path) for path in journal.files(self._folder)]
        self.boot = boots.next_boot(known, now.utc_ms, synced=now.synced)
        boots.keep_boot(place, self.boot)  # the other place is the file itself, with the first commit
        self._old_files = [
            path for path in journal.files(self._folder) if journal.file_boot(path) < self.boot
        ]
        self._journal = journal.Journal(self._folder, self.boot, JOURNAL_MAX_BYTES)
        self._rotate()
        self._collect(now)
        self._due_ns = now.ns
        self.tick(now)
        self._writer.wait(OPEN_TIMEOUT_S)
        return self.boot

    def close(self, now: Now, timeout_s: float = 3.0) -> bool:
        """Commit what is open and stop; False when the disk did not take it (the journal then keeps it)."""
        self._writer.wait(timeout_s / 2)
        clean = False
        if self._is_ready(now) and self._loaded:
            self._submit(now, clean=True)
            self._writer.wait(timeout_s / 2)
            self._collect(now)
            clean = self._failed_in_row == 0 and self._pending_count() == 0
        self._writer.stop(timeout_s / 2)
        self._journal.close()
        self._outbox.close()
        if clean:
            for entry in self._files:
                self._journal.drop(entry.path)
        return clean

    # Each cycle

    def record(self, readings: Iterable[Reading], now: Now) -> int:
        """Number, journal and keep every reading that passes its deadband; returns how many did.

        A sample's time is ``now`` less the age of its reading.
        """
        shift_ms = now.utc_ms - now.ns // 1_000_000
        slots, epoch = self._slots, self._epoch
        items: list[Any] = []
        texts: list[tuple[int, str]] = []
        places: dict[str, Any] | None = None
        for reading in readings:
            slot = slots.get(reading.point)
            if slot is None:
                slot = self._new_slot(reading.point)
            value, quality, taken_ns = reading.value, reading.quality, reading.taken_ns
            if not slot.gate.passes(value, quality, taken_ns):
                continue
            stream = slot.stream
            if slot.epoch != epoch or stream.epoch != epoch:
                places = self._declare(slot, places)
            kind, number, text = (FLOAT, value, "") if type(value) is float else sort_value(value)
            if quality is not GOOD:
                kind |= QUALITY_BITS[quality]
            if text:
                texts.append((len(items) // 4, text))
            time_ms = shift_ms + taken_ns // 1_000_000
            stream.chunk.append(slot.number, kind, number, time_ms, text)
            items += (slot.number, kind, number, time_ms)
            if len(stream.chunk.times) >= stream.limit:
                self._turn(stream)
        return self._write(places, items, texts)

    def event(self, code: str, text: str, data: Mapping[str, Any], now: Now) -> None:
        """Number an event (stream ``event``, metric ``code``) and have it committed at once.

        Its value is one JSON object with ``text`` and ``data``; ``data`` must be JSON-ready.
        """
        self._event(code, text, data, now)
        if self._loaded and not self._failed_in_row and self._is_ready(now):
            self._submit(now)

    def _event(self, code: str, text: str, data: Mapping[str, Any], now: Now) -> None:
        slot = self._codes.get(code)
        if slot is None:
            slot = self._codes[code] = self._add(EVENT, code, Gate(self.deadbands.of(f"{EVENT}.{code}")))
        fresh = slot.epoch != self._epoch or slot.stream.epoch != self._epoch
        places = self._declare(slot, None) if fresh else None
        value = event_value(text, dict(data))
        kind, number, _ = sort_value(value)
        slot.stream.chunk.append(slot.number, kind, number, now.utc_ms, value)
        self._write(places, [slot.number, kind, number, now.utc_ms], [(0, value)])
        if len(slot.stream.chunk) >= slot.stream.limit:
            self._turn(slot.stream)
        self._urgent = True

    def tick(self, now: Now) -> None:
        """Let time pass: take in what the writer reports, hand it a commit when one is due.

        Call it every cycle; it costs next to nothing when nothing is due.
        """
        ready = self._is_ready(now)
        if now.ns < self._due_ns and not (self._urgent and not self._failed_in_row):
            return
        self._seal_old(now)
        if self._pending_count() > self._pending_max_count:
            self._relieve(now)
        if ready:
            self._submit(now)

    def _is_ready(self, now: Now) -> bool:
        """Whether the writer is idle *and* all it reported was taken in, in this order."""
        idle = self._writer.is_idle
        self._collect(now)
        return idle

    # For the district

    def samples(self, above: Mapping[str, Mark], limit: int) -> list[Sample]:  # noqa: A002, RUF100 - the district's word
        """Up to ``limit`` samples above the marks, oldest first, open chunks included.

        A stream that ``above`` does not name counts from its beginning.  Streams whose mark lies in
        memory (all of live data) cost no read of the file.
        """
        heads = self.heads() if self._offers else {}
        memory = {stream: list(self._memory.get(stream, ())) for stream in heads}
        return self._outbox.read(above, heads, memory, limit)

    def heads(self) -> Mapping[str, Mark]:
        """The newest numbered sample of each stream that may leave the building."""
        heads = dict(self._heads)
        for name, stream in self._streams.items():
            if stream.chunk.last:
                heads[name] = Mark(self.boot, stream.chunk.last)
        return {name: mark for name, mark in heads.items() if name not in self._local}

    def trim(self, marks: Mapping[str, Mark]) -> None:
        """Everything up to the marks is stored by the district; marks never go back nor beyond what was numbered."""
        heads = self.heads()
        for stream, mark in marks.items():
            head = heads.get(stream)
            if head is None or above(head, mark.boot, mark.seq):
                continue
            if above(self._marks.get(stream, NONE), mark.boot, mark.seq):
                self._marks[stream] = self._marks_new[stream] = mark

    @property
    def marks(self) -> Mapping[str, Mark]:
        """How far each stream was trimmed; survives a restart."""
        return self._marks

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counters and figures: counts since start, ``size_bytes``, ``backlog_count``, ``error`` (text) …"""
        pending = self._pending_count()
        return {
            **self._stats,
            "boot": self.boot,
            "pending_count": pending,
            "backlog_count": self._backlog_count(),
            "journal_bytes": self._journal.size_bytes,
            "journal_failed_count": self._journal.failed_count,
            "is_open": self._loaded,
            "writer_alive": self._writer.is_alive,
        }

    def set_assets(self, assets: Collection[str], local_streams: Collection[str] = ()) -> None:
        """A re-read site file: which owners are streams of their own from now on."""
        self._assets, self._local = frozenset(assets), frozenset(local_streams)
        self._slots.clear()

    # Inside

    def _new_slot(self, point: str) -> _Slot:
        owner, _, quantity = point.partition(".")
        stream, metric = (owner, quantity) if owner in self._assets else (NODE, point)
        slot = self._add(stream, metric, Gate(self.deadbands.of(point)))
        self._slots[point] = slot
        return slot

    def _add(self, stream_name: str, metric: str, gate: Gate) -> _Slot:
        stream = self._streams.get(stream_name)
        if stream is None:
            chunk = Chunk(stream_name, self.boot, 1, self._names)
            stream = self._streams[stream_name] = _Stream(stream_name, chunk)
            self._memory.setdefault(stream_name, []).append(chunk)
        number = self._numbers.get((stream_name, metric))
        if number is None:
            number = self._numbers[stream_name, metric] = len(self._names)
            self._names.append((stream_name, metric))
            stream.points_count += 1
            stream.limit = min(CHUNK_COUNT_MAX, self._chunk_count * stream.points_count)
        return _Slot(number, metric, stream, gate)

    def _declare(self, slot: _Slot, places: dict[str, Any] | None) -> dict[str, Any]:
        if places is None:
            places = {"names": [], "streams": []}
        if slot.epoch != self._epoch:
            slot.epoch = self._epoch
            places["names"].append((slot.number, slot.stream.name, slot.metric))
        if slot.stream.epoch != self._epoch:
            slot.stream.epoch = self._epoch
            places["streams"].append((slot.stream.name, slot.stream.chunk.last + 1))
        return places

    def _write(self, places: dict[str, Any] | None, items: list[Any], texts: list[tuple[int, str]]) -> int:
        if not items:
            return 0
        if not self._journal.append(places, items, texts):
            self._epoch += 1  # what follows a hole names its places anew
        count = len(items) // 4
        self._stats["recorded_count"] += count
        return count

    def _turn(self, stream: _Stream) -> None:
        """The open chunk is full: it waits to be sealed, the next one begins."""
        full = stream.chunk
        stream.chunk = Chunk(stream.name, self.boot, full.last + 1, self._names)
        self._memory[stream.name].append(stream.chunk)
        self._waiting.append(full)

    def _seal_old(self, now: Now) -> None:
        for stream in self._streams.values():
            times = stream.chunk.times
            if times and now.utc_ms - times[0] > self._seal_ms:
                self._turn(stream)

    def _rotate(self) -> None:
        if self._files:
            self._files[-1].lasts = {name: stream.chunk.last for name, stream in self._streams.items()}
        self._journal.rotate()
        self._epoch += 1
        self._files.append(_File(self._journal.generation, self._journal.path))

    def _chunks(self) -> Iterable[Chunk]:
        return (chunk for chunks in self._memory.values() for chunk in chunks)

    def _pending_count(self) -> int:
        return sum(len(chunk) - chunk.committed for chunk in self._chunks())

    def _submit(self, now: Now, *, clean: bool = False) -> None:
        self._urgent = False
        self._due_ns = (
            max(self._due_ns, now.ns) if self._failed_in_row else now.ns + int(self._commit_s * 1e9)
        )
        if not self._loaded:
            self._writer.submit(_open_job(now))
            return
        seals = self._waiting[:SEALS_PER_COMMIT_MAX]
        sealing = set(map(id, seals))
        job = Job(
            self.boot,
            self._names,
            len(self._names),
            parts=[
                (chunk, chunk.committed, len(chunk))
                for chunk in self._chunks()
                if chunk.boot == self.boot and chunk.committed < len(chunk) and id(chunk) not in sealing
            ],
            seals=seals,
            marks=self._marks_new,
            gaps=self._gaps_new,
            damaged_ids=self._damaged_ids,
            local_streams=tuple(sorted(self._local)),
            outbox=self._offers,
            clean=clean,
            condemned=self._outbox.condemned,
            generation=self._journal.generation,
            utc_ms=now.utc_ms,
        )
        if not job.has_work:
            return
        self._marks_new, self._gaps_new, self._damaged_ids = {}, [], []
        if job.parts or job.seals:
            self._rotate()
        self._in_flight = [*(chunk for chunk, _, _ in job.parts), *seals]
        self._writer.submit(job)

    def _collect(self, now: Now) -> None:
        """Take in what the writer reports and what a reader found damaged."""
        while self._outbox.damaged:
            number, gap = self._outbox.damaged.popleft()
            if number not in self._damaged_ids:
                self._damaged_ids.append(number)
                self._note_gap(gap, now)
        while self._writer.reports:
            report = self._writer.reports.popleft()
            self._in_flight = []
            match report:
                case Opened():
                    self._take_opened(report, now)
                case Committed():
                    self._take_committed(report, now)
                case Failed():
                    self._take_failed(report, now)
                case Salvaged():
                    for gap in report.lost:
                        self._note_gap(gap, now)

    def _take_committed(self, report: Committed, now: Now) -> None:
        job, done = report.job, report.done
        if self._failed_in_row:
            self._failed_in_row = 0
            self._stats["error"] = ""
            self._event("store.disk_back", "the history is written again", {}, now)
        for chunk, _, stop in job.parts:
            chunk.committed = max(chunk.committed, stop)
        for chunk in self._retired:
            self._memory[chunk.stream].remove(chunk)
        for chunk in job.seals:
            chunk.committed = len(chunk)
            self._waiting.remove(chunk)
        self._retired = list(job.seals)
        self._drop_files([entry for entry in self._files if entry.generation <= job.generation])
        if self._old_files and not any(chunk.boot < self.boot for chunk in self._waiting):
            for path in self._old_files:
                path.unlink(missing_ok=True)
            self._old_files = []
        self._stats["commits_count"] += 1
        self._stats["size_bytes"], self._stats["used_bytes"] = done.size_bytes, done.used_bytes
        self._stats["old_backlog_count"] = done.backlog_count
        self._stats["evicted_count"] += done.evicted_count
        for gap in done.evicted:
            if gap.boot == self.boot:
                self._evicted_to[gap.stream] = max(gap.last, self._evicted_to.get(gap.stream, 0))
            self._note_gap(gap, now, stored=True)

    def _take_failed(self, report: Failed, now: Now) -> None:
        job = report.job
        first = not self._failed_in_row
        self._failed_in_row += 1
        self._stats["commits_failed_count"] += 1
        self._stats["error"] = report.error
        self._marks_new = {**job.marks, **self._marks_new}
        self._gaps_new = [*job.gaps, *self._gaps_new]
        self._damaged_ids = [*job.damaged_ids, *self._damaged_ids]
        wait_s = min(RETRY_MAX_S, self._commit_s * 2 ** min(self._failed_in_row - 1, 6))
        self._due_ns = max(self._due_ns, now.ns + int(wait_s * 1e9))
        if first and self._loaded:
            self._event("store.disk_failed", f"the history is not written: {report.error}", {}, now)

    def _take_opened(self, report: Opened, now: Now) -> None:
        loaded = report.loaded
        if self._loaded:
            # A file was replaced while we ran: memory is the truth, and all of it must be written again.
            for chunk in self._chunks():
                chunk.committed = 0
            self._waiting = [*self._retired, *self._waiting]
            self._retired = []
        else:
            self._adopt(loaded, now)
        self._loaded = True
        self._failed_in_row = 0
        self._stats["error"] = ""
        self._due_ns = now.ns
        self._outbox.forget()
        for gap in loaded.gaps:
            self._note_gap(gap, now)
        if report.aside is not None:
            self._stats["set_aside"] = report.aside.name
            self._event(
                "store.set_aside",
                f"the history file was damaged and is kept as {report.aside.name}; what can be read is carried over",
                {"file": report.aside.name},
                now,
            )
            if not loaded.boot:
                self._note_gap(Gap("damaged", "*", 0, 0, 0, 0, now.utc_ms), now)

    def _adopt(self, loaded: Loaded, now: Now) -> None:
        """Samples that were open when the last process ended become chunks, to be sealed first."""
        self._marks = {**loaded.marks, **self._marks}
        self._heads = {**loaded.heads, **self._heads}
        self._stats["newest_utc_ms"] = loaded.newest_utc_ms
        kept = {journal.file_boot(path) for path in self._old_files}
        found: dict[tuple[int, str], dict[int, Sample]] = {}
        for sample in loaded.samples:
            found.setdefault((sample.boot, sample.stream), {})[sample.seq] = sample
        tails = {key: max(samples) for key, samples in found.items()}
        for path in self._old_files:
            for sample in journal.samples(path):
                found.setdefault((sample.boot, sample.stream), {}).setdefault(sample.seq, sample)
        chunks = []
        for (boot, stream), samples in sorted(found.items()):
            sealed = loaded.sealed.get((boot, stream), 0)
            numbers = sorted(seq for seq in samples if seq > sealed)
            chunks += self._rebuilt([samples[seq] for seq in numbers], sealed, now)
            if numbers:
                self._heads[stream] = max(self._heads.get(stream, NONE), Mark(boot, numbers[-1]), key=_order)
        for chunk in reversed(chunks):
            self._memory.setdefault(chunk.stream, []).insert(0, chunk)
        self._waiting = [*chunks, *self._waiting]
        if (
            loaded.boot
            and loaded.clean_boot != loaded.boot
            and loaded.boot not in kept
            and loaded.boot < self.boot
        ):
            ends = {
                stream: last
                for (boot, stream), last in {**loaded.sealed, **tails}.items()
                if boot == loaded.boot
            }
            firsts = tuple(sorted((stream, last + 1) for stream, last in ends.items()))
            from_ms = min(loaded.newest_utc_ms, now.utc_ms)
            self._note_gap(Gap("power-cut", "*", loaded.boot, 0, 0, from_ms, now.utc_ms, firsts), now)

    def _rebuilt(self, samples: list[Sample], sealed: int, now: Now) -> list[Chunk]:
        """Chunks of consecutive samples; a hole between them is a gap."""
        chunks: list[Chunk] = []
        numbers: dict[str, int] = {}
        names: list[tuple[str, str]] = []
        expected, before_ms = sealed + 1, samples[0].taken_utc_ms if samples else 0
        for sample in samples:
            if sample.seq != expected or not chunks or len(chunks[-1]) >= CHUNK_COUNT_MAX:
                chunks.append(Chunk(sample.stream, sample.boot, sample.seq, names))
            if sample.seq != expected:
                gap = Gap(
                    "damaged",
                    sample.stream,
                    sample.boot,
                    expected,
                    sample.seq - 1,
                    before_ms,
                    sample.taken_utc_ms,
                )
                self._note_gap(gap, now)
            if sample.metric not in numbers:
                numbers[sample.metric] = len(names)
                names.append((sample.stream, sample.metric))
            kind, number, text = sort_value(sample.value)
            kind |= QUALITY_BITS[sample.quality]
            chunks[-1].append(numbers[sample.metric], kind, number, sample.taken_utc_ms, text)
            expected, before_ms = sample.seq + 1, sample.taken_utc_ms
        return chunks

    def _note_gap(self, gap: Gap, now: Now, *, stored: bool = False) -> None:
        if not stored:
            self._gaps_new.append(gap)
        self._stats["gaps_count"] += 1
        self._event("store.gap", gap.text(), gap.data(), now)

    def _relieve(self, now: Now) -> None:
        """The disk takes nothing and memory is full: the oldest samples that wait go, counted and named."""
        for stream in self._streams.values():
            if stream.name != EVENT and stream.chunk.committed < len(stream.chunk):
                self._turn(stream)
        busy = set(map(id, self._in_flight))
        pending, goal = self._pending_count(), 3 * self._pending_max_count // 4
        for chunk in sorted(self._waiting, key=lambda chunk: chunk.times[0]):
            if pending <= goal:
                break
            if id(chunk) in busy or chunk.stream == EVENT or chunk.committed >= len(chunk):
                continue
            pending -= self._drop(chunk, now)
        floors = self._floors()
        self._drop_files(
            [file for file in self._files if file.lasts is not None and _is_below(file.lasts, floors)]
        )

    def _drop(self, chunk: Chunk, now: Now) -> int:
        count = len(chunk) - chunk.committed
        first, times = chunk.first + chunk.committed, chunk.times[chunk.committed :]
        gap = Gap("dropped", chunk.stream, chunk.boot, first, chunk.last, min(times), max(times))
        chunk.cut(chunk.committed)
        if not chunk:
            self._waiting.remove(chunk)
            self._memory[chunk.stream].remove(chunk)
        self._stats["dropped_count"] += count
        self._note_gap(gap, now)
        return count

    def _floors(self) -> dict[str, int]:
        """Per stream the first sequence of this boot that is not on disk."""
        floors: dict[str, int] = {}
        for chunk in self._chunks():
            if chunk.boot == self.boot and chunk.committed < len(chunk):
                floors.setdefault(chunk.stream, chunk.first + chunk.committed)
        return floors

    def _drop_files(self, files: list[_File]) -> None:
        for file in files:
            self._files.remove(file)
            self._journal.drop(file.path)

    def _backlog_count(self) -> int:
        if not self._offers:
            return 0
        count = int(self._stats["old_backlog_count"])
        for name, stream in self._streams.items():
            if name in self._local:
                continue
            mark = self._marks.get(name, NONE)
            covered = mark.seq if mark.boot == self.boot else 0
            count += max(0, stream.chunk.last - max(covered, self._evicted_to.get(name, 0)))
        for chunk in self._waiting:
            if chunk.boot < self.boot and chunk.stream not in self._local:
                mark = self._marks.get(chunk.stream, NONE)
                covered = mark.seq + 1 - chunk.first if mark.boot == chunk.boot else 0
                count += len(chunk) - min(max(covered, 0), len(chunk)) if mark.boot <= chunk.boot else 0
        return count


def _open_job(now: Now) -> Job:
    return Job(0, (), 0, utc_ms=now.utc_ms)


def _is_below(lasts: Mapping[str, int], floors: Mapping[str, int]) -> bool:
    return all(stream not in floors or last < floors[stream] for stream, last in lasts.items())


def _order(mark: Mark) -> tuple[int, int]:
    return mark.boot, mark.seq
