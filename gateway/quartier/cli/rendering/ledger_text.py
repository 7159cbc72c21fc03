"""Describes rows of the write ledger in words: who ordered, the order, its outcome (pure)."""

from dataclasses import asdict, replace
from typing import Any

from quartier.cli.rendering.status_text import format_order
from quartier.site.ledger import LedgerEntry
from quartier_drivers.contract import Origin

OUTCOME_STYLE = {"done": "green", "refused": "red", "unknown": "red", "expired": "yellow"}
_WHO_TEXTS = {
    "rule": "the gateway",
    "person": "a person",
    "release": "the gateway, giving it back",
    "device": "the device by itself",
    "stranger": "somebody else",
}
_WHO_SENTENCES = {
    "rule": "the gateway, by its rule {name}",
    "document": "the district: program {name}, document {id}, seq {seq}",
    "person": "{name} (a person, user {id})",
    "grid": "the grid ({name})",
    "release": "the gateway, giving it back ({name})",
    "device": "the device by itself ({name})",
    "client": "another client of the device, share {name} at {id}",
}
END_TEXTS = {
    "replaced": "then another order took its place",
    "given back": "then it was given back",
    "reverted": "then the device's own timer ended it",
    "overwritten": "then somebody else changed it",
}
_DISTRICT_REQUESTS = ("schedule", "signal", "command")
"""Documents of the district that are of no program."""


def format_who(one: Origin) -> str:
    """Return who wanted it, short enough for a column."""
    match one.kind:
        case "document":
            return " ".join(filter(None, (one.name, one.id)))
        case "person" | "grid":
            return one.name
        case "drill":
            return f"drill {one.name}".rstrip()
        case _:
            return one.name or _WHO_TEXTS.get(one.kind, one.kind)


def describe_who(one: Origin) -> str:
    """Return who wanted it, as part of a sentence."""
    text = _WHO_SENTENCES.get(one.kind, "{who}") if one.name else _WHO_TEXTS.get(one.kind, one.kind)
    words = text.format(who=format_who(one), name=one.name, id=one.id, seq=one.seq)
    if one.name.partition(" ")[0] in _DISTRICT_REQUESTS:
        words = words.replace(": program ", ": ")
    return words.replace(" (a person, user )", " (a person)")


def format_value(entry: LedgerEntry) -> str:
    """Return what was asked: one value, from where to where it moved, or the device's own control."""
    if entry.value is None or entry.low is None or entry.high is None:
        return "own control"
    if entry.low == entry.high:
        return format_order(entry.point, entry.value)
    low, high = format_order(entry.point, entry.low), format_order(entry.point, entry.high)
    return f"{low.partition(' ')[0]} to {high}"


def format_outcome(entry: LedgerEntry) -> str:
    """Return what became of it, and of how many orders each way where they differ."""
    fates = {**entry.fates, entry.outcome: entry.fates.get(entry.outcome, 0) + 1}
    worst = [f"{name} {count}x" for name, count in fates.items() if name in {"refused", "unknown", "expired"}]
    if not worst or set(fates) <= {entry.outcome}:
        return entry.outcome
    return f"{entry.outcome} ({', '.join(worst)} of {entry.count})"


def describe_outcome(entry: LedgerEntry) -> str:
    """Return what became of it and how it ended, as part of a sentence."""
    return ", ".join(filter(None, (format_outcome(entry), END_TEXTS.get(entry.end, ""))))


def render_entry(entry: LedgerEntry) -> dict[str, Any]:
    """JSON for scripts: all that is known, with who and the outcome in words too."""
    found = asdict(entry)
    cause = {"code": "", "values": {}, **found.pop("cause")}
    words = {"who_words": describe_who(entry.who), "outcome_words": describe_outcome(entry)}
    return found | cause | words | {"stands": entry.is_in_force}


def settle_entry(entry: LedgerEntry, boot: int) -> LedgerEntry:
    """Close a row of an earlier start than ``boot``: what was not known when that ended stays unknown."""
    if entry.boot == boot:
        return entry
    known = close_entry(entry)
    return known if known.end else replace(known, end="replaced", end_ms=None)


def close_entry(entry: LedgerEntry) -> LedgerEntry:
    """Close a row of a start that is over."""
    if entry.outcome != "pending":
        return entry
    return replace(entry, outcome="unknown", note="the gateway stopped before it was read back")
