"""An alarm: a text for a person that knows its code and what it is about, and how long it stands (pure).

Rule (spec/failsafe.md#alarms): an alarm is raised at once; it stands until ``HOLD_S`` after its cause ended
and says when that was.  A cause that comes back meanwhile is the same alarm, counted once more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

from quartier.house.alarmkind import Kind, Severity
from quartier.house.alarmkinds import BY_CODE
from quartier.house.now import Now
from quartier.house.records import replace

Key = tuple[str, str]
"""Which alarm it is: its code, and what it is about."""
HOLD_S = 60.0
"""How long an alarm stands after its cause ended."""


class Alarm(str):
    """Words as a person reads them now; which alarm it is, ``key`` says: its figures may change.

    ``code`` is a row of the table of alarms, else KeyError; ``of`` the asset, device, contact, node, point or
    program that it is about, empty for the whole building.  ``cause`` is the alarm that it comes of, where
    that stands too: then it is no alarm of its own.  ``ended_utc_ms``: when its cause ended; None while that
    is there.
    """

    __slots__ = ("cause", "code", "ended_utc_ms", "of")

    code: str
    of: str
    cause: Key | None
    ended_utc_ms: int | None

    def __new__(
        cls, code: str, of: str, words: str, cause: Key | None = None, ended_utc_ms: int | None = None
    ) -> Self:
        """Join code, what it is about, words, what it comes of, and when its cause ended."""
        made = super().__new__(cls, words)
        made.code, made.of, made.cause, made.ended_utc_ms = BY_CODE[code].code, of, cause, ended_utc_ms
        return made

    @property
    def key(self) -> Key:
        """Which alarm it is."""
        return self.code, self.of

    def after(self, ended_utc_ms: int, zone: str) -> Self:
        """The same alarm once its cause has ended."""
        words = ended(self, ended_utc_ms, zone)
        return type(self)(self.code, self.of, words, self.cause, ended_utc_ms)

    def changed(self, *, more: str = "", cause: Key | None = None) -> Self:
        """Return the same alarm with more words, or another cause."""
        return type(self)(self.code, self.of, f"{self}{more}", cause or self.cause, self.ended_utc_ms)

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return BY_CODE[self.code].severity

    @property
    def remedy(self) -> str:
        """What to do, with the next command to type."""
        return remedy(BY_CODE[self.code], self.of)


def remedy(kind: Kind, of: str) -> str:
    """The remedy of a row for what it is about."""
    return kind.remedy.format(of=of, asset=of.partition(".")[0])


def named(code: str, of: str) -> str:
    """``contact.unread:dso1``: how people and scripts name one."""
    return f"{code}:{of}" if of else code


@dataclass(frozen=True, slots=True)
class Held:
    """One alarm that stands, with its newest words.

    ``ended_ns`` and ``ended_utc_ms``: when its cause ended, None while that is there; ``count``: how often
    the cause came since the alarm was raised.
    """

    alarm: Alarm
    count: int = 1
    ended_ns: int | None = None
    ended_utc_ms: int = 0


Holds = Mapping[Key, Held]


def hold(before: Holds, present: Iterable[Alarm], now: Now) -> dict[Key, Held]:
    """Add what is ``present`` to what stands, and end what has had no cause for ``HOLD_S``.

    Of two alarms with one key the first counts.
    """
    there: dict[Key, Alarm] = {}
    for one in present:
        there.setdefault(one.key, one)
    found = {}
    for key, held in before.items():
        if key in there:
            returned = held.ended_ns is not None
            found[key] = Held(there[key], held.count + returned)
        elif held.ended_ns is None:
            found[key] = replace(held, ended_ns=now.ns, ended_utc_ms=now.utc_ms)
        elif now.ns - held.ended_ns < HOLD_S * 1e9:
            found[key] = held
    return found | {key: Held(one) for key, one in there.items() if key not in found}


def standing(holds: Holds, zone: str) -> list[Alarm]:
    """The alarms that stand; one whose cause ended says when, as a clock in ``zone`` shows."""
    return [
        one.alarm if one.ended_ns is None else one.alarm.after(one.ended_utc_ms, zone)
        for one in holds.values()
    ]


def ended(words: str, utc_ms: int, zone: str) -> str:
    """The words of an alarm whose cause ended at ``utc_ms``."""
    then = datetime.fromtimestamp(utc_ms / 1e3, UTC).astimezone(ZoneInfo(zone))
    return f"{words}; ended {then:%H:%M:%S}"
