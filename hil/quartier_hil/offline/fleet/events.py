"""Events of a fleet with their times, from the command line or a TOML file (pure).

``cap@18:00-20:00=0.6`` · ``restart@19:00`` · ``optimiser-lost@18:30-21:30`` · ``outage@19:00-19:20``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil import tables

KINDS = ("cap", "restart", "optimiser-lost", "outage")
FORM = "cap@HH:MM-HH:MM=SHARE, restart@HH:MM, optimiser-lost@HH:MM-HH:MM or outage@HH:MM-HH:MM"
_WORD = re.compile(r"([a-z-]+)@(\d\d):(\d\d)(?:-(\d\d):(\d\d))?(?:=([0-9.]+))?")
_DAY_S = 86_400
_LAST_S = {"cap": 7200, "restart": 30, "optimiser-lost": _DAY_S, "outage": 600}
"""How long one lasts that has no end; a restart takes as long as a gateway takes to leave and to come."""
RESTART_S = _LAST_S["restart"]


@dataclass(frozen=True, slots=True)
class Event:
    """From second ``at_s`` to before ``until_s`` of the fleet's day; ``share`` of the contract for a cap."""

    kind: str
    at_s: int
    until_s: int
    share: float = 1.0

    @property
    def words(self) -> str:
        """For people."""
        if self.kind == "cap":
            return f"cap of {self.share:g} of each contract"
        return {
            "restart": "all gateways restart",
            "optimiser-lost": "the optimiser is lost",
            "outage": "no voltage",
        }[self.kind]


def parsed(words: Sequence[str], from_s: int) -> list[Event]:
    """Events of a day that begins at ``from_s`` of the clock, in their order.  Raises ConfigError."""
    faults, found = [], []
    for word in words:
        event = _event(word, from_s)
        if isinstance(event, str):
            faults.append(Fault("--event", None, word, event))
        else:
            found.append(event)
    found.sort(key=lambda one: one.at_s)
    faults += _overlaps(found)
    if faults:
        raise ConfigError(faults)
    return found


def read(path: Path) -> list[str]:
    """The words of a file with ``events = ["cap@18:00-20:00=0.6", ...]``.  Raises ConfigError."""
    held = tables.read(path)
    words = held.get("events")
    if set(held) != {"events"} or not isinstance(words, list) or not all(isinstance(w, str) for w in words):
        raise ConfigError([Fault(str(path), None, "events", f"a list of words is expected, each {FORM}")])
    return words


def _event(word: str, from_s: int) -> Event | str:
    """The event, or what is wrong with it."""
    match = _WORD.fullmatch(word)
    if match is None or match[1] not in KINDS:
        return f"is no event: {FORM} was expected"
    kind, share = match[1], match[6]
    if (kind == "cap") != (share is not None):
        return "a cap, and nothing else, has a share of the contract, such as =0.6"
    at_s = _second(match[2], match[3], from_s)
    until_s = at_s + _LAST_S[kind] if match[4] is None else _second(match[4], match[5], from_s)
    if match[4] is not None and kind == "restart":
        return f"a restart takes {RESTART_S} s, and has no end of its own"
    if until_s <= at_s:
        return "ends before it begins; the fleet's day goes from noon to noon"
    try:
        return Event(kind, at_s, until_s, 1.0 if share is None else _share(share))
    except ValueError:
        return f"{share} is outside 0..1"


def _share(text: str) -> float:
    share = float(text)
    if not 0.0 <= share <= 1.0:
        raise ValueError(text)
    return share


def _second(hour: str, minute: str, from_s: int) -> int:
    return (int(hour) * 3600 + int(minute) * 60 - from_s) % _DAY_S


def _overlaps(events: Sequence[Event]) -> list[Fault]:
    """Two of one kind may not be at once."""
    faults = []
    for kind in KINDS:
        mine = [one for one in events if one.kind == kind]
        for first, second in pairwise(mine):
            if second.at_s < first.until_s:
                faults.append(Fault("--event", None, kind, "two are on at once"))
    return faults


def running(events: Sequence[Event], kind: str, second: int) -> bool:
    """Return whether one of a kind is on."""
    return any(one.kind == kind and one.at_s <= second < one.until_s for one in events)


def shares(events: Sequence[Event]) -> list[tuple[int, float]]:
    """The district's caps over the day: from when on which share."""
    found = [(0, 1.0)]
    for one in events:
        if one.kind == "cap":
            if found[-1][0] == one.at_s:
                found.pop()
            found += [(one.at_s, one.share), (one.until_s, 1.0)]
    return found
