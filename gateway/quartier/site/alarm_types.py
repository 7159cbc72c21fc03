"""An alarm, the time that it stays active, and its record (pure).

Rule (spec/failsafe.md#alarms): an alarm is raised at once. It stays active until ``ALARM_HOLD_S`` after its
cause ended, and its text says when that was. A cause that comes back in this time is the same alarm, counted
once more.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from quartier.site.alarm_catalogue import ALARM_KINDS_BY_CODE
from quartier.site.alarm_kinds import AlarmKind, AlarmSeverity
from quartier.site.records import Now, replace

AlarmKey = tuple[str, str]
"""The identity of an alarm: its code and its subject."""


ALARM_HOLD_S = 60.0
"""How long an alarm stays active after its cause ended, in s."""


class Alarm(str):
    """An alarm, as its text for people; its identity is ``key``, because figures in the text may change.

    ``code`` is a row of the alarm catalogue (else KeyError). ``of`` is the asset, device, contact, node,
    point or program that it is about, empty for the whole building. ``cause`` is the alarm of which this one
    is a consequence; while the cause is active too, this is no alarm of its own. ``ended_utc_ms`` is when its
    cause ended; None while the cause is present.
    """

    __slots__ = ("cause", "code", "ended_utc_ms", "of")

    code: str
    of: str
    cause: AlarmKey | None
    ended_utc_ms: int | None

    def __new__(
        cls, code: str, of: str, words: str, cause: AlarmKey | None = None, ended_utc_ms: int | None = None
    ) -> Self:
        """Join code, subject, text, cause, and the time when the cause ended."""
        made = super().__new__(cls, words)
        made.code, made.of, made.cause, made.ended_utc_ms = (
            ALARM_KINDS_BY_CODE[code].code,
            of,
            cause,
            ended_utc_ms,
        )
        return made

    @property
    def key(self) -> AlarmKey:
        """The identity of the alarm."""
        return self.code, self.of

    def after(self, ended_utc_ms: int, zone: str) -> Self:
        """Return the same alarm after its cause ended."""
        words = describe_ended(self, ended_utc_ms, zone)
        return type(self)(self.code, self.of, words, self.cause, ended_utc_ms)

    def extend(self, *, more: str = "", cause: AlarmKey | None = None) -> Self:
        """Return the same alarm with more text, or another cause."""
        return type(self)(self.code, self.of, f"{self}{more}", cause or self.cause, self.ended_utc_ms)

    @property
    def severity(self) -> AlarmSeverity:
        """The severity of the alarm."""
        return ALARM_KINDS_BY_CODE[self.code].severity

    @property
    def remedy(self) -> str:
        """The action to take, with the next command to type."""
        return format_remedy(ALARM_KINDS_BY_CODE[self.code], self.of)


def format_remedy(kind: AlarmKind, of: str) -> str:
    """Return the remedy of a row for its subject."""
    return kind.remedy.format(of=of, asset=of.partition(".")[0])


def format_alarm_name(code: str, of: str) -> str:
    """Return the name that people and scripts use, as in ``contact.unread:dso1``."""
    return f"{code}:{of}" if of else code


@dataclass(frozen=True, slots=True)
class StandingAlarm:
    """One active alarm, with its newest text.

    ``ended_ns`` and ``ended_utc_ms``: when its cause ended, None while the cause is present. ``count``: how
    often the cause came since the alarm was raised.
    """

    alarm: Alarm
    count: int = 1
    ended_ns: int | None = None
    ended_utc_ms: int = 0


StandingAlarms = Mapping[AlarmKey, StandingAlarm]


def update_standing_alarms(
    before: StandingAlarms, present: Iterable[Alarm], now: Now
) -> dict[AlarmKey, StandingAlarm]:
    """Add the ``present`` alarms, and end those without a cause for ``ALARM_HOLD_S``.

    Of two alarms with one key the first counts.
    """
    there: dict[AlarmKey, Alarm] = {}
    for one in present:
        there.setdefault(one.key, one)
    found = {}
    for key, held in before.items():
        if key in there:
            returned = held.ended_ns is not None
            found[key] = StandingAlarm(there[key], held.count + returned)
        elif held.ended_ns is None:
            found[key] = replace(held, ended_ns=now.ns, ended_utc_ms=now.utc_ms)
        elif now.ns - held.ended_ns < ALARM_HOLD_S * 1e9:
            found[key] = held
    return found | {key: StandingAlarm(one) for key, one in there.items() if key not in found}


def list_standing_alarms(holds: StandingAlarms, zone: str) -> list[Alarm]:
    """Return the active alarms; one whose cause ended says when, in local time of ``zone``."""
    return [
        one.alarm if one.ended_ns is None else one.alarm.after(one.ended_utc_ms, zone)
        for one in holds.values()
    ]


def describe_ended(words: str, utc_ms: int, zone: str) -> str:
    """Return the text of an alarm whose cause ended at ``utc_ms``."""
    then = datetime.fromtimestamp(utc_ms / 1e3, UTC).astimezone(ZoneInfo(zone))
    return f"{words}; ended {then:%H:%M:%S}"


ENDED_PATTERN = re.compile(r"; ended (\d\d:\d\d:\d\d)$")
"""The end of a text that ``describe_ended`` made; its group is the time."""


_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An acknowledgement: the user (as the kernel reports it), the time (UTC) and a note."""

    by: str
    uid: str
    utc_ms: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class AlarmConsequence:
    """A consequence of an alarm, which would be an alarm by itself."""

    code: str
    of: str
    words: str

    def data(self) -> dict[str, str]:
        """Return the fields, JSON-ready."""
        return {"code": self.code, "of": self.of, "words": self.words}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRecord:
    """The record of one alarm, identified by code and subject. All ``_ms`` are UTC.

    ``first_utc_ms``: when it came for the first time. ``since_utc_ms``: when it was last raised.
    ``last_utc_ms``: when it last came, including the times that it flickered; ``count``: how often.
    ``cleared_utc_ms``: when it was gone, None while it is active. ``consequences``: all consequences since it
    was last raised.
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
    acknowledged: Acknowledgement | None = None
    consequences: tuple[AlarmConsequence, ...] = ()

    @property
    def key(self) -> AlarmKey:
        """The identity of the alarm."""
        return self.code, self.of

    @property
    def is_active(self) -> bool:
        """Return whether it is active now."""
        return self.cleared_utc_ms is None

    @property
    def is_listed(self) -> bool:
        """Return whether it is on the list: active, or not yet acknowledged."""
        return self.is_active or self.acknowledged is None

    def data(self) -> dict[str, Any]:
        """Return the fields, JSON-ready. Not with ``asdict``: its 14 ms for a full list is too long."""
        data: dict[str, Any] = {name: getattr(self, name) for name in _RECORD_FIELDS}
        acknowledgement = self.acknowledged
        if acknowledgement is not None:
            data["acknowledged"] = {
                "by": acknowledgement.by,
                "uid": acknowledgement.uid,
                "utc_ms": acknowledgement.utc_ms,
                "note": acknowledgement.note,
            }
        data["consequences"] = [one.data() for one in self.consequences]
        return data


_RECORD_FIELDS = tuple(one.name for one in fields(AlarmRecord))


def parse_alarm_record(row: object) -> AlarmRecord | None:
    """Return the record of a stored row; None if the row is not valid."""
    if not isinstance(row, Mapping):
        return None
    who = row.get("acknowledged")
    try:
        acknowledgement = None if who is None else _parse_acknowledgement(who)
        cleared = row["cleared_utc_ms"]
        return AlarmRecord(
            number=_require_integer(row["number"]),
            code=_require_text(row["code"]),
            of=_require_text(row["of"]),
            words=_require_text(row["words"]),
            first_utc_ms=_require_integer(row["first_utc_ms"]),
            since_utc_ms=_require_integer(row["since_utc_ms"]),
            last_utc_ms=_require_integer(row["last_utc_ms"]),
            cleared_utc_ms=None if cleared is None else _require_integer(cleared),
            count=_require_integer(row["count"]),
            acknowledged=acknowledgement,
            consequences=tuple(_parse_consequence(one) for one in row.get("consequences", ())),
        )
    except (KeyError, TypeError):
        return None


def _parse_acknowledgement(who: Mapping[str, Any]) -> Acknowledgement:
    return Acknowledgement(
        _require_text(who["by"]),
        _require_text(who["uid"]),
        _require_integer(who["utc_ms"]),
        _require_text(who["note"]),
    )


def _parse_consequence(row: Mapping[str, Any]) -> AlarmConsequence:
    return AlarmConsequence(_require_text(row["code"]), _require_text(row["of"]), _require_text(row["words"]))


def _require_integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(value)
    return value


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
