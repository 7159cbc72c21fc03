"""Contacts as sources of caps: which act now, since when and why (spec/failsafe.md#rule-1).

Missing information never widens a cap: a contact that cannot be read acts.  Taking hold needs one
reading, unless the site asks for more; letting go needs readings over ``release_s``, and what the
cap had shed then comes back staged, like after any cap that rose.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any

from quartier.control import sight
from quartier.control.caps import DIRECTIONS, Powers
from quartier.control.reason import Reason, make
from quartier.control.sight import Memories
from quartier.house.alarm import Alarm
from quartier.house.assets import Contact
from quartier_drivers.who import Who

_S = 1_000_000_000


class Why(StrEnum):
    """Why a contact acts or does not; all but the last act."""

    WAITING = "not yet read"
    LOST = "cannot be read"
    ACTS = "acts"
    HELD = "lets go"
    RESTS = "rests"


_CODES = {
    Why.WAITING: "contact.waiting",
    Why.LOST: "contact.lost",
    Why.ACTS: "contact.acts",
    Why.HELD: "contact.held",
}


@dataclass(frozen=True, slots=True)
class Hold:
    """One contact: why it acts or rests, and since when it does.

    ``turned_ns`` is when the first reading of another position was taken, while that is not yet
    believed; None while what is read agrees.
    """

    why: Why
    since_ns: int
    turned_ns: int | None = None

    @property
    def acting(self) -> bool:
        """Whether its caps hold."""
        return self.why is not Why.RESTS


def point(contact: Contact) -> str:
    """The point that says whether it is closed."""
    return f"{contact.name}.input_on"


def judged(
    contacts: Iterable[Contact], before: Mapping[str, Hold], memories: Memories, now_ns: int
) -> dict[str, Hold]:
    """Every contact after this look."""
    return {c.name: _judged(c, before.get(c.name), memories, now_ns) for c in contacts}


def _judged(contact: Contact, before: Hold | None, memories: Memories, now_ns: int) -> Hold:
    closed = sight.fresh(memories, point(contact), contact.period_s, now_ns)
    if closed is None:
        return _unread(before, now_ns)
    taken_ns = memories[point(contact)].taken_ns
    acts = (closed != 0) != contact.acts_open
    if before is None or before.why is Why.WAITING:
        return Hold(Why.ACTS if acts else Why.RESTS, now_ns)
    if acts == before.acting:
        return Hold(Why.ACTS if acts else Why.RESTS, before.since_ns)
    turned_ns = taken_ns if before.turned_ns is None else before.turned_ns
    if taken_ns - turned_ns >= (contact.debounce_s if acts else contact.release_s) * _S:
        return Hold(Why.ACTS if acts else Why.RESTS, now_ns)
    return Hold(Why.RESTS if acts else Why.HELD, before.since_ns, turned_ns)


def _unread(before: Hold | None, now_ns: int) -> Hold:
    if before is None:
        return Hold(Why.WAITING, now_ns)
    if before.why is Why.WAITING and now_ns - before.since_ns <= sight.SILENT_S * _S:
        return before
    return Hold(Why.LOST, before.since_ns if before.acting else now_ns)


def sources(contacts: Iterable[Contact], holds: Mapping[str, Hold]) -> Iterator[tuple[Reason, Powers]]:
    """The caps of those that act, each with its contact."""
    for contact in contacts:
        hold = holds[contact.name]
        if hold.acting:
            caps = (_or_none(getattr(contact, f"{way}_max_w")) for way in DIRECTIONS)
            who = Who("grid", f"contact {contact.name}")
            yield make(_CODES[hold.why], who, contact=contact.name), Powers(*caps)


def _or_none(watts: float | None) -> float:
    return inf if watts is None else watts


def shown(contacts: Iterable[Contact], holds: Mapping[str, Hold], now_ns: int) -> dict[str, Any]:
    """For people, JSON-ready: by name whether it acts, why, for how long, and its caps in W."""
    return {
        contact.name: {
            "acting": holds[contact.name].acting,
            "why": str(holds[contact.name].why),
            "age_s": round((now_ns - holds[contact.name].since_ns) / _S, 1),
            "caps": {
                way: watts for way in DIRECTIONS if (watts := getattr(contact, f"{way}_max_w")) is not None
            },
        }
        for contact in contacts
    }


def alarms(holds: Mapping[str, Hold]) -> list[Alarm]:
    """What people must look at: contacts that act only because nobody knows."""
    return [
        Alarm("contact.unread", name, f"contact {name} cannot be read: it counts as acting")
        for name, hold in holds.items()
        if hold.why is Why.LOST
    ]
