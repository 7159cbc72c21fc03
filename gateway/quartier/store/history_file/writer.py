"""Run the thread that waits for the disk: one commit at a time."""

import sqlite3
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from quartier.store.gap_records import GapRecord
from quartier.store.history_file import commit_log
from quartier.store.history_file.contents import FileContents, is_damage
from quartier.store.history_file.database import CommitJob, CommitResult, Database
from quartier.store.history_file.salvage import Salvage, find_newest_aside, read_damaged_file, set_aside


@dataclass(frozen=True, slots=True)
class FileOpened:
    """A file is open; ``aside`` names the damaged file that it replaced."""

    loaded: FileContents
    aside: Path | None = None


@dataclass(frozen=True, slots=True)
class JobCommitted:
    """``job`` is durable."""

    job: CommitJob
    done: CommitResult


@dataclass(frozen=True, slots=True)
class JobFailed:
    """``job`` failed; nothing of it is on disk."""

    job: CommitJob
    error: str


@dataclass(frozen=True, slots=True)
class FileRenewed:
    """The open file was removed or replaced: a new file is open, with nothing of ``job`` in it.

    ``aside`` names the file that was at its path instead, if any.
    """

    job: CommitJob
    loaded: FileContents
    aside: Path | None


@dataclass(frozen=True, slots=True)
class FileSalvaged:
    """A file set aside was carried over; ``lost`` is what could not be read."""

    lost: list[GapRecord]


def make_open_job(utc_ms: int, *, had_history: bool = False) -> CommitJob:
    """Make a job that only opens the file; ``had_history``: there was a history with commits before."""
    return CommitJob(0, (), 0, utc_ms=utc_ms, had_history=had_history)


WriterReport = FileOpened | JobCommitted | JobFailed | FileRenewed | FileSalvaged


class HistoryWriter:
    """Takes one job at a time; the event loop reads the outcomes from ``reports``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: SimpleQueue[CommitJob | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._salvage: Salvage | None = None
        self._is_lost = self._stops = False
        self._stranger: Path | None = None
        self._busy = threading.Lock()  # held while a job runs; any thread may release it
        self.reports: deque[WriterReport] = deque()

    @property
    def is_idle(self) -> bool:
        """True if a job may be submitted."""
        return not self._busy.locked() and self._thread.is_alive()

    @property
    def fault(self) -> str:
        """The text to report if a bug ended the thread, so that nothing is written; else empty."""
        is_over = self._thread.ident is not None and not self._thread.is_alive()
        return (
            "the history's writer ended by a bug; restart the gateway" if is_over and not self._stops else ""
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, job: CommitJob) -> None:
        """Submit a job; only while idle."""
        self._busy.acquire(blocking=False)
        self._queue.put(job)

    def wait(self, timeout_s: float) -> bool:
        """Block until idle, and return False after ``timeout_s``; for start and stop, never in a cycle."""
        if not self._busy.acquire(timeout=timeout_s):
            return False
        self._busy.release()
        return True

    def stop(self, timeout_s: float) -> None:
        """End the thread after the running job."""
        self._stops = True
        self._queue.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            try:
                job = self._queue.get(timeout=0.02 if self._salvage else None)
            except Empty:
                self._carry_over()
                continue
            if job is None:
                self._close()
                return
            self._work(job)
            self._busy.release()
            if self._salvage is not None:
                self._carry_over()

    def _close(self) -> None:
        if self._salvage is not None:
            self._salvage.close()
        with suppress(sqlite3.Error):  # committed data stays in the write-ahead log
            self._database.close()

    def _work(self, job: CommitJob) -> None:
        try:
            if job.condemned:
                raise sqlite3.DatabaseError("a reader found the file damaged")
            if self._database.has_moved:
                self._leave_lost_file(job.utc_ms)
            if not self._database.is_open:
                self._open(job)
            else:
                self.reports.append(JobCommitted(job, self._database.commit(job)))
        except sqlite3.Error as error:
            self.reports.append(JobFailed(job, str(error)))
            if is_damage(error):
                self._replace(job.utc_ms)
        except OSError as error:
            self.reports.append(JobFailed(job, str(error)))

    def _leave_lost_file(self, utc_ms: int) -> None:
        """Close a file that nobody can find again.

        A file at its path is not ours to write to: our write-ahead log does not know its pages.
        """
        path = self._database.path
        self._is_lost = True
        if self._salvage is not None:
            self._salvage.close()
            self._salvage = None
        with suppress(sqlite3.Error):
            self._database.close()
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        commit_log.remove_log_files(path)
        self._stranger = set_aside(path, utc_ms) if path.exists() else None

    def _open(self, job: CommitJob) -> None:
        loaded = self._database.open(job.marks, had_history=job.had_history)
        if loaded.is_partial:
            try:
                self._resume(loaded)
            except (sqlite3.Error, OSError):
                self._database.close()  # not reported yet: it is opened again next time
                raise
        if self._is_lost:
            self.reports.append(FileRenewed(job, loaded, self._stranger))
            self._is_lost = False
            return
        if job.has_work:
            self.reports.append(JobFailed(job, "the history had to be opened again"))
        self.reports.append(FileOpened(loaded))

    def _replace(self, utc_ms: int) -> None:
        with suppress(sqlite3.Error):  # the damaged file is set aside in any case
            self._database.close()
        try:
            aside = set_aside(self._database.path, utc_ms)
            loaded = read_damaged_file(aside)
            if self._salvage is not None:
                self._salvage.close()
            self._salvage = salvage = Salvage(aside)
            salvage.add_keys(loaded)
            fresh = self._database.open(loaded.marks)
            loaded.fresh = fresh.fresh
            self._database.begin_salvage(salvage.old_gaps)
            self.reports.append(FileOpened(loaded, aside))
        except (sqlite3.Error, OSError) as error:
            self.reports.append(JobFailed(CommitJob(0, (), 0), f"setting the damaged file aside: {error}"))

    def _resume(self, loaded: FileContents) -> None:
        """Continue carrying a file over after a stop, its tail first."""
        aside = find_newest_aside(self._database.path)
        if aside is None:
            loaded.is_partial = False
            self._database.end_salvage()
            return
        rescued = read_damaged_file(aside)
        loaded.pieces += rescued.pieces
        loaded.undecided += rescued.undecided
        if loaded.fresh:  # stopped before the first commit: only the old file knows the last boot
            loaded.boot, loaded.clean_boot, loaded.fresh = rescued.boot, rescued.clean_boot, False
        self._salvage = Salvage(aside)
        self._salvage.add_keys(loaded)

    def _carry_over(self) -> None:
        if self._salvage is None or not self._database.is_open:
            self._salvage = None
            return
        try:
            more = self._salvage.step(self._database)
            if not more:
                self._database.end_salvage(self._salvage.lost)
        except (sqlite3.Error, OSError):
            more = True  # the disk has errors; the next step tries again
        if not more:
            self.reports.append(FileSalvaged(self._salvage.lost))
            self._salvage = None
