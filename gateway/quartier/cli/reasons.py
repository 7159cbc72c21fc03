"""The screen of ``quartier why``: how it stands, by whom, why, until when, what returns (pure)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from quartier.cli import rows
from quartier.cli.output import age, counted, number, table
from quartier.cli.sentences import by_itself, effect, ordered, unread
from quartier.cli.times import Clock
from quartier.site.ledger import LedgerEntry
from quartier.store.gap_records import GapRecord

Line = tuple[str, Text]
"""A label, mostly a word, and what belongs to it."""
_ENDS = {
    "replaced": "then another order took its place",
    "given back": "then it was given back",
    "reverted": "then the device's own timer ended it",
    "overwritten": "then somebody else changed it",
}


def head(
    asset: str, live: Mapping[str, Any] | None, kept: Sequence[LedgerEntry], now: Clock, silence: str
) -> Iterator[Line]:
    """What holds now, one thing a line; ``live`` is the daemon's answer, ``silence`` why there is none."""
    # What another client wrote through us is none of our orders.  An order that came back for the same reason
    # is in its old row: what stands counts, however long ago it began.
    ours = [entry for entry in reversed(kept) if entry.who.kind != "client"]
    last = max(ours, key=lambda entry: (entry.stands, entry.utc_ms), default=None)
    if live is None:
        yield "", Text(f"{asset}: no daemon says how it stands now ({silence})", style="yellow")
    else:
        yield "", _stands(live["asset"])
        yield from _wished(live["asset"])
    if last is None:
        yield "", Text("nothing was ever ordered of it, as far as the ledger reaches")
        if live is not None:
            yield from _returns(live["asset"])
        return
    rows_told = () if live is None else live["asset"].get("ledger", ())
    ages_s = {(row["boot"], row["number"]): row.get("age_s") for row in rows_told}
    words = _asked(last, now, ages_s.get((last.boot, last.number)))
    yield "last" if live is None else "asked", Text(words)
    yield "by", Text(rows.whole(last.who))
    yield "because", Text(_because(last, live))
    if live is not None:
        yield from _outlook(live["asset"], last, now)


def _because(last: LedgerEntry, live: Mapping[str, Any] | None) -> str:
    """Return the reason of the last order; of one by hand that a limit holds back, the limit too."""
    wish = None if live is None else live["asset"].get("override")
    if wish is None or wish["held_by"] is None or wish["held_by"]["text"] in last.why:
        return last.why
    return f"{last.why}; it is held back: {wish['held_by']['text']}"


def _stands(told: Mapping[str, Any]) -> Text:
    tier = f" of tier {told['tier']}" if told["tier"] else ""
    power = number(None if told["power_w"] is None else round(told["power_w"]), "W")
    return Text.assemble(
        (f"{told['role']} {told['name']}", "bold"),
        f"{tier}: {told['state']}; it takes {power} ({told['quality']}, {age(told['age_s'])} old)",
    )


def _asked(last: LedgerEntry, now: Clock, age_s: float | None) -> str:
    """Describe the last order of a row; where its orders had several values, the range since the first.

    ``age_s`` is how long ago the first was made, by the daemon's own time; None: only the wall clock tells.
    """
    if age_s is None and now.utc_ms >= last.utc_ms:
        age_s = (now.utc_ms - last.utc_ms) / 1e3
    ago = "the clock was set back since" if age_s is None else age(age_s)
    since = f"since {now.shown(last.utc_ms)} ({ago})"
    asked = "own control" if last.value is None else ordered(last.point, last.value)
    varies = last.low != last.high
    when = f"last ordered at {now.shown(last.last_ms)}" if varies else since
    parts = [f"{last.point} {asked}, {when}: {_became(last, now)}"]
    if varies:
        parts.append(f"{rows.value(last)} in {counted(last.count, 'order')} {since}")
    if last.before is not None and (varies or last.before != last.value):
        parts.append(f"{'before these' if varies else 'before'} it was {ordered(last.point, last.before)}")
    if last.count > 1 and not varies:
        parts.append(f"told {counted(last.count, 'time')}, last at {now.shown(last.last_ms)}")
    if last.fault and last.fault != last.note:
        parts.append(f"what went wrong last: {last.fault.removeprefix(f'{last.point}: ')}")
    if last.end:
        parts.append(_ENDS[last.end])
    return "; ".join(parts)


def _became(last: LedgerEntry, now: Clock) -> str:
    note = f" ({last.note.removeprefix(f'{last.point}: ')})" if last.note else ""
    when = "" if last.known_ms is None else f" at {now.shown(last.known_ms)}"
    if last.outcome == "done" and last.shown is not None:
        return f"done, read back {ordered(last.point, last.shown)}{when}{note}"
    return f"{'on its way' if last.outcome == 'pending' else last.outcome}{when}{note}"


