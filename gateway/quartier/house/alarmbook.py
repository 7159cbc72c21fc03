"""The list of alarms: raised, cleared, raised again, acknowledged; what somebody still has to look at (pure).

By the alarm states of IEC 62682 (ISA-18.2): active or gone, acknowledged or not; one stays on the list until
it is both gone and acknowledged.  One that comes and goes is one record with a count: it counts as gone only
``alarm.HOLD_S`` after its cause ended, and its words say when that was.  What comes of another alarm that
stands, and matters no more than that, is listed with it: one loss is one alarm, which stands until all that
came of it is over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from quartier.house.alarm import HOLD_S, Alarm, Key, ended, named
from quartier.house.alarmkind import Severity
from quartier.house.alarmkinds import BY_CODE
from quartier.house.now import Now
from quartier.house.records import replace

SIZE_MAX = 500
SETTLE_S = 90.0
"""After a start nobody knows yet what is still wrong: what was active stays so for so long."""
NOTE_MAX_CHARS = 200
CONSEQUENCES_MAX = 32
ALL = "all"
_S = 1_000_000_000
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Who saw it, by the kernel's word, when (UTC), and what they noted."""

    by: str
    uid: str
    utc_ms: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What came of an alarm, and would be one by itself."""

    code: str
    of: str
    words: str

    def data(self) -> dict[str, str]:
        """JSON-ready."""
        return {"code": self.code, "of": self.of, "words": self.words}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One alarm, by its code and what it is about.  All ``_ms`` are UTC.

    ``first_utc_ms``: when it came for the first time; ``since_utc_ms``: when it was raised last;
    ``last_utc_ms``: when it came last, the times that it flickered included, ``count`` how often;
    ``cleared_utc_ms``: when it was gone, None while it is active; ``consequences``: all that came of it since
    it was raised last.
    """

    number: int
    code: str
    of: str
    words: str
    first_utc_ms: int
    since_utc_ms: int
    last_utc_ms: int
    cleared_utc_ms: int | None = None
    count: int = 1
    acknowledged: Acknowledged | None = None
    consequences: tuple[Consequence, ...] = ()

    @property
    def key(self) -> Key:
        """Which alarm it is."""
        return self.code, self.of

    @property
    def is_active(self) -> bool:
        """Whether it is there now."""
        return self.cleared_utc_ms is None

    @property
    def is_listed(self) -> bool:
        """Whether it is on the list: active, or not yet acknowledged."""
        return self.is_active or self.acknowledged is None

    def data(self) -> dict[str, Any]:
        """JSON-ready.  Not by ``asdict``: that takes 14 ms for a full list, which no cycle has to spare."""
        told: dict[str, Any] = {name: getattr(self, name) for name in _FIELDS}
        seen = self.acknowledged
        if seen is not None:
            told["acknowledged"] = {"by": seen.by, "uid": seen.uid, "utc_ms": seen.utc_ms, "note": seen.note}
        told["consequences"] = [one.data() for one in self.consequences]
        return told


_FIELDS = tuple(one.name for one in fields(Record))


@dataclass(frozen=True, slots=True)
class Changes:
    """What one look changed."""

    raised: tuple[Record, ...] = ()
    cleared: tuple[Record, ...] = ()


@dataclass(slots=True)
class _Pulse:
    """How one alarm comes and goes: when it is gone unless it comes back (monotonic)."""

    ends_ns: int | None = None
    is_recalled: bool = False


