"""Provide the history to the event loop: number, journal, keep, offer and trim samples.

Nothing here waits for a disk except ``open``, ``close`` and ``wait_for_disk``.  Time is passed in as ``Now``.

States:

- *Closed* (``boot`` is 0).  ``open`` numbers the boot and leads to *opening*.
- *Opening* (not ``_loaded``): each due ``tick`` tries to open the file.  ``FileOpened`` -> *unsettled*.
- *Unsettled* (``_loaded``, not ``_begun``): memory holds what earlier boots left.  ``JobCommitted`` ->
  *committing*: earlier boots are settled.
- *Committing*: one job each ``commit_s``, at once for an event.  ``JobFailed`` -> *failing*.
- *Failing* (``_failed_in_row`` > 0): a job after each pause, which doubles up to 60 s.  ``JobCommitted`` ->
  *committing*.
- A file that was removed or set aside as damaged leads back to *unsettled*; all of memory is written again.

Invariants:

- The writer has one job at most, and all its reports are processed before the next job (``_is_ready``).
- An unconfirmed sample is in memory, on disk, undecided or in a gap record (spec/sync.md#watermark).
- An evicted sample that was sent is *undecided*, in memory and in the file, until the district's watermark
  covers it or leaves it out (``Delivery.decision_ns``): only then a gap record names it.
- A sample is never offered after its eviction is known.
- Once ``open`` has returned, the call that numbers a sample also journals it (spec/sync.md#journal).
- A sealed chunk stays in memory until the next commit, so that a reader always finds it.
- A file of the journal is deleted only when its samples are on disk or recorded as dropped.
- A mark never goes back, nor beyond the newest sample of its stream.
- What a failed job should have saved goes into the next job.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from quartier.site.ledger import LEDGER_STREAM, LedgerEntry
from quartier.site.records import Now
from quartier.site.samples import SampleBlock, StreamPosition
from quartier.store import boots, journal
from quartier.store.chunks import Chunk  # noqa: TC001 - type hints are read at run time too
from quartier.store.deadband import Deadbands
from quartier.store.gap_records import GAP_EVENT_CODE, GapRecord, KnownGaps, find_above
from quartier.store.history_file.chunk_reader import ChunkReader
from quartier.store.history_file.database import CommitJob, Database
from quartier.store.history_file.writer import (
    FileOpened,
    FileRenewed,
    FileSalvaged,
    HistoryWriter,
    JobCommitted,
    JobFailed,
    make_open_job,
)
from quartier.store.ingest import EVENT_STREAM, Ingest
from quartier.store.outbox import ALL_TRIMMED, NOTHING_TRIMMED, Delivery, Outbox, is_above
from quartier.store.recovery import find_lost_with_file, make_unknown_end, recover_history
from quartier_drivers.readings import Readings

OPEN_TIMEOUT_S = 8.0
UNDECIDED_COUNT_MAX = 1_000  # spans; beyond it the oldest are reported as missing
RETRY_MAX_S = 60.0
# Marks alone are written this seldom: the link keeps its own, and a commit with marks costs twice as much.
MARKS_PERIOD_S, CROWDED_SHARE = 600.0, 0.9
_COUNTER_NAMES = ("commits", "commits_failed", "evicted", "dropped", "gaps", "renewed")
_FIGURES = (*(f"{name}_count" for name in _COUNTER_NAMES), "size_bytes", "used_bytes", "good_utc_ms")


class Store:
    """The local history and outbox of one gateway (spec/sync.md#section-3).

    ``assets`` are the owners that have streams of their own; the points of all others go to the stream
    ``node``.  ``local_streams`` never leave the site and are not offered.  Without ``outbox`` (no district)
    nothing is offered and everything counts as delivered.  ``delivery`` is set once there is a link.

    ``seal_s``: an open chunk is sealed at that age even if it is not full.  ``pending_max_count`` limits the
    samples that wait in memory for a disk that refuses them.
    """

    def __init__(
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
        self.delivery: Delivery | None = None
        self._path = path
        self._folder = runtime_dir / "journal"
        self._commit_s = commit_s
        self._seal_ms = int(seal_s * 1000)
        self._pending_max_count = pending_max_count
        self._local = frozenset(local_streams) | {LEDGER_STREAM}
        self._offers = outbox
        self._size_max_bytes = size_max_bytes
        self._ingest = Ingest(self._folder, self.deadbands, assets, chunk_count)
        self._writer = HistoryWriter(Database(path, size_max_bytes))
        self._chunk_reader = ChunkReader(path)
        self._outbox = Outbox(self._chunk_reader)
        self._in_flight: set[int] = set()  # ids of chunks that the writer is working on
        self._retired: list[Chunk] = []
        self._heads: dict[str, StreamPosition] = {}
        self._marks, self._marks_new = dict[str, StreamPosition](), dict[str, StreamPosition]()
        self._gaps_new: list[GapRecord] = []
        self._damaged_ids: list[int] = []
        self._undecided: deque[tuple[GapRecord, int]] = deque()  # evicted spans, and since when
        self._decided: list[GapRecord] = []
        self._gone: dict[str, StreamPosition] = {}  # up to where each stream was evicted
        self._evicted_to: dict[str, int] = {}
        self._old_files: list[Path] = []
        self._started: set[int] = set()  # boots whose end the history may not know
        self._noted = KnownGaps()  # reported by a boot that was killed before it committed the record
        self._is_salvage_reported = False
        self._urgent = self._loaded = self._begun = self._is_first = self._had_history = False
        self._due_ns = self._opened_ms = self._boot_before = self._marks_due_ns = 0
        self._failed_in_row = 0
        self._old_backlog_count = 0
        self._stats: dict[str, Any] = dict.fromkeys(_FIGURES, 0) | {"set_aside": "", "error": ""}

    # Start and stop: they may wait for the disk

    def open(self, now: Now) -> int:
        """Open the file, commit what killed processes left, and number this boot.

        It never fails: a damaged file is set aside, and an absent or full disk is tried again at each commit.
        It may wait some seconds for a slow disk, so call it before the loop or in a thread.  Returns the boot
        number.

        The first commit settles all earlier boots at once: the content of their journals, what is missing of
        them, and the events that report it.  Until then nothing of this boot is journalled or offered.  A
        kill before it therefore changes nothing, and the next start does and reports the same.
        """
        self._writer.start()
        place = self._path.with_name(self._path.name + ".boot")
        had_history = self._had_history = boots.had_history(place)
        self._writer.submit(make_open_job(now.utc_ms, had_history=had_history))
        self._writer.wait(OPEN_TIMEOUT_S)
        files = journal.list_journal_files(self._folder)
        known = [boots.read_boot(place) or 0, *map(journal.find_journal_boot, files)]
        found = [
            report.loaded.boot for report in tuple(self._writer.reports) if isinstance(report, FileOpened)
        ]
        self._boot_before = self._stats["boot_before"] = max(known) if had_history else 0
        self._is_first = not any(known)
        boot = boots.find_next_boot(known + found, now.utc_ms, synced=now.synced)
        self._old_files = [path for path in files if journal.find_journal_boot(path) < boot]
        self._started = boots.read_started(place)
        self._ingest.start(boot, journal_later=True)
        self._due_ns, self._opened_ms = now.ns, now.utc_ms
        self.tick(now)
        self._writer.wait(OPEN_TIMEOUT_S)
        self._is_ready(now)
        # The other place of the number is the history itself, with the first commit.
        unsettled = () if self._begun else {*self._started, *map(journal.find_journal_boot, self._old_files)}
        boots.save_boot(place, boot, opened=bool(found) or had_history, unsettled=unsettled)
        self._ingest.begin_journal()
        return boot

    def close(self, now: Now, timeout_s: float = 3.0) -> bool:
        """Commit what is open and stop; return False if the disk refused it (the journal then keeps it)."""
        self._writer.wait(timeout_s / 2)
        clean = False
        if self._is_ready(now) and self._loaded:
            self._record_boot_end(self.boot, self._ingest.find_lasts(), now)
            self._submit(now, clean=True)
            self._writer.wait(timeout_s / 2)
            clean = self._is_ready(now) and not self._failed_in_row and not self._ingest.pending_count()
        self._chunk_reader.close()  # first: the last to close checkpoints the write-ahead log, and may write
        self._writer.stop(timeout_s / 2)
        self._ingest.journal.close()
        if clean:
            self._ingest.drop_generations(self._ingest.journal.generation)
        return clean

    # Each cycle

    @property
    def boot(self) -> int:
        """The number of this boot; 0 before ``open``."""
        return self._ingest.boot

    def record(self, readings: Readings, now: Now) -> int:
        """Number, journal and keep the readings that pass their deadband; return how many did.

        Their time is ``now`` minus their age.
        """
        return self._ingest.record(readings, now)

    def event(self, code: str, text: str, data: Mapping[str, Any], now: Now) -> None:
        """Number an event (stream ``event``, metric ``code``) and commit it at once.

        Its value is one JSON object with ``text`` and ``data``; ``data`` must be JSON-ready.
        """
        self._event(code, text, data, now)
        if self._loaded and not self._failed_in_row and self._is_ready(now):
            self._submit(now)

    def write_down(self, entry: LedgerEntry, now: Now) -> None:
        """Save the present state of a row of the write ledger; it never leaves the site."""
        self._ingest.record_text(LEDGER_STREAM, entry.point, entry.text(), now)

    def tick(self, now: Now) -> None:
        """Process the writer's reports, and submit a commit if one is due; call it in each cycle.

        If the disk refuses, samples stay in memory up to a limit.  Then the oldest are dropped, with a gap
        record.
        """
        ready = self._is_ready(now)
        if self._undecided and self._begun:
            self._decide(now)
        crowded = ready and self._ingest.pending_count() > self._pending_max_count // 2  # before any drop
        if now.ns < self._due_ns and not ((self._urgent or crowded) and not self._failed_in_row):
            return
        self._ingest.seal_older_than(now.utc_ms - self._seal_ms)
        if self._ingest.pending_count() > self._pending_max_count:
            self._drop_oldest(now)
        if ready:
            self._submit(now)

    def wait_for_disk(self, timeout_s: float) -> bool:
        """Wait for the disk, for callers whose time runs faster than the disk; never in a cycle."""
        return self._writer.wait(timeout_s)

    # For the district

    def runs(self, above: Mapping[str, StreamPosition], limit: int) -> list[SampleBlock]:
        """Return up to ``limit`` samples above the marks, live ones only from memory (``outbox.py``)."""
        marks = {**above, **dict.fromkeys(self._local, ALL_TRIMMED)} if self._local else above
        for stream, gone in self._gone.items():
            if is_above(marks.get(stream, NOTHING_TRIMMED), gone.boot, gone.seq):
                marks = {**marks, stream: gone}
        return self._outbox.runs(marks, self._heads, self._ingest.memory, limit) if self._offers else []

    def run(self, stream: str, above: StreamPosition | None, limit: int) -> SampleBlock | None:
        """Return the next samples of one stream, at most ``limit``, of one boot and without a hole."""
        if not self._offers or stream in self._local:
            return None
        memory = self._ingest.memory.get(stream, ())
        above, gone = above or NOTHING_TRIMMED, self._gone.get(stream)
        if gone is not None and is_above(above, gone.boot, gone.seq):
            above = gone
        return self._outbox.run(stream, above, self._heads.get(stream), memory, limit)

    def heads(self) -> Mapping[str, StreamPosition]:
        """Return the newest numbered sample of each stream that may leave the site."""
        heads = {**self._heads}
        for stream, last in self._ingest.find_lasts().items():
            if last:
                heads[stream] = StreamPosition(self.boot, last)
        return {stream: mark for stream, mark in heads.items() if stream not in self._local}

    @property
    def is_whole(self) -> bool:
        """True if all that was kept can be found: the file is open, or nothing was ever kept."""
        return self._loaded or self._is_first

    def trim(self, marks: Mapping[str, StreamPosition]) -> None:
        """Note that the district has stored everything up to the marks.

        A mark never goes back, nor beyond the newest sample of its stream.
        """
        heads = self.heads()
        for stream, mark in marks.items():
            head = heads.get(stream)
            beyond = head is None or is_above(head, mark.boot, mark.seq)
            if not beyond and is_above(self._marks.get(stream, NOTHING_TRIMMED), mark.boot, mark.seq):
                self._marks[stream] = self._marks_new[stream] = mark

    @property
    def marks(self) -> Mapping[str, StreamPosition]:
        """The trim position of each stream; survives a restart."""
        return self._marks

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counters since the start, and figures: ``backlog_count``, ``size_bytes``, ``error`` (text) …"""
        return {
            **self._stats,
            **self._ingest.figures(),
            "boot": self.boot,
            "backlog_count": self._backlog_count(),
            "is_open": self._loaded,
            "error": self._stats["error"] or self._writer.fault,
        }

    def set_assets(self, assets: Collection[str], local_streams: Collection[str] = ()) -> None:
        """Set which owners have streams of their own, from a site file that was read again."""
        self._local = frozenset(local_streams) | {LEDGER_STREAM}
        self._ingest.set_assets(assets)

    # To the writer

    def _submit(self, now: Now, *, clean: bool = False) -> None:
        self._urgent = False
        retry_ns = max(self._due_ns, now.ns)
        self._due_ns = retry_ns if self._failed_in_row else now.ns + int(self._commit_s * 1e9)
        opening = make_open_job(now.utc_ms, had_history=self._had_history)
        job = self._make_job(now, clean=clean) if self._loaded else opening
        if self._loaded and not job.has_work:
            return
        if self._loaded:
            self._gaps_new, self._damaged_ids, self._decided = [], [], []
            if job.marks:
                self._marks_new, self._marks_due_ns = {}, now.ns + int(MARKS_PERIOD_S * 1e9)
            if job.parts or job.seals:
                job.generation = self._ingest.take_complete_generation()
        self._in_flight = {id(chunk) for chunk in (*(part[0] for part in job.parts), *job.seals)}
        self._writer.submit(job)

    def _make_job(self, now: Now, *, clean: bool) -> CommitJob:
        ingest = self._ingest
        parts, seals = ingest.due()
        marks = self._marks_new if clean or seals or self._are_marks_due(now) else {}
        job = CommitJob(self.boot, ingest.names, len(ingest.names), parts, seals, marks, self._gaps_new)
        job.utc_ms, job.good_utc_ms = now.utc_ms, now.utc_ms * now.synced
        job.damaged_ids, job.condemned, job.clean = self._damaged_ids, self._chunk_reader.condemned, clean
        job.decided = self._decided
        job.outbox, job.begin, job.local_streams = self._offers, not self._begun, tuple(sorted(self._local))
        job.is_salvage_reported, job.had_history = self._is_salvage_reported, self._had_history
        return job

    def _are_marks_due(self, now: Now) -> bool:
        """Return whether the file must get the marks now: they make room, or shrink the backlog."""
        needed = self._gaps_new or self._damaged_ids or not self._begun or self._old_backlog_count
        crowded = self._stats["used_bytes"] > CROWDED_SHARE * self._size_max_bytes
        return bool(needed or crowded or now.ns >= self._marks_due_ns)

    def _drop_oldest(self, now: Now) -> None:
        """Drop the oldest waiting samples, with gap records: the disk refuses and memory is full."""
        self._note_drops(self._ingest.drop_oldest(3 * self._pending_max_count // 4, self._in_flight), now)

    def _note_drops(self, gaps: Collection[GapRecord], now: Now) -> None:
        self._stats["dropped_count"] += sum(gap.count for gap in gaps)
        self._note_gaps(gaps, now)

    # From the writer

    def _is_ready(self, now: Now) -> bool:
        """Return whether the writer is idle *and* all its reports were processed, in this order."""
        idle = self._writer.is_idle
        while self._chunk_reader.damaged:
            number, gap = self._chunk_reader.damaged.popleft()
            if number not in self._damaged_ids:
                self._damaged_ids.append(number)
                self._note_gaps(self._noted.subtract(gap), now)
        while self._writer.reports:
            match self._writer.reports.popleft():
                case FileOpened() as report:
                    try:
                        self._take_opened(report, now)
                    except OSError as error:  # a journal cannot be read now: its content is not lost yet
                        self._writer.reports.appendleft(report)
                        self._stats["error"] = str(error)
                        return False
                case JobCommitted() as report:
                    self._take_committed(report, now)
                case JobFailed() as report:
                    self._take_failed(report, now)
                case FileRenewed() as report:
                    self._take_renewed(report, now)
                case FileSalvaged(lost):
                    self._outbox.is_partial = False
                    self._note_gaps(lost, now, stored=True)
                    self._is_salvage_reported = True
        return idle

    def _take_committed(self, report: JobCommitted, now: Now) -> None:
        job, done = report.job, report.done
        self._begun = self._had_history = True
        self._in_flight = set()
        for chunk, _, stop in job.parts:
            chunk.committed = max(chunk.committed, stop)
        for chunk in self._retired:
            self._ingest.forget(chunk)
        for chunk in job.seals:
            self._ingest.note_sealed(chunk)
        self._retired = list(job.seals)
        self._ingest.drop_generations(job.generation)
        if self._old_files and not self._ingest.holds_older():
            for path in self._old_files:
                path.unlink(missing_ok=True)
            self._old_files = []
        self._stats["commits_count"] += 1
        self._stats["size_bytes"], self._stats["used_bytes"] = done.size_bytes, done.used_bytes
        self._stats["evicted_count"] += done.evicted_count
        self._old_backlog_count = done.backlog_count
        self._take_evicted(done.evicted, now)
        if self._failed_in_row:
            self._failed_in_row = 0
            self._stats["error"] = ""
            self._event("store.disk_back", "the history is written again", {}, now)

    def _take_failed(self, report: JobFailed, now: Now) -> None:
        job = report.job
        self._failed_in_row += 1
        self._stats["commits_failed_count"] += 1
        self._stats["error"] = report.error
        self._in_flight = set()
        self._marks_new = {**job.marks, **self._marks_new}
        self._gaps_new = [*job.gaps, *self._gaps_new]
        self._damaged_ids = [*job.damaged_ids, *self._damaged_ids]
        self._decided = [*job.decided, *self._decided]
        wait_s = min(RETRY_MAX_S, self._commit_s * 2 ** min(self._failed_in_row - 1, 6))
        self._due_ns = max(self._due_ns, now.ns + int(wait_s * 1e9))
        if self._failed_in_row == 1 and self._loaded:
            self._event("store.disk_failed", f"the history is not written: {report.error}", {}, now)

    def _take_renewed(self, report: FileRenewed, now: Now) -> None:
        """Handle a file that was removed: write memory again, and record what was only in the file."""
        self._gaps_new = [*report.job.gaps, *self._gaps_new]
        reported = KnownGaps(gap for gap, _ in self._undecided)
        self._marks_new, self._damaged_ids = {**self._marks}, []
        self._stats["renewed_count"] += 1
        self._take_opened(FileOpened(report.loaded), now)
        name = report.aside.name if report.aside else ""
        text = "the history file was deleted while in use; a new one was started"
        self._event("store.file_lost", text, {"kept_as": name}, now)
        self._old_backlog_count = 0
        boot, memory = self.boot, self._ingest.memory
        lost = find_lost_with_file(boot, memory, self._heads, self._marks, self._opened_ms, now.utc_ms)
        self._skip_gone(lost)
        self._note_drops([left for gap in lost for left in reported.subtract(gap)], now)

    def _take_evicted(self, evicted: Sequence[GapRecord], now: Now) -> None:
        """Report what was evicted and never sent; the rest is undecided."""
        self._skip_gone(evicted)
        for gap in evicted:
            gone = self._gone.get(gap.stream, NOTHING_TRIMMED)
            if not self._outbox.is_partial and is_above(gone, gap.boot, gap.last):
                self._gone[gap.stream] = StreamPosition(gap.boot, gap.last)
            if self.delivery is not None and self.delivery.has_sent(
                gap.stream, gap.boot, gap.first, gap.last
            ):
                self._undecided.append((gap, now.ns))
            else:
                self._report_evicted(gap, now)

    def _report_undecided(self, now: Now) -> None:
        """Report all that is undecided as missing, because the file was replaced."""
        while self._undecided:
            self._report_evicted(self._undecided.popleft()[0], now)

    @property
    def _confirmed(self) -> Mapping[str, StreamPosition]:
        return self._marks if self.delivery is None else self.delivery.district_marks

    def _decide(self, now: Now) -> None:
        """Forget the evicted spans that the district has; report those that it does not have."""
        marks = self._confirmed
        decision_ns = now.ns if self.delivery is None else self.delivery.decision_ns
        count = len(self._undecided)
        for place in range(count):
            gap, since_ns = self._undecided.popleft()
            left = find_above(gap, marks.get(gap.stream, NOTHING_TRIMMED))
            if left is None:
                self._decided.append(gap)
            elif since_ns <= decision_ns or count - place > UNDECIDED_COUNT_MAX:
                self._report_evicted(gap, now)
            else:
                self._undecided.append((gap, since_ns))

    def _report_evicted(self, gap: GapRecord, now: Now) -> None:
        """Report the part of an evicted span that the marks do not cover."""
        left = find_above(gap, self._confirmed.get(gap.stream, NOTHING_TRIMMED))
        self._note_gaps(() if left is None else self._noted.subtract(left), now)
        self._decided.append(gap)
        self._urgent = True

    def _skip_gone(self, gone: Iterable[GapRecord]) -> None:
        """Leave missing samples of this boot out of the backlog."""
        for gap in gone:
            if gap.boot == self.boot:
                self._evicted_to[gap.stream] = max(gap.last, self._evicted_to.get(gap.stream, 0))

    def _take_opened(self, report: FileOpened, now: Now) -> None:
        loaded = report.loaded
        self._in_flight = set()
        if self._loaded:
            # The file was replaced while we ran: memory is the truth, and all of it is written again.
            for chunk in self._ingest.chunks():
                chunk.committed = 0
            self._ingest.waiting = [*self._retired, *self._ingest.waiting]
            self._retired.clear()
            self._note_gaps(loaded.gaps, now)
            self._report_undecided(now)
        else:
            self._take_recovered(report, now)
        self._loaded = True
        self._begun = False
        self._failed_in_row = 0
        self._stats["error"] = ""
        self._due_ns = now.ns
        self._outbox.forget()
        self._outbox.is_partial = loaded.is_partial
        self._is_salvage_reported = False
        if report.aside is not None:
            self._report_undecided(now)  # the new file does not have them
            self._outbox.is_partial = True
            name = report.aside.name
            self._stats["set_aside"] = name
            text = f"the history was damaged and is kept as {name}; what it still says is carried over"
            self._event("store.set_aside", text, {"file": name}, now)

    def _take_recovered(self, report: FileOpened, now: Now) -> None:
        loaded = report.loaded
        before = 0 if report.aside else self._boot_before
        is_lost = report.aside is not None and not loaded.boot  # nothing tells how the last boot ended
        started = () if is_lost else self._started
        recovered = recover_history(loaded, self._old_files, self.boot, now.utc_ms, before, started)
        if is_lost:
            recovered.gaps.append(make_unknown_end(loaded, self._boot_before, now.utc_ms))
        self._marks = {**loaded.marks, **self._marks}
        self._heads = recovered.heads
        self._stats["good_utc_ms"] = max(loaded.good_utc_ms, 1000 * self._boot_before)
        self._ingest.adopt(recovered.chunks, recovered.seal_first_count)
        last_boot = max((recovered.last_boot, *self._started))
        text = f"boot {self.boot} begins" + (f" after {last_boot}" if last_boot else "")
        self._event("store.boot_opened", text, {"boot": self.boot, "after": last_boot}, now)
        self._gaps_new += recovered.noted
        self._noted = KnownGaps(recovered.noted)
        self._note_gaps(recovered.unreported_gaps, now, stored=True)
        self._note_gaps(recovered.gaps, now)
        for gap in loaded.undecided:
            if self._noted.subtract(gap):
                self._undecided.append((gap, now.ns))
            else:  # reported before a kill; only its row in the file is left
                self._decided.append(gap)
        for boot, lasts in sorted(recovered.ends.items()):
            self._record_boot_end(boot, lasts, now)

    def _record_boot_end(self, boot: int, lasts: Mapping[str, int], now: Now) -> None:
        """Close a boot with the last sequence of each stream that leaves the site.

        The last sequence of the present boot includes this event.
        """
        known = {name: last for name, last in sorted(lasts.items()) if last and name not in self._local}
        if boot == self.boot:
            known[EVENT_STREAM] = known.get(EVENT_STREAM, 0) + 1
        text = f"boot {boot} is complete"
        self._event("store.boot_closed", text, {"boot": boot, "lasts": known}, now)

    def _note_gaps(self, gaps: Iterable[GapRecord], now: Now, *, stored: bool = False) -> None:
        for gap in gaps:
            if not stored:
                self._gaps_new.append(gap)
            self._stats["gaps_count"] += 1
            if gap.stream != LEDGER_STREAM:  # what never leaves the site is not missed outside
                self._event(GAP_EVENT_CODE, gap.text(), gap.data(), now)

    def _event(self, code: str, text: str, data: Mapping[str, Any], now: Now) -> None:
        self._ingest.event(code, text, data, now)
        self._urgent = True

    def _backlog_count(self) -> int:
        if not self._offers:
            return 0
        held = self._ingest.count_backlog(self._marks, self._evicted_to, self._local)
        return self._old_backlog_count + held
