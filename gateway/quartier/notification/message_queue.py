"""Decide what is told by one channel, and when: severity, grouping, quiet hours, rate (pure).

Invariants: a change of an alarm is told once, or is counted as not told; nothing is told before its group is
complete; in quiet hours only what is excepted is told.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from quartier.site.alarm_kinds import AlarmSeverity

KEPT_MS = 24 * 3_600_000
"""How long a change waits for a channel that does not work."""
CHANGES_COUNT_MAX = 200
"""Most changes that wait for one channel; of the least severe ones the oldest are counted, not sent."""
MESSAGE_CHANGES_MAX = 50
"""Most changes of one message; the next one has the rest."""
_HOUR_MS = 3_600_000
_RANKS = {severity: rank for rank, severity in enumerate(AlarmSeverity)}  # the worst is 0


class Quiet(Protocol):
    """Hours in which less is sent: HH:MM, and a severity or "none"."""

    @property
    def from_(self) -> str:
        """Their start."""

    @property
    def until(self) -> str:
        """Their end."""

    @property
    def except_(self) -> str:
        """The severity from which on alarms are sent all the same."""


class Rules(Protocol):
    """The rules of a channel, as its section has them."""

    @property
    def severity(self) -> AlarmSeverity:
        """The least severity that is sent."""

    @property
    def cleared(self) -> bool:
        """True if the end of an alarm is sent too."""

    @property
    def group_s(self) -> float:
        """Alarms within this time are one message."""

    @property
    def per_hour_max(self) -> int:
        """Most messages in an hour."""

    @property
    def quiet(self) -> Quiet | None:
        """The quiet hours."""


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm that was raised or cleared at ``utc_ms``; ``noticed_ms`` is when this process saw it."""

    name: str
    severity: str
    text: str
    remedy: str
    is_raised: bool
    utc_ms: int
    noticed_ms: int

    @property
    def rank(self) -> int:
        """0: critical, and up; a severity of another version counts as a warning."""
        known = {str(severity): rank for severity, rank in _RANKS.items()}
        return known.get(self.severity, _RANKS[AlarmSeverity.WARNING])


@dataclass(frozen=True, slots=True)
class Message:
    """One message: changes in order, and the number of those that could not be sent in time."""

    gateway: str
    changes: tuple[AlarmChange, ...]
    unsent_count: int
    zone: str

    @property
    def severity(self) -> str:
        """The worst severity of what was raised; of what was cleared, if nothing was."""
        raised = [one for one in self.changes if one.is_raised] or list(self.changes)
        return min(raised, key=lambda one: one.rank).severity if raised else str(AlarmSeverity.WARNING)

    @property
    def title(self) -> str:
        """One line: the gateway, and the worst alarm or the number of alarms."""
        raised = [one for one in self.changes if one.is_raised]
        if not raised:
            return f"{self.gateway}: {_count(len(self.changes), 'alarm')} cleared"
        worst = min(raised, key=lambda one: one.rank)
        more = f" and {len(raised) - 1} more" if len(raised) > 1 else ""
        return f"{self.gateway}: {worst.severity}: {worst.name}{more}"

    @property
    def text(self) -> str:
        """The whole, for people; times in the zone of the site."""
        zone = ZoneInfo(self.zone)
        lines = []
        for one in self.changes:
            at = dt.datetime.fromtimestamp(one.utc_ms / 1000, zone)
            what = f"{one.severity}: {one.text}" if one.is_raised else f"cleared: {one.text}"
            lines.append(f"{at:%Y-%m-%d %H:%M:%S} {one.name}: {what}")
            if one.is_raised and one.remedy:
                lines.append(f"  what to do: {one.remedy}")
        if self.unsent_count:
            lines.append(f"{_count(self.unsent_count, 'older change')} could not be sent in time")
        return "\n".join([*lines, f"times are in {self.zone}"])

    @property
    def data(self) -> dict[str, Any]:
        """The whole, for programs."""
        return {
            "gateway": self.gateway,
            "severity": self.severity,
            "title": self.title,
            "alarms": [asdict(one) for one in self.changes],
            "unsent_count": self.unsent_count,
        }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@dataclass(slots=True)
