"""Events of a fleet with their times, from the command line or a TOML file (pure).

``cap@18:00-20:00=0.6`` · ``restart@19:00`` · ``optimiser-lost@18:30-21:30`` · ``outage@19:00-19:20``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from quartier_drivers.errors import ConfigError, Fault
from quartier_sim import data_files

EVENT_KINDS = ("cap", "restart", "optimiser-lost", "outage")
EVENT_FORMAT = "cap@HH:MM-HH:MM=SHARE, restart@HH:MM, optimiser-lost@HH:MM-HH:MM or outage@HH:MM-HH:MM"
_EVENT_PATTERN = re.compile(r"([a-z-]+)@(\d\d):(\d\d)(?:-(\d\d):(\d\d))?(?:=([0-9.]+))?")
_DAY_S = 86_400
_DEFAULT_DURATION_S = {"cap": 7200, "restart": 30, "optimiser-lost": _DAY_S, "outage": 600}
"""How long one lasts that has no end; a restart takes as long as a gateway takes to leave and to come."""
RESTART_S = _DEFAULT_DURATION_S["restart"]


@dataclass(frozen=True, slots=True)
class FleetEvent:
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


def parse_events(texts: Sequence[str], from_s: int) -> list[FleetEvent]:
    """Events of a day that begins at ``from_s`` of the clock, in their order.  Raises ConfigError."""
    faults, found = [], []
    for text in texts:
        event = _parse_event(text, from_s)
        if isinstance(event, str):
            faults.append(Fault("--event", None, text, event))
        else:
            found.append(event)
    found.sort(key=lambda one: one.at_s)
    faults += _find_overlaps(found)
    if faults:
        raise ConfigError(faults)
    return found


def read_event_file(path: Path) -> list[str]:
    """The words of a file with ``events = ["cap@18:00-20:00=0.6", ...]``.  Raises ConfigError."""
    held = data_files.read_toml_file(path)
    words = held.get("events")
    if set(held) != {"events"} or not isinstance(words, list) or not all(isinstance(w, str) for w in words):
        raise ConfigError(
            [Fault(str(path), None, "events", f"a list of words is expected, each {EVENT_FORMAT}")]
        )
    return words


def _parse_event(text: str, from_s: int) -> FleetEvent | str:
    """The event, or what is wrong with it."""
    match = _EVENT_PATTERN.fullmatch(text)
    if match is None or match[1] not in EVENT_KINDS:
        return f"is no event: {EVENT_FORMAT} was expected"
    kind, share = match[1], match[6]
    if (kind == "cap") != (share is not None):
        return "a cap, and nothing else, has a share of the contract, such as =0.6"
    at_s = _parse_second(match[2], match[3], from_s)
    until_s = (
        at_s + _DEFAULT_DURATION_S[kind] if match[4] is None else _parse_second(match[4], match[5], from_s)
    )
    if match[4] is not None and kind == "restart":
        return f"a restart takes {RESTART_S} s, and has no end of its own"
    if until_s <= at_s:
        return "ends before it begins; the fleet's day goes from noon to noon"
    try:
        return FleetEvent(kind, at_s, until_s, 1.0 if share is None else _parse_share(share))
    except ValueError:
        return f"{share} is outside 0..1"


def _parse_share(text: str) -> float:
    share = float(text)
    if not 0.0 <= share <= 1.0:
        raise ValueError(text)
    return share


def _parse_second(hour: str, minute: str, from_s: int) -> int:
    return (int(hour) * 3600 + int(minute) * 60 - from_s) % _DAY_S


def _find_overlaps(events: Sequence[FleetEvent]) -> list[Fault]:
    """Two of one kind may not be at once."""
    faults = []
    for kind in EVENT_KINDS:
        mine = [one for one in events if one.kind == kind]
        for first, second in pairwise(mine):
            if second.at_s < first.until_s:
                faults.append(Fault("--event", None, kind, "two are on at once"))
    return faults


def is_running(events: Sequence[FleetEvent], kind: str, second: int) -> bool:
    """Return whether one of a kind is on."""
    return any(one.kind == kind and one.at_s <= second < one.until_s for one in events)


def list_limit_shares(events: Sequence[FleetEvent]) -> list[tuple[int, float]]:
    """The district's caps over the day: from when on which share."""
    found = [(0, 1.0)]
    for one in events:
        if one.kind == "cap":
            if found[-1][0] == one.at_s:
                found.pop()
            found += [(one.at_s, one.share), (one.until_s, 1.0)]
    return found