@dataclass(slots=True)
class Alarms:
    """The book.  ``changes_count`` grows with what must be kept at once, ``counts_count`` with the rest.

    ``last_number`` is the highest that was ever given: none is given again, also when its record is gone.
    ``zone`` is the time zone in which words name a time.
    """

    records: dict[Key, Record] = field(default_factory=dict)
    changes_count: int = 0
    counts_count: int = 0
    last_number: int = 0
    zone: str = "UTC"
    _pulses: dict[Key, _Pulse] = field(default_factory=dict)

    @property
    def unacknowledged(self) -> list[Record]:
        """Those that nobody has acknowledged, the last raised first."""
        found = [one for one in self.records.values() if one.acknowledged is None]
        return sorted(found, key=lambda one: (-one.since_utc_ms, -one.number))

    @property
    def active_count(self) -> int:
        """How many are there now."""
        return sum(one.is_active for one in self.records.values())

    def look(self, present: Iterable[Alarm], now: Now) -> Changes:
        """Take what is wrong now; of two with one key the first counts.

        One whose cause ended is not there any more: the book itself knows how long it stands.
        """
        there: dict[Key, Alarm] = {}
        for alarm in present:
            if alarm.ended_utc_ms is None:
                there.setdefault(alarm.key, alarm)
        roots = {key: self._root(alarm, there) for key, alarm in there.items()}
        raised = [
            key for key, root in roots.items() if key == root and self._seen(there[key], now) is not None
        ]
        joined = self._joined(roots, now)
        for root in set(roots.values()):
            self._follow(root, [there[key] for key in there if key != root and roots[key] == root])
        stands = set(roots.values())
        away = [one for key, one in self.records.items() if one.is_active and key not in stands]
        cleared = [gone for one in away if (gone := self._missed(one, now)) is not None]
        found = Changes(tuple(self.records[key] for key in raised), (*joined, *cleared))
        if raised or cleared or joined:
            self.changes_count += 1
            self._prune()
        return found

    def _root(self, alarm: Alarm, there: Mapping[Key, Alarm]) -> Key:
        """The first cause that stands, through causes of causes; itself where none does, or matters less."""
        key, passed = alarm.key, {alarm.key}
        while key in there:
            cause = there[key].cause or (BY_CODE[key[0]].grows_into, key[1])
            known = self.records.get(cause)
            stands = cause in there or (known is not None and known.is_active)
            if cause in passed:  # two that name each other
                return alarm.key
            if not stands or _rank(cause) > _rank(alarm.key):
                break
            passed.add(cause)
            key = cause
        return key

    def _joined(self, roots: Mapping[Key, Key], now: Now) -> list[Record]:
        """Take off the list what was an alarm of its own until its cause was known, or until it grew."""
        found = []
        for key, one in list(self.records.items()):
            kind = BY_CODE.get(one.code)
            grown = kind is not None and roots.get((kind.grows_into, one.of)) == (kind.grows_into, one.of)
            if one.is_active and (grown or roots.get(key, key) != key):
                found.append(replace(one, cleared_utc_ms=now.utc_ms))
                del self.records[key]
                self._pulses.pop(key, None)
        return found

    def _follow(self, root: Key, alarms: Iterable[Alarm]) -> None:
        """Note what comes of ``root``, which stands as long as any of it does."""
        before = self.records[root]
        known = {(one.code, one.of): one for one in before.consequences}
        known |= {one.key: Consequence(one.code, one.of, str(one)) for one in alarms}
        consequences = tuple(known.values())[:CONSEQUENCES_MAX]
        if consequences != before.consequences:
            self.counts_count += 1
            self.records[root] = replace(before, consequences=consequences)
        self._pulses.setdefault(root, _Pulse()).ends_ns = None

    def _seen(self, alarm: Alarm, now: Now) -> Record | None:
        """The record where the alarm is raised by this."""
        before, key = self.records.get(alarm.key), alarm.key
        if before is None:
            self.last_number += 1
            self._pulses[key] = _Pulse()
            self.records[key] = Record(
                number=self.last_number,
                code=alarm.code,
                of=alarm.of,
                words=str(alarm),
                first_utc_ms=now.utc_ms,
                since_utc_ms=now.utc_ms,
                last_utc_ms=now.utc_ms,
            )
            return self.records[key]
        pulse = self._pulses.setdefault(key, _Pulse())
        if before.is_active:
            self._went_on(before, str(alarm), pulse, now)
            return None
        self._pulses[key] = _Pulse()
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

    def _went_on(self, before: Record, words: str, pulse: _Pulse, now: Now) -> None:
        """It is still there, or there again before it was gone."""
        flickered = pulse.ends_ns is not None and not pulse.is_recalled
        if flickered:
            self.counts_count += 1
            before = replace(before, count=before.count + 1, last_utc_ms=now.utc_ms)
        if flickered or before.words != words:
            self.records[before.key] = replace(before, words=words)
        pulse.ends_ns, pulse.is_recalled = None, False

    def _missed(self, one: Record, now: Now) -> Record | None:
        """The record where the alarm is gone by this."""
        pulse = self._pulses.setdefault(one.key, _Pulse())
        if pulse.ends_ns is None:
            pulse.ends_ns = now.ns + round((SETTLE_S if pulse.is_recalled else HOLD_S) * _S)
            if not pulse.is_recalled:  # nobody saw when the cause of one that was recalled ended
                one = replace(one, words=ended(one.words, now.utc_ms, self.zone))
                self.records[one.key] = one
        if now.ns < pulse.ends_ns:
            return None
        self._pulses[one.key] = _Pulse()
        self.records[one.key] = replace(one, cleared_utc_ms=now.utc_ms)
        return self.records[one.key]

    def _prune(self) -> None:
        """Let the oldest go that are gone, first those that were acknowledged; an active one never goes."""
        spare = len(self.records) - SIZE_MAX
        if spare <= 0:
            return
        gone = [one for one in self.records.values() if not one.is_active]
        gone.sort(key=lambda one: (one.acknowledged is None, one.cleared_utc_ms, one.number))
        for one in gone[:spare]:
            del self.records[one.key]
            self._pulses.pop(one.key, None)

    def picked(self, words: str) -> list[Record]:
        """Those that ``ID``, ``CODE``, ``CODE:OF`` or ``all`` (that nobody has acknowledged) names."""
        if words == ALL:
            return self.unacknowledged
        return [
            one
            for one in self.records.values()
            if words in {str(one.number), one.code, named(one.code, one.of), f"{one.code}:{one.of}"}
        ]

    def acknowledge(self, records: Iterable[Record], who: Acknowledged) -> list[Record]:
        """Note that somebody saw them; who was first stays.  Returns those that nobody had seen before."""
        done = []
        for one in records:
            known = self.records.get(one.key)
            if known is not None and known.acknowledged is None:
                self.records[one.key] = replace(known, acknowledged=who)
                done.append(self.records[one.key])
        self.changes_count += bool(done)
        return done

    def facts(self) -> dict[str, Any]:
        """What must be known after a restart, JSON-ready."""
        rows = [one.data() for one in self.records.values()]
        return {"alarms": rows, "last_number": self.last_number}

    @classmethod
    def recalled(cls, facts: Mapping[str, Any] | None, zone: str = "UTC") -> Self:
        """The book that ``facts`` gave before; a row that cannot be read is left out."""
        made = cls(zone=zone)
        rows = facts.get("alarms") if isinstance(facts, Mapping) else None
        for row in rows if isinstance(rows, list) else ():
            one = _record(row)
            numbers = {known.number for known in made.records.values()}
            if one is not None and one.key not in made.records and one.number not in numbers:
                made.records[one.key] = one
                made._pulses[one.key] = _Pulse(is_recalled=one.is_active)
        kept = facts.get("last_number") if isinstance(facts, Mapping) else None
        highest = max((one.number for one in made.records.values()), default=0)
        made.last_number = max(highest, kept if isinstance(kept, int) else 0)
        return made