class MessageQueue:
    """The changes that wait for one channel.  ``sent_ms``: times of the messages of the last hour."""

    rules: Rules
    changes: list[AlarmChange] = field(default_factory=list)
    unsent_count: int = 0
    sent_ms: list[int] = field(default_factory=list)
    retry_at_ms: int = 0
    failures_count: int = 0

    def add(self, change: AlarmChange) -> None:
        """Take a change if the rules want it.

        An end is told only where its start was: never of an alarm that is not severe enough.
        """
        if change.rank > _RANKS[self.rules.severity] or (not change.is_raised and not self.rules.cleared):
            return
        self.changes.append(change)
        if len(self.changes) > CHANGES_COUNT_MAX:
            self.changes.remove(max(self.changes, key=lambda one: one.rank))
            self.unsent_count += 1

    def make_message(self, gateway: str, now_ms: int, zone: str) -> Message | None:
        """Return the message that is due now; None if none is.  It waits until ``settle`` is called."""
        while self.changes and self.changes[0].noticed_ms < now_ms - KEPT_MS:
            self.changes.pop(0)
            self.unsent_count += 1
        due = self._find_due(now_ms, zone)
        if not due or now_ms < self.retry_at_ms:
            return None
        if sum(at > now_ms - _HOUR_MS for at in self.sent_ms) >= self.rules.per_hour_max:
            return None
        return Message(gateway, tuple(due), self.unsent_count, zone)

    def _find_due(self, now_ms: int, zone: str) -> list[AlarmChange]:
        """Return the changes to tell now; all that are allowed, as soon as the oldest has waited enough."""
        quiet = self.rules.quiet
        allowed: Sequence[AlarmChange] = self.changes
        if quiet is not None and is_quiet(quiet, now_ms, zone):
            worst = -1 if quiet.except_ == "none" else _RANKS[AlarmSeverity(quiet.except_)]
            allowed = [one for one in self.changes if one.rank <= worst]
        if not allowed or now_ms - allowed[0].noticed_ms < self.rules.group_s * 1000:
            return []
        return list(allowed[:MESSAGE_CHANGES_MAX])

    def settle(self, message: Message, now_ms: int, *, is_sent: bool) -> None:
        """Take the result of sending.  After a failure the next attempt waits 10 s, doubled up to 10 min."""
        if not is_sent:
            self.failures_count += 1
            self.retry_at_ms = now_ms + min(10_000 * 2 ** (self.failures_count - 1), 600_000)
            return
        sent = set(message.changes)
        dropped_count = len(sent - set(self.changes))  # counted as unsent meanwhile, but they were under way
        self.changes = [one for one in self.changes if one not in sent]
        self.unsent_count = max(0, self.unsent_count - message.unsent_count - dropped_count)
        self.failures_count = self.retry_at_ms = 0
        self.sent_ms = [at for at in self.sent_ms if at > now_ms - _HOUR_MS] + [now_ms]

    def shift(self, step_ms: int) -> None:
        """Follow a clock that was set by ``step_ms``: what waits waits as long as before."""
        self.changes = [replace(one, noticed_ms=one.noticed_ms + step_ms) for one in self.changes]
        self.sent_ms = [at + step_ms for at in self.sent_ms]
        self.retry_at_ms += step_ms if self.retry_at_ms else 0

    def save(self) -> dict[str, Any]:
        """Return what a restart needs."""
        changes = [asdict(one) for one in self.changes]
        return {"changes": changes, "unsent_count": self.unsent_count, "sent_ms": self.sent_ms}

    def load(self, facts: Mapping[str, Any]) -> None:
        """Go on from what ``save`` returned.  Raises TypeError, KeyError or ValueError for another form."""
        self.changes = [AlarmChange(**row) for row in facts["changes"]]
        self.unsent_count = int(facts["unsent_count"])
        self.sent_ms = [int(at) for at in facts["sent_ms"]]


def is_quiet(quiet: Quiet, now_ms: int, zone: str) -> bool:
    """Return whether ``now_ms`` is in the quiet hours of the zone."""
    now = dt.datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)).time()
    start, end = dt.time.fromisoformat(quiet.from_), dt.time.fromisoformat(quiet.until)
    return start <= now < end if start <= end else now >= start or now < end
