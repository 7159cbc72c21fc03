"""The gateway's own store beside its control: it records readings and answers questions about the history.

Real files in a folder, the real writer thread; only time is synthetic.  A process that ends leaves what is
on disk and in the journal, as a killed one does; a machine without power loses the journal, which lies in
memory.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from quartier.cli.rendering import time_text
from quartier.site.records import Now
from quartier.store import history_reader
from quartier.store.history_store import Store
from quartier_drivers.readings import Readings
from quartier_hil.checks.run_record import HISTORY_INTERVAL, HistoryRows, StoredHistory

_DISK_WAIT_S = 20.0
StoreFactory = Callable[[Path, Path], Store]
"""Makes the store of a site, of its runtime and its state directory; not yet opened."""


class HistoryRecorder:
    """One gateway's store over all its processes, in ``folder``."""

    def __init__(self, make: StoreFactory, folder: Path) -> None:
        self._make = make
        self._runtime, self._state = folder / "runtime", folder / "state"
        self._state.mkdir(parents=True, exist_ok=True)
        self._store: Store | None = None
        self._told: list[Readings] = []

    def begin(self, now: Now, *, outage: bool = False) -> None:
        """A process starts; ``outage``: on another boot of its machine."""
        if outage:
            shutil.rmtree(self._runtime, ignore_errors=True)
        self._runtime.mkdir(parents=True, exist_ok=True)
        self._store = self._make(self._runtime, self._state)
        self._store.open(now)

    def take(self, readings: Readings) -> None:
        """Somebody answered."""
        self._told.append(readings)

    def turn(self, now: Now) -> None:
        """The end of a cycle: what was told since the last one is recorded, and time passes for the disk."""
        assert self._store is not None
        for readings in self._told:
            self._store.record(readings, now)
        self._told.clear()
        self._store.tick(now)
        self._store.wait_for_disk(_DISK_WAIT_S)

    def cut(self) -> None:
        """The process is gone without a word."""
        self._store = None
        self._told.clear()

    def end(self, now: Now) -> None:
        """The process leaves in order."""
        if self._store is not None:
            self._store.close(now, timeout_s=20.0)
            self._store = None

    def tells(self, points: Iterable[str], begin: str, end: str, zone: ZoneInfo) -> StoredHistory:
        """Return the rows of a span given by local times: by quarter hour, and one by one."""
        span = time_text.parse_moment_ms(begin, 0, zone), time_text.parse_moment_ms(end, 0, zone)
        wanted = list(points)
        return StoredHistory(
            self._rows(wanted, span, time_text.parse_duration_s(HISTORY_INTERVAL), zone),
            self._rows(wanted, span, None, zone),
        )

    def _rows(
        self, points: list[str], span: tuple[int, int], every_s: float | None, zone: ZoneInfo
    ) -> HistoryRows:
        found: dict[str, list[tuple[str, float]]] = {}
        for row in self._asked(points, span, every_s):
            if row.value is not None:
                found.setdefault(row.point, []).append(
                    (time_text.format_stamp(row.utc_ms, zone), float(row.value))
                )
        return found

    def _asked(
        self, points: list[str], span: tuple[int, int], every_s: float | None
    ) -> Iterator[history_reader.HistoryRow]:
        return history_reader.read_history(self._state / "history.db", self._runtime, points, *span, every_s)