def _record(row: object) -> Record | None:
    if not isinstance(row, Mapping):
        return None
    who = row.get("acknowledged")
    try:
        seen = None if who is None else _acknowledged(who)
        cleared = row["cleared_utc_ms"]
        return Record(
            number=_whole(row["number"]),
            code=_text(row["code"]),
            of=_text(row["of"]),
            words=_text(row["words"]),
            first_utc_ms=_whole(row["first_utc_ms"]),
            since_utc_ms=_whole(row["since_utc_ms"]),
            last_utc_ms=_whole(row["last_utc_ms"]),
            cleared_utc_ms=None if cleared is None else _whole(cleared),
            count=_whole(row["count"]),
            acknowledged=seen,
            consequences=tuple(_consequence(one) for one in row.get("consequences", ())),
        )
    except (KeyError, TypeError):
        return None


def _acknowledged(who: Mapping[str, Any]) -> Acknowledged:
    return Acknowledged(_text(who["by"]), _text(who["uid"]), _whole(who["utc_ms"]), _text(who["note"]))


def _consequence(row: Mapping[str, Any]) -> Consequence:
    return Consequence(_text(row["code"]), _text(row["of"]), _text(row["words"]))


def _rank(key: Key) -> int:
    """The less, the more it matters; what is of another version matters least."""
    kind = BY_CODE.get(key[0])
    return len(_RANK) if kind is None else _RANK[kind.severity]


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