def _outlook(told: Mapping[str, Any], last: LedgerEntry, now: Clock) -> Iterator[Line]:
    if told.get("until_ms") is not None:
        yield "until", Text(f"{now.shown(told['until_ms'])}, as {rows.who(last.who)} says now")
    if told.get("fallback") is not None:
        yield "device", Text(f"{by_itself(last.point, told['fallback'])}, unless it is told again")
    yield from _returns(told)


def _wished(told: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the wish, with the limit that holds it back, and what is not known of the device."""
    if told.get("override") is not None and (words := effect(told)):
        wish = told["override"]
        yield "wished", Text(f"{ordered(wish['point'], wish['wished'])}, {wish['words']}: {words}")
    if missing := unread(told):
        yield "unknown", Text(missing)


def _returns(told: Mapping[str, Any]) -> Iterator[Line]:
    for place, words in enumerate(returning(told)):
        yield "back" if place == 0 else "", Text(words)


def returning(told: Mapping[str, Any]) -> list[str]:
    """Return the conditions under which it gets more, one an entry; empty where nothing is held."""
    if told.get("needs") is None:
        return []
    return list(map(_need, told["needs"])) or [_SOON]


_SOON = "nothing is in the way: it comes back with its turn"


def _need(need: Mapping[str, Any]) -> str:
    """One thing that must come true first."""
    words = _NEEDS.get(need["what"])
    return str(need["what"]) if words is None else words(need)


def _inputs(need: Mapping[str, Any]) -> str:
    return f"once what is lost is seen again: {', '.join(need['rules'])}"


def _minimum(need: Mapping[str, Any]) -> str:
    kind = "minimum time on" if need["is_on"] else "minimum pause"
    return f"not before its {kind} of {age(need['least_s'])} is over, in {age(need['left_s'])}"


def _room(need: Mapping[str, Any]) -> str:
    here = "unknown" if need["grid_w"] is None else number(round(need["grid_w"]), "W")
    goal = f"{number(round(need['below_w']), 'W')}, with 10 % to spare, for {age(need['for_s'])}"
    return f"once the import ({here} now) was below {goal}: {age(need['below_s'])} so far"


def _fits(need: Mapping[str, Any]) -> str:
    return f"the {number(round(need['power_w']), 'W')} it takes must fit below that"


def _export(need: Mapping[str, Any]) -> str:
    return f"step by step, as far as the export stays below {number(round(need['below_w']), 'W')}"


_NEEDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "inputs": _inputs,
    "grid": lambda _: "once the public grid is normal again: its present state holds all back",
    "command": lambda need: f"once the district's command {need['id']} is over",
    "minimum": _minimum,
    "rest": lambda _: "it was switched often in the last hour, and rests",
    "room": _room,
    "spread": lambda need: f"waits {age(need['left_s'])} more, so that not all buildings come back together",
    "spacing": lambda need: f"one at a time: the next in {age(need['left_s'])}",
    "fits": _fits,
    "turn": lambda need: f"after {', '.join(need['before'])}",
    "export": _export,
}


def block(lines: Iterable[Line]) -> Table:
    """Labels to the left, their words beside them, folded there."""
    made = Table.grid(padding=(0, 2, 0, 0))
    for label, words in lines:
        made.add_row(Text(label, style="bold"), words)
    return made


def orders(shown: Sequence[LedgerEntry], now: Clock) -> Table:
    """The rows, the newest first."""
    several = len({entry.point for entry in shown}) > 1
    columns = ["time", *(["point"] if several else []), ">asked", "who", "outcome", "because"]
    return table("", columns, (_cells(entry, now, several=several) for entry in reversed(shown)))


def _cells(entry: LedgerEntry, now: Clock, *, several: bool) -> list[Text]:
    many = f" {entry.count}x" if entry.count > 1 else ""
    outcome = rows.outcome(entry)
    ended = {"reverted": ", reverted", "overwritten": ", overwritten"}.get(entry.end, "")
    cells = [Text(now.shown(entry.utc_ms))]
    if several:
        cells.append(Text(entry.point.partition(".")[2]))
    return [
        *cells,
        Text(rows.value(entry) + many),
        Text(rows.who(entry.who)),
        Text(outcome + ended, style=rows.OUTCOME_STYLE.get(entry.outcome, "")),
        Text(entry.why),
    ]


def gone(gaps: Iterable[GapRecord]) -> Iterator[Text]:
    """Yield what the ledger lacks."""
    for gap in gaps:
        yield Text(f"missing: {gap.text()}", style="yellow")
