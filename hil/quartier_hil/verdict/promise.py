"""Find the caps that the building must keep at each moment, from the scenario alone (pure).

The rig does not ask the daemon for its cap: it finds from the events what the district and the contract may
expect.  The cap shown of a run may be tighter (``in_force``); no check uses that one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from quartier_hil.scenario import Broker, Caps, Clear, Contact, Event, Failure, Heartbeat, Scenario

HEARTBEAT_TIMEOUT_S = 120.0
UNREAD_S = 15.0
_UNHEARD = ("off", "unplugged", "silent")


@dataclass(frozen=True, slots=True)
class Cap:
    """Limits from ``from_s`` on; ``whose`` names the source of the tightest import limit."""

    from_s: float
    import_w: float
    export_w: float
    whose: str


def _silences(scenario: Scenario) -> list[tuple[float, float]]:
    """Return the spans in which the gateway cannot receive the district's heartbeat."""
    spans: list[tuple[float, float]] = []
    reasons: set[str] = set()
    since = 0.0
    for event in sorted(scenario.events, key=lambda item: item.at_s):
        if not isinstance(event, Broker | Heartbeat):
            continue
        well = event.up if isinstance(event, Broker) else event.on
        before = bool(reasons)
        reasons = reasons - {event.do} if well else reasons | {event.do}
        if reasons and not before:
            since = event.at_s
        elif before and not reasons:
            spans.append((since, event.at_s))
    return [*spans, (since, scenario.duration_s)] if reasons else spans


def _acts(scenario: Scenario) -> list[tuple[float, float]]:
    """Return the spans in which the grid operator's contact is closed, or counts so: its board is silent."""
    spans: list[tuple[float, float]] = []
    closed_s: float | None = None
    silent_s: float | None = None
    for event in sorted(scenario.events, key=lambda item: item.at_s):
        if isinstance(event, Contact):
            if closed_s is not None:
                spans.append((closed_s, event.at_s))
            closed_s = event.at_s if event.closed else None
        elif isinstance(event, Failure) and event.device == "inputs" and event.kind in _UNHEARD:
            silent_s = event.at_s + UNREAD_S if silent_s is None else silent_s
        elif isinstance(event, Clear) and event.device == "inputs" and silent_s is not None:
            spans.append((silent_s, event.at_s))
            silent_s = None
    spans += [(begin, scenario.duration_s) for begin in (closed_s, silent_s) if begin is not None]
    return [(begin, end) for begin, end in spans if begin < end]


def _documents(events: Sequence[Event], now_s: float) -> list[Caps]:
    """Return the envelopes in the gateway at ``now_s``: the newest one sent of each program."""
    held: dict[str, Caps] = {}
    for event in sorted(events, key=lambda event: event.at_s):
        if isinstance(event, Caps) and event.at_s <= now_s:
            held[event.program] = event
    return list(held.values())


def _at(scenario: Scenario, silences: Sequence[tuple[float, float]], now_s: float) -> Cap:
    house = scenario.house
    caps = [("contract", house.contract_import_w, house.contract_export_w)]
    holds = []
    for document in _documents(scenario.events, now_s):
        # An envelope sent during a silence waits at the broker or is sent again on return.
        unheard = [end for start, end in silences if start <= document.at_s < end]
        starts_s = max([document.at_s, *unheard])
        until_s = document.at_s + (document.valid_s or scenario.duration_s)
        if not starts_s <= now_s < until_s:
            continue
        is_running = now_s < document.at_s + document.for_s
        holds.append(is_running and document.on_loss == "hold")
        import_w = document.import_max_w if is_running else document.default_import_max_w
        export_w = document.export_max_w if is_running else None
        caps.append(
            ("district", _or(import_w, house.contract_import_w), _or(export_w, house.contract_export_w))
        )
    lost = any(start + HEARTBEAT_TIMEOUT_S <= now_s < end for start, end in silences)
    if lost and not (holds and all(holds)):
        caps.append(("fail-safe value", house.lost_import_w, house.lost_export_w))
    if house.contact_import_w is not None and any(begin <= now_s < end for begin, end in _acts(scenario)):
        caps.append(("contact", house.contact_import_w, house.contract_export_w))
    whose = min(caps, key=lambda cap: cap[1])[0]
    return Cap(now_s, min(cap[1] for cap in caps), min(cap[2] for cap in caps), whose)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def caps(scenario: Scenario) -> tuple[Cap, ...]:
    """Return the caps due over the whole scenario, each from its moment until the next."""
    silences = _silences(scenario)
    moments = {0.0}
    for event in scenario.events:
        if isinstance(event, Caps):
            moments |= {event.at_s, event.at_s + event.for_s}
            moments |= {event.at_s + event.valid_s} if event.valid_s else set()
    for start, end in silences:
        moments |= {start, start + HEARTBEAT_TIMEOUT_S, end}
    for span in _acts(scenario):
        moments |= set(span)
    found: list[Cap] = []
    for now_s in sorted(moment for moment in moments if moment < scenario.duration_s):
        cap = _at(scenario, silences, now_s)
        before = (found[-1].import_w, found[-1].export_w) if found else None
        if before != (cap.import_w, cap.export_w):
            found.append(cap)
    return tuple(found)


def owed(promised: Sequence[Cap], now_s: float) -> Cap:
    """Return the cap due at ``now_s``."""
    return next(cap for cap in reversed(promised) if cap.from_s <= now_s)


def in_force(cap: Cap, shown: Mapping[str, Any]) -> Cap:
    """Return ``cap``, or the limits in the gateway's own record ``shown`` where these are tighter.

    In INIT, and until it hears the district again, it keeps its fail-safe values before they are due.
    """
    import_w, export_w = (_shown_w(shown, way) for way in ("import", "export"))
    whose = str(shown["import"].get("whose", "gateway")) if import_w < cap.import_w else cap.whose
    return replace(
        cap, import_w=min(import_w, cap.import_w), export_w=min(export_w, cap.export_w), whose=whose
    )


def kept_by_gateway(control: Any) -> Mapping[str, Any]:
    """Return the limits that the gateway shows in its record of a cycle; empty where there is none."""
    found = control.get("caps") if isinstance(control, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def limit_values(cap: Cap) -> dict[str, float]:
    """Return a cap in force as the points of the course."""
    return {"limit.import_w": cap.import_w, "limit.export_w": cap.export_w}


def _shown_w(shown: Mapping[str, Any], way: str) -> float:
    limit = shown.get(way)
    return float(limit["max_w"]) if isinstance(limit, Mapping) and "max_w" in limit else inf
