"""Keep the list of alarms: raise, clear, acknowledge, save.

Log and history report each alarm by code, once when it is raised and once when it is cleared; its values may
change meanwhile.  Changes that a person must not lose are on disk within a second.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

from quartier.runtime import state_file
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.orders import OrderHandlers
from quartier.site import alarm_list
from quartier.site.alarm_catalogue import ALARM_KINDS, ALARM_KINDS_BY_CODE
from quartier.site.alarm_list import AlarmList
from quartier.site.alarm_types import Acknowledgement, Alarm, AlarmKey, AlarmRecord, format_alarm_name
from quartier.site.records import Now, RecordEvent
from quartier_drivers.contract import Origin

ALARMS_FILE = "alarms"
SAVE_PERIOD_S = 1.0
SAVE_COUNTS_PERIOD_S = 60.0
"""The period in s at which changed counts alone are saved."""


# A fast clock must not keep the disk busy.
SAVE_PERIOD_FLOOR_S = 0.2
PLACE_KEYS = ("section", "task", "file", "point", "device", "connection", "share")
"""Keys of event data that say what an event is about; the first one present is used."""


_ENDED_CODES = {
    code: tuple(kind.code for kind in ALARM_KINDS if code in kind.ended_by)
    for kind in ALARM_KINDS
    for code in kind.ended_by
}
_NAMES_COUNT_MAX = 10
_NS_PER_S = 1_000_000_000
_WRITE_LOCK = threading.Lock()
AlarmSource = Callable[[Now], Iterable[Alarm]]


class AlarmManager:
    """The manager of alarms, called in each cycle with what control sees; ``sources`` give the rest.

    Without ``state_dir`` nothing is saved.
    """

    def __init__(self, event: RecordEvent, log: Any, clock: SiteClock, state_dir: Path | None = None) -> None:
        self.sources: tuple[AlarmSource, ...] = ()
        self.book = AlarmList()
        self.on_alarm: Callable[[AlarmRecord, Now], None] = lambda _one, _now: None
        """Is called for each alarm that is raised."""
        self._event = event
        self._log = log
        self._clock = clock
        self._path = None if state_dir is None else state_dir / ALARMS_FILE
        self._reported: dict[AlarmKey, tuple[Alarm, int | None]] = {}
        self._raised_ns: dict[AlarmKey, int] = {}
        self._cleared_ns: dict[AlarmKey, int] = {}
        self._fault = ""
        self._lock = asyncio.Lock()

    def recall(self, facts: Mapping[str, Any] | None, zone: str = "UTC") -> None:
        """Continue with the list that an earlier run saved; ``zone`` is the site's time zone."""
        self.book = AlarmList.load(facts, zone)

    def look(self, seen: Iterable[Alarm], now: Now) -> None:
        """Update the list with the alarms present now; report which were raised and which were cleared."""
        changes = self.book.look([*seen, *self._collect_from_sources(now)], now)
        self._raised_ns |= {one.key: now.ns for one in changes.raised}
        self._cleared_ns |= {one.key: now.ns for one in changes.cleared}
        for one in changes.raised:
            self._log.warning("alarm.raised", code=one.code, of=one.of, text=one.words)
            self._event("alarm.raised", one.words, _render_event_data(one), now)
            self.on_alarm(one, now)
        for one in changes.cleared:
            self._log.info("alarm.cleared", code=one.code, of=one.of, text=one.words)
            self._event("alarm.cleared", one.words, _render_event_data(one), now)

    def _collect_from_sources(self, now: Now) -> Iterator[Alarm]:
        for source in self.sources:
            yield from source(now)
        for key, (alarm, until_ns) in list(self._reported.items()):
            yield alarm
            if until_ns is not None and now.ns >= until_ns:
                del self._reported[key]
        if self._fault:
            yield Alarm("state.not_kept", "", f"the list of alarms cannot be written: {self._fault}")

    def note(self, code: str, text: str, data: Mapping[str, Any], now: Now) -> None:
        """Handle an event; if it is an alarm, it counts as present for as long as its kind says."""
        of = next((str(data[place]) for place in PLACE_KEYS if place in data), "")
        for ended in _ENDED_CODES.get(code, ()):
            self._reported.pop((ended, of), None)
        kind = ALARM_KINDS_BY_CODE.get(code)
        if kind is not None:
            forever = kind.stays_s == inf
            until_ns = None if forever else now.ns + round(kind.stays_s * _NS_PER_S)
            self._reported[code, of] = Alarm(code, of, text), until_ns

    # Questions and actions of people

    @property
    def order_handlers(self) -> OrderHandlers:
        """The orders that the order socket accepts; a client that only reads uses the question socket."""
        return {"acknowledge": self.acknowledge}

    def listing(self, now: Now) -> dict[str, Any]:
        """Return the whole list, JSON-ready."""
        rows = sorted(self.book.records.values(), key=lambda one: -one.number)
        aged = [self._render_record(one, now) for one in rows]
        return {"utc_ms": now.utc_ms, "zone": self.book.zone, **self._collect_counts(), "alarms": aged}

    def summary(self) -> dict[str, Any]:
        """Return the counts, and the newest alarm that nobody has acknowledged."""
        newest = next(iter(self.book.records_to_acknowledge), None)
        return {**self._collect_counts(), "newest": newest and self._render_record(newest, self._clock.now())}

    def _render_record(self, one: AlarmRecord, now: Now) -> dict[str, Any]:
        """Render an alarm, JSON-ready, with its ages since raised and cleared, if this run saw it."""
        seen = {"raised_age_s": self._raised_ns.get(one.key)}
        seen |= {"gone_age_s": None if one.is_active else self._cleared_ns.get(one.key)}
        ages = {
            name: round((now.ns - then) / _NS_PER_S, 1) for name, then in seen.items() if then is not None
        }
        return {**one.data(), **ages}

    def _collect_counts(self) -> dict[str, int]:
        return {
            "active_count": self.book.active_count,
            "unacknowledged_count": len(self.book.records_to_acknowledge),
        }

    async def acknowledge(self, request: Mapping[str, Any], who: Origin) -> dict[str, Any]:
        """Record that ``who`` saw ``which`` (``ID``, ``CODE``, ``CODE:OF`` or ``all``), with a ``note``.

        ``kept`` in the answer says whether it is on disk.
        """
        which = str(request.get("which") or "")
        found = self.book.select_records(which)
        if not found and which != alarm_list.ALL_UNACKNOWLEDGED:
            names = ", ".join(
                format_alarm_name(one.code, one.of)
                for one in self.book.records_to_acknowledge[:_NAMES_COUNT_MAX]
            )
            return {"error": f"no alarm is called {which!r}; not acknowledged: {names or 'none'}"}
        now = self._clock.now()
        note = str(request.get("note") or "")[: alarm_list.NOTE_MAX_CHARS]
        done = self._record_acknowledgement(found, Acknowledgement(who.name, who.id, now.utc_ms, note), now)
        before = [self.book.records[one.key] for one in found if one.key not in {d.key for d in done}]
        return {
            "done": [one.data() for one in done],
            "before": [one.data() for one in before],
            "kept": await self.keep() if done else True,
        }

    def _record_acknowledgement(
        self, found: Iterable[AlarmRecord], seen: Acknowledgement, now: Now
    ) -> list[AlarmRecord]:
        done = self.book.acknowledge(found, seen)
        for one in done:
            data = {**_render_event_data(one), "by": seen.by, "uid": seen.uid, "note": seen.note}
            self._log.info("alarm.acknowledged", **data)
            text = f"{one.words}: acknowledged by {seen.by}" + f": {seen.note}" * bool(seen.note)
            self._event("alarm.acknowledged", text, data, now)
        return done

    def reset(self, which: str, command: str, now: Now) -> bool:
        """Reset ``which`` (as in ``acknowledge``) by a ``command`` of the district; return whether it exists.

        An alarm that is present only because nobody reset it ends.  An alarm whose cause persists stays on
        the list until the cause ends.
        """
        found = self.book.select_records(which)
        for one in found:
            told = self._reported.get(one.key)
            if told is not None:
                self._reported[one.key] = told[0], now.ns
        self._record_acknowledgement(found, Acknowledgement("the district", command, now.utc_ms), now)
        return bool(found)

    # Saving

    async def keep(self) -> bool:
        """Save the list; return False and log once if the disk refuses."""
        if self._path is None:
            return False
        try:
            async with self._lock:
                await asyncio.to_thread(_save_alarms, self._path, self.book.facts())
        except OSError as error:
            why = error.strerror or str(error)
            if not self._fault:
                self._log.warning("alarms.not_kept", why=why)
            self._fault = why
            return False
        self._fault = ""
        return True

    async def run(self) -> None:
        """Save the list after each change that must last, and changed counts from time to time."""
        changes_count, counts_count, kept_ns = 0, 0, self._clock.now_ns()
        while True:
            await self._clock.sleep_coarsely(SAVE_PERIOD_S, SAVE_PERIOD_FLOOR_S)
            book, now_ns = self.book, self._clock.now_ns()
            is_due = (
                now_ns - kept_ns >= SAVE_COUNTS_PERIOD_S * _NS_PER_S and book.counts_count != counts_count
            )
            if book.changes_count == changes_count and not is_due:
                continue
            seen = book.changes_count, book.counts_count
            if await self.keep():
                (changes_count, counts_count), kept_ns = seen, now_ns


def _save_alarms(path: Path, facts: dict[str, Any]) -> None:
    """Save the list, one call at a time: the last save of a leaving daemon waits for one on a slow disk."""
    with _WRITE_LOCK:
        state_file.save_facts(path, facts)


def load_alarms(state_dir: Path) -> Mapping[str, Any] | None:
    """Load the list that an earlier run saved.

    If no copy is sound, damaged copies are set aside for inspection: acknowledgements are lost, and alarms
    that persist are raised again.
    """
    path = state_dir / ALARMS_FILE
    facts = state_file.load_facts(path)
    if facts is None:
        for copy in state_file.find_damaged_copies(path):
            with suppress(OSError):  # a disk that refuses must not prevent the start
                copy.replace(copy.with_name(f"{copy.name}.damaged"))
    return facts


def _render_event_data(one: AlarmRecord) -> dict[str, Any]:
    """Return the data of an alarm event, in addition to its text."""
    kind = ALARM_KINDS_BY_CODE.get(one.code)
    data = {"code": one.code, "of": one.of, "severity": "" if kind is None else str(kind.severity)}
    came = [format_alarm_name(each.code, each.of) for each in one.consequences]
    return {**data, "with": came} if came else data
