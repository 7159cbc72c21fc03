"""Contacts as sources of limits: which act now, since when and why (spec/failsafe.md#rule-1).

Missing information never raises a limit: a contact that cannot be read acts. It begins to act after one
reading, unless the site file asks for more. It is released after readings over ``release_s``; loads that its
limit shed are then restored in stages, as after any limit that rose.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any

from quartier.control.observe import observations
from quartier.control.observe.observations import LastGoodValues
from quartier.control.reason import Reason, make_reason
from quartier.control.records import DIRECTIONS, PowerLimits
from quartier.site.alarm_types import Alarm
from quartier.site.site_layout import LimitContact
from quartier_drivers.contract import Origin

_S = 1_000_000_000


class ContactState(StrEnum):
    """The reason why a contact acts or does not; all but the last act."""

    WAITING = "not yet read"
    LOST = "cannot be read"
    ACTS = "acts"
    RELEASING = "releasing"
    RESTS = "rests"


_CODES = {
    ContactState.WAITING: "contact.waiting",
    ContactState.LOST: "contact.lost",
    ContactState.ACTS: "contact.acts",
    ContactState.RELEASING: "contact.releasing",
}


@dataclass(frozen=True, slots=True)
class ContactHold:
    """One contact: why it acts or rests, and since when.

    ``turned_ns`` is when the first reading of another position was taken, while that is not confirmed yet;
    None while the readings agree.
    """

    why: ContactState
    since_ns: int
    turned_ns: int | None = None

    @property
    def is_acting(self) -> bool:
        """Return whether its limits hold."""
        return self.why is not ContactState.RESTS


def find_contact_point(contact: LimitContact) -> str:
    """Return the point that says whether it is closed."""
    return f"{contact.name}.input_on"


def update_contacts(
    contacts: Iterable[LimitContact],
    before: Mapping[str, ContactHold],
    last_good: LastGoodValues,
    now_ns: int,
) -> dict[str, ContactHold]:
    """Update every contact with the present readings."""
    return {c.name: _evaluate_contact(c, before.get(c.name), last_good, now_ns) for c in contacts}


def _evaluate_contact(
    contact: LimitContact, before: ContactHold | None, last_good: LastGoodValues, now_ns: int
) -> ContactHold:
    closed = observations.find_fresh_value(last_good, find_contact_point(contact), contact.period_s, now_ns)
    if closed is None:
        return _unread(before, now_ns)
    taken_ns = last_good[find_contact_point(contact)].taken_ns
    acts = (closed != 0) != contact.acts_open
    if before is None or before.why is ContactState.WAITING:
        return ContactHold(ContactState.ACTS if acts else ContactState.RESTS, now_ns)
    if acts == before.is_acting:
        return ContactHold(ContactState.ACTS if acts else ContactState.RESTS, before.since_ns)
    turned_ns = taken_ns if before.turned_ns is None else before.turned_ns
    if taken_ns - turned_ns >= (contact.debounce_s if acts else contact.release_s) * _S:
        return ContactHold(ContactState.ACTS if acts else ContactState.RESTS, now_ns)
    return ContactHold(ContactState.RESTS if acts else ContactState.RELEASING, before.since_ns, turned_ns)


def _unread(before: ContactHold | None, now_ns: int) -> ContactHold:
    if before is None:
        return ContactHold(ContactState.WAITING, now_ns)
    if before.why is ContactState.WAITING and now_ns - before.since_ns <= observations.SILENT_S * _S:
        return before
    return ContactHold(ContactState.LOST, before.since_ns if before.is_acting else now_ns)


def find_contact_limits(
    contacts: Iterable[LimitContact], holds: Mapping[str, ContactHold]
) -> Iterator[tuple[Reason, PowerLimits]]:
    """Yield the limits of all acting contacts, each with its reason."""
    for contact in contacts:
        hold = holds[contact.name]
        if hold.is_acting:
            caps = (_or_none(getattr(contact, f"{way}_max_w")) for way in DIRECTIONS)
            who = Origin("grid", f"contact {contact.name}")
            yield make_reason(_CODES[hold.why], who, contact=contact.name), PowerLimits(*caps)


def _or_none(watts: float | None) -> float:
    return inf if watts is None else watts


def render_contacts(
    contacts: Iterable[LimitContact], holds: Mapping[str, ContactHold], now_ns: int
) -> dict[str, Any]:
    """Render the contacts for people, JSON-ready: whether each acts, why, how long, its limits in W."""
    return {
        contact.name: {
            "acting": holds[contact.name].is_acting,
            "why": str(holds[contact.name].why),
            "age_s": round((now_ns - holds[contact.name].since_ns) / _S, 1),
            "caps": {
                way: watts for way in DIRECTIONS if (watts := getattr(contact, f"{way}_max_w")) is not None
            },
        }
        for contact in contacts
    }


def find_contact_alarms(holds: Mapping[str, ContactHold]) -> list[Alarm]:
    """Return the alarms: contacts that act only because they cannot be read."""
    return [
        Alarm("contact.unread", name, f"contact {name} cannot be read: it counts as acting")
        for name, hold in holds.items()
        if hold.why is ContactState.LOST
    ]
