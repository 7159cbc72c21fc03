"""The alarm list: raise, clear and acknowledge alarms (pure).

The states are the alarm states of IEC 62682 (ISA-18.2): active or gone, acknowledged or not. An alarm stays
on the list until it is both gone and acknowledged. An alarm that comes and goes is one record with a count:
it counts as gone only ``ALARM_HOLD_S`` (``alarm_types``) after its cause ended, and its text says when that
was.

A consequence of another active alarm, if it is no more severe than that alarm, is listed with it: one loss is
one alarm. A consequence that lasts longer than the loss becomes an alarm of its own once the loss is gone.
So is an earlier stage of an alarm
(``AlarmKind.grows_into``): it leaves the list, acknowledged or not, and is listed with its next stage.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from quartier.site.alarm_catalogue import ALARM_KINDS_BY_CODE
from quartier.site.alarm_kinds import AlarmSeverity
from quartier.site.alarm_types import (
    _S,
    ALARM_HOLD_S,
    ENDED_PATTERN,
    Acknowledgement,
    Alarm,
    AlarmConsequence,
    AlarmKey,
    AlarmRecord,
    describe_ended,
    format_alarm_name,
    parse_alarm_record,
)
from quartier.site.records import Now, replace

ALARMS_MAX = 500
ALARM_SETTLE_S = 90.0
"""How long a recalled alarm stays active after a start, until it is known what is still wrong."""


NOTE_MAX_CHARS = 200
CONSEQUENCES_MAX = 32
ALL_UNACKNOWLEDGED = "all"
_SEVERITY_RANKS = {severity: rank for rank, severity in enumerate(AlarmSeverity)}


@dataclass(frozen=True, slots=True)
class AlarmChanges:
    """The changes that one call of ``AlarmList.look`` made."""

    raised: tuple[AlarmRecord, ...] = ()
    cleared: tuple[AlarmRecord, ...] = ()


@dataclass(slots=True)
class _AlarmTiming:
    """The timing of one alarm: ``ends_ns`` is when it is gone unless it comes back (monotonic).

    ``is_recalled``: the alarm was loaded from before a restart.
    """

    ends_ns: int | None = None
    is_recalled: bool = False


@dataclass(slots=True)
class AlarmList:
    """The list of alarms.

    ``changes_count`` grows with changes that must be stored at once, ``counts_count`` with all others.
    ``last_number`` is the highest number ever given: no number is given twice, even after its record is
    removed. ``zone`` is the time zone for times in the texts.
    """

    records: dict[AlarmKey, AlarmRecord] = field(default_factory=dict)
    changes_count: int = 0
    counts_count: int = 0
    last_number: int = 0
    zone: str = "UTC"
    _timings: dict[AlarmKey, _AlarmTiming] = field(default_factory=dict)

    @property
    def records_to_acknowledge(self) -> list[AlarmRecord]:
        """The alarms that nobody has acknowledged, the last raised first."""
        found = [one for one in self.records.values() if one.acknowledged is None]
        return sorted(found, key=lambda one: (-one.since_utc_ms, -one.number))

    @property
    def active_count(self) -> int:
        """The number of active alarms."""
        return sum(one.is_active for one in self.records.values())

    def look(self, present: Iterable[Alarm], now: Now) -> AlarmChanges:
        """Update the list with the alarms that are present now; of two with one key the first counts.

        An alarm whose cause ended is not present any more: the list itself knows how long it stays active.
        """
        there: dict[AlarmKey, Alarm] = {}
        ended: dict[AlarmKey, Alarm] = {}
        for alarm in present:
            (there if alarm.ended_utc_ms is None else ended).setdefault(alarm.key, alarm)
        cleared = self._clear_due_alarms(there, now)
        roots = {key: self._find_root(alarm, there) for key, alarm in there.items()}
        raised = [
            key
            for key, root in roots.items()
            if key == root and self._raise_alarm(there[key], now) is not None
        ]
        joined = self._remove_consequences(roots, now)
        for root in set(roots.values()):
            self._record_consequences(
                root,
                [
                    AlarmConsequence(one.code, one.of, str(one))
                    for key, one in there.items()
                    if key != root and roots[key] == root
                ],
            )
        for key, record in list(self.records.items()):
            if record.is_active and key not in there:
                self._note_end(record, ended.get(key), now)
        found = AlarmChanges(tuple(self.records[key] for key in raised), (*joined, *cleared))
        if raised or cleared or joined:
            self.changes_count += 1
            self._prune()
        return found

    def _find_root(self, alarm: Alarm, there: Mapping[AlarmKey, Alarm]) -> AlarmKey:
        """Return the first cause in the chain of causes that is active, or the alarm itself.

        It is the alarm itself if no cause is active, or if the cause matters less than the alarm.
        """
        key, passed = alarm.key, {alarm.key}
        while key in there:
            cause = there[key].cause or (ALARM_KINDS_BY_CODE[key[0]].grows_into, key[1])
            known = self.records.get(cause)
            is_active = cause in there or (known is not None and known.is_active)
            if cause in passed:  # two alarms that name each other
                return alarm.key
            if not is_active or _rank_alarm(cause) > _rank_alarm(alarm.key):
                break
            passed.add(cause)
            key = cause
        return key

    def _remove_consequences(self, roots: Mapping[AlarmKey, AlarmKey], now: Now) -> list[AlarmRecord]:
        """Remove from the list the alarms that now have a known cause, or that grew into another alarm."""
        found = []
        for key, one in list(self.records.items()):
            kind = ALARM_KINDS_BY_CODE.get(one.code)
            grown = kind is not None and roots.get((kind.grows_into, one.of)) == (kind.grows_into, one.of)
            if one.is_active and (grown or roots.get(key, key) != key):
                if kind is not None and grown:
                    stage = AlarmConsequence(one.code, one.of, one.words)
                    self._record_consequences((kind.grows_into, one.of), [stage])
                found.append(replace(one, cleared_utc_ms=now.utc_ms))
                del self.records[key]
                self._timings.pop(key, None)
        return found

    def _record_consequences(self, root: AlarmKey, found: Iterable[AlarmConsequence]) -> None:
        """Record more consequences of ``root``; they do not keep it active."""
        before = self.records[root]
        known = {(one.code, one.of): one for one in before.consequences}
        known |= {(one.code, one.of): one for one in found}
        consequences = tuple(known.values())[:CONSEQUENCES_MAX]
        if consequences != before.consequences:
            self.counts_count += 1
            self.records[root] = replace(before, consequences=consequences)

    def _raise_alarm(self, alarm: Alarm, now: Now) -> AlarmRecord | None:
        """Raise the alarm; return its record if it was not active before."""
        before, key = self.records.get(alarm.key), alarm.key
        if before is None:
            self.last_number += 1
            self._timings[key] = _AlarmTiming()
            self.records[key] = AlarmRecord(
                number=self.last_number,
                code=alarm.code,
                of=alarm.of,
                words=str(alarm),
                first_utc_ms=now.utc_ms,
                since_utc_ms=now.utc_ms,
                last_utc_ms=now.utc_ms,
            )
            return self.records[key]
        pulse = self._timings.setdefault(key, _AlarmTiming())
        if before.is_active:
            self._continue_alarm(before, str(alarm), pulse, now)
            return None
        self._timings[key] = _AlarmTiming()
        self.records[key] = replace(
            before,
            words=str(alarm),
            since_utc_ms=now.utc_ms,
            last_utc_ms=now.utc_ms,
            cleared_utc_ms=None,
            count=before.count + 1,
            acknowledged=None,
            consequences=(),
        )
        return self.records[key]

    def _continue_alarm(self, before: AlarmRecord, words: str, pulse: _AlarmTiming, now: Now) -> None:
        """Keep an alarm active: it is still present, or present again before it was gone."""
        flickered = pulse.ends_ns is not None and not pulse.is_recalled
        if flickered:
            self.counts_count += 1
            before = replace(before, count=before.count + 1, last_utc_ms=now.utc_ms)
        if flickered or before.words != words:
            self.records[before.key] = replace(before, words=words)
        pulse.ends_ns, pulse.is_recalled = None, False

    def _clear_due_alarms(self, there: Container[AlarmKey], now: Now) -> list[AlarmRecord]:
        """Clear the alarms whose time to end is over; ``there`` are those that are present."""
        cleared = []
        for key, one in list(self.records.items()):
            ends_ns = self._timings[key].ends_ns if key in self._timings else None
            if one.is_active and key not in there and ends_ns is not None and now.ns >= ends_ns:
                self._timings[key] = _AlarmTiming()
                self.records[key] = replace(one, cleared_utc_ms=now.utc_ms)
                cleared.append(self.records[key])
        return cleared

    def _note_end(self, one: AlarmRecord, ended: Alarm | None, now: Now) -> None:
        """Start the time to end of an alarm that is not present, and say in its text when its cause ended.

        ``ended`` is the alarm as control tells its end, if it does.
        """
        pulse = self._timings.setdefault(one.key, _AlarmTiming())
        if pulse.ends_ns is not None:
            return
        pulse.ends_ns = now.ns + round((ALARM_SETTLE_S if pulse.is_recalled else ALARM_HOLD_S) * _S)
        has_end_text = ENDED_PATTERN.search(one.words) is not None
        if not (pulse.is_recalled or has_end_text):  # nobody saw when the cause of a recalled alarm ended
            words = describe_ended(one.words, now.utc_ms, self.zone) if ended is None else str(ended)
            self.records[one.key] = replace(one, words=words)

    def _prune(self) -> None:
        """Remove the oldest records that are gone, acknowledged ones first; active ones are never removed."""
        spare = len(self.records) - ALARMS_MAX
        if spare <= 0:
            return
        gone = [one for one in self.records.values() if not one.is_active]
        gone.sort(key=lambda one: (one.acknowledged is None, one.cleared_utc_ms, one.number))
        for one in gone[:spare]:
            del self.records[one.key]
            self._timings.pop(one.key, None)

    def select_active(self, alarms: Sequence[Alarm]) -> list[Alarm]:
        """Return those of ``alarms`` that the list has as active, by themselves or as a consequence.

        One that is present is always returned. An ended consequence leaves with its alarm.
        """
        active = [one for one in self.records.values() if one.is_active]
        keys = {one.key for one in active} | {(c.code, c.of) for one in active for c in one.consequences}
        return [one for one in alarms if one.ended_utc_ms is None or one.key in keys]

    def select_records(self, words: str) -> list[AlarmRecord]:
        """Return the records that ``ID``, ``CODE``, ``CODE:OF`` or ``all`` (all unacknowledged) selects."""
        if words == ALL_UNACKNOWLEDGED:
            return self.records_to_acknowledge
        return [
            one
            for one in self.records.values()
            if words
            in {str(one.number), one.code, format_alarm_name(one.code, one.of), f"{one.code}:{one.of}"}
        ]

    def acknowledge(self, records: Iterable[AlarmRecord], who: Acknowledgement) -> list[AlarmRecord]:
        """Acknowledge the records; return those that were not acknowledged before. The first person stays."""
        done = []
        for one in records:
            known = self.records.get(one.key)
            if known is not None and known.acknowledged is None:
                self.records[one.key] = replace(known, acknowledged=who)
                done.append(self.records[one.key])
        self.changes_count += bool(done)
        return done

    def facts(self) -> dict[str, Any]:
        """Return the facts that must be known after a restart, JSON-ready."""
        rows = [one.data() for one in self.records.values()]
        return {"alarms": rows, "last_number": self.last_number}

    @classmethod
    def load(cls, facts: Mapping[str, Any] | None, zone: str = "UTC") -> Self:
        """Load a list from its ``facts``; a row that cannot be read is left out."""
        made = cls(zone=zone)
        rows = facts.get("alarms") if isinstance(facts, Mapping) else None
        for row in rows if isinstance(rows, list) else ():
            one = parse_alarm_record(row)
            numbers = {known.number for known in made.records.values()}
            if one is not None and one.key not in made.records and one.number not in numbers:
                made.records[one.key] = one
                made._timings[one.key] = _AlarmTiming(is_recalled=one.is_active)
        kept = facts.get("last_number") if isinstance(facts, Mapping) else None
        highest = max((one.number for one in made.records.values()), default=0)
        made.last_number = max(highest, kept if isinstance(kept, int) else 0)
        return made


def _rank_alarm(key: AlarmKey) -> int:
    """Return the rank of an alarm: 0 is the most severe; an unknown code (of another version) ranks last."""
    kind = ALARM_KINDS_BY_CODE.get(key[0])
    return len(_SEVERITY_RANKS) if kind is None else _SEVERITY_RANKS[kind.severity]
