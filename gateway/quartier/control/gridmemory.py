"""What acts for the public grid, over a restart of the process: it goes on, and ends by the same rules."""

from collections.abc import Mapping
from typing import Any

from quartier.control import gridrows, outage
from quartier.control.events import Acting, Events
from quartier.house.records import replace

LEVELS = {"low": len(gridrows.LOW), "high": 1, "low_u": 1, "high_u": 1}
"""What may act, and the highest level of each."""


STAMP_MS = 300_000
"""What goes on unchanged is stamped anew so often: who keeps only what changed knows how old it is."""


def kept(events: Events, now_ms: int) -> dict[str, Any]:
    """What acts, JSON-ready: level and the reading that made it act, a stamp; nothing while nothing does.

    ``now_ms`` is by the machine's own clock.
    """
    found: dict[str, Any] = {}
    for name in LEVELS:
        one: Acting = getattr(events, name)
        if one.level:
            found[name] = [one.level, one.value]
    if events.outage.is_open or events.is_gone:
        found["outage"] = True
    return found | ({"stamp": now_ms // STAMP_MS} if found else {})


def away_s(facts: object, now_ms: int) -> float | None:
    """For how long nobody looked, at least, by the machine's clock that went on; None: no stamp says."""
    stamp = facts.get("stamp") if isinstance(facts, Mapping) else None
    return max(0.0, (now_ms - (stamp + 1) * STAMP_MS) / 1000) if isinstance(stamp, int) else None


def recalled(events: Events, facts: object, away_s: float, now_ns: int) -> Events:
    """``events`` with what ``kept`` gave before; too old, or nonsense, is left.

    After an outage the wait for a grid that is well begins anew, however long ago it was: only a grid that is
    seen to be well ends it, and a clock that is not trusted makes every memory an old one.
    """
    if not isinstance(facts, Mapping):
        return events
    if facts.get("outage") is True:
        events = replace(events, outage=outage.begun())
    if away_s > gridrows.LOST_S:
        return events
    acting = {name: one for name in LEVELS if (one := _acting(facts.get(name), LEVELS[name], now_ns))}
    return replace(events, **acting)  # type: ignore[arg-type]  # the names are those of its own fields


def _acting(fact: object, level_max: int, now_ns: int) -> Acting | None:
    if not isinstance(fact, list | tuple) or len(fact) != 2:
        return None
    level, value = fact
    if not isinstance(level, int) or isinstance(level, bool) or not isinstance(value, int | float):
        return None
    return Acting(level=level, value=float(value), since_ns=now_ns) if 0 < level <= level_max else None
