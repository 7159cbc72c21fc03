"""The text of ``quartier why``, and the generated page ``gateway/docs/reasons.md`` (pure)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from quartier.cli.rendering import ledger_text
from quartier.cli.rendering.output import format_age, format_count, format_number, make_table
from quartier.cli.rendering.status_text import (
    describe_fallback,
    describe_override_effect,
    describe_unread,
    format_order,
)
from quartier.cli.rendering.time_text import DisplayClock
from quartier.control.reason_codes import REASON_KINDS, VALUE_UNITS, ReasonKind
from quartier.site.ledger import REPEATS_STORED_PERIOD_S, LedgerEntry
from quartier.store.gap_records import GapRecord

_REASON_PAGE_HEAD = """\
# Reasons

Made by `quartier why --reference` from the table that the gateway takes its reasons from.

Each order has a reason. A reason has a code, values and an English text. Codes keep their meaning over
versions, so programs compare codes, never texts. `quartier why ASSET --json` and `quartier status --json`
show `code` and `values` beside the text.

A reason can have parts. `more` is what is done about it, or what adds to it. `source` says whose limit it is.
The text *import cap 5000 W (envelope dso 12): charging paused* has the code `cap.import` with
`limit_w` = 5000, the source `envelope.says`, and as `more` the code `charging.paused`. In the table
{source} and {more} stand for such parts. All else in braces are values.

An order that an older version wrote into the history has its text alone: its `code` is empty.

| code | text | values |
| --- | --- | --- |
"""


def render_reason_page() -> str:
    """Return the whole page, in Markdown."""
    return "".join((_REASON_PAGE_HEAD, *_render_rows()))


def _render_rows() -> Iterator[str]:
    for kind in REASON_KINDS:
        values = ", ".join(map(_render_value, kind.names))
        yield f"| `{kind.code}` | {_render_text(kind)} | {values or '–'} |\n"


def _render_text(kind: ReasonKind) -> str:
    """Return its text without the formats of its values."""
    found = kind.text
    for name in kind.names:
        start = found.index("{" + name)
        end = found.index("}", start)
        found = f"{found[:start]}{{{name}}}{found[end + 1 :]}"
    return found


def _render_value(name: str) -> str:
    return f"`{name}`" + f" ({VALUE_UNITS[name]})" * bool(VALUE_UNITS[name])


LabelledLine = tuple[str, Text]
"""A label, mostly a word, and what belongs to it."""


def list_head_lines(
    asset: str, live: Mapping[str, Any] | None, kept: Sequence[LedgerEntry], now: DisplayClock, silence: str
) -> Iterator[LabelledLine]:
    """List what holds now; ``live`` is the daemon's answer, ``silence`` the reason that there is none."""
    # What another client wrote through us is none of our orders.  An order that came back for the same reason
    # is in its old row: what stands counts, however long ago it began.
    ours = [entry for entry in reversed(kept) if entry.who.kind != "client"]
    last = max(ours, key=lambda entry: (entry.is_in_force, entry.utc_ms), default=None)
    if live is None:
        yield "", Text(f"{asset}: its present state is not known ({silence})", style="yellow")
    else:
        yield "", _describe_state(live["asset"])
        yield from _list_override_lines(live["asset"])
    if last is None:
        yield "", Text("nothing was ever ordered of it, as far as the ledger reaches")
        if live is not None:
            yield from _list_return_lines(live["asset"])
        return
    rows = () if live is None else live["asset"].get("ledger", ())
    ages_s = {(row["boot"], row["number"]): row.get("age_s") for row in rows}
    words = _describe_order(
        last, now, ages_s.get((last.boot, last.number)), is_partial=live is None and _may_miss_repeats(last)
    )
    yield "last" if live is None else "ordered", Text(words)
    if live is None and _may_miss_repeats(last):
        yield "stored", Text(_describe_missing_repeats(last, now))
    yield "by", Text(ledger_text.describe_who(last.who))
    yield "because", Text(_explain_last_order(last, live))
    if live is not None:
        yield from _list_outlook_lines(live["asset"], last, now)


def _may_miss_repeats(last: LedgerEntry) -> bool:
    """Return whether a row read without its daemon may lack its last repetitions; one that ended has all."""
    return last.is_in_force and last.who.kind != "release"


def _describe_missing_repeats(last: LedgerEntry, now: DisplayClock) -> str:
    return (
        f"this order is known up to {now.format_time(last.last_ms)}; repetitions after that may be missing, "
        f"as they reach the history up to {format_age(REPEATS_STORED_PERIOD_S)} later"
    )


def _explain_last_order(last: LedgerEntry, live: Mapping[str, Any] | None) -> str:
    """Return the reason of the last order; of one by hand that a limit holds back, the limit too."""
    override = None if live is None else live["asset"].get("override")
    if override is None or override["held_by"] is None or override["held_by"]["text"] in last.why:
        return last.why
    return f"{last.why}; it is held back: {override['held_by']['text']}"


def _describe_state(asset: Mapping[str, Any]) -> Text:
    tier = f" of tier {asset['tier']}" if asset["tier"] else ""
    power = format_number(None if asset["power_w"] is None else round(asset["power_w"]), "W")
    return Text.assemble(
        (f"{asset['role']} {asset['name']}", "bold"),
        f"{tier}: {asset['state']}; it takes {power} ({asset['quality']}, {format_age(asset['age_s'])} old)",
    )


def _describe_order(
    last: LedgerEntry, now: DisplayClock, age_s: float | None, *, is_partial: bool = False
) -> str:
    """Describe the last order of a row; where there were several, their range since the first.

    ``age_s`` is how long ago the first was made, by the daemon's own time; None: only the wall clock tells.
    ``is_partial``: the last repetitions may not be stored.
    """
    stored = "stored " if is_partial else ""
    if age_s is None and now.utc_ms >= last.utc_ms:
        age_s = (now.utc_ms - last.utc_ms) / 1e3
    ago = "the clock was set back since" if age_s is None else format_age(age_s)
    since = f"since {now.format_time(last.utc_ms)} ({ago})"
    asked = "own control" if last.value is None else format_order(last.point, last.value)
    several = last.low != last.high or last.resumed > 0
    latest = "last stored order" if is_partial else "last ordered"
    when = f"{latest} at {now.format_time(last.last_ms)}" if several else since
    parts = [f"{last.point} {asked}, {when}: {_describe_outcome(last, now)}"]
    if several:
        between = ", with other orders between them" if last.resumed else ""
        orders = format_count(last.count, f"{stored}order")
        parts.append(f"{ledger_text.format_value(last)} in {orders} {since}{between}")
    if last.before is not None and (several or last.before != last.value):
        before = "before the first of these" if several else "before"
        parts.append(f"{before} it was {format_order(last.point, last.before)}")
    if last.count > 1 and not several:
        repetitions = f"{stored or 'sent '}{format_count(last.count, 'time')}"
        parts.append(f"{repetitions}, last at {now.format_time(last.last_ms)}")
    if last.fault and last.fault != last.note:
        parts.append(f"what went wrong last: {last.fault.removeprefix(f'{last.point}: ')}")
    if last.end:
        parts.append(ledger_text.END_TEXTS[last.end])
    return "; ".join(parts)


def _describe_outcome(last: LedgerEntry, now: DisplayClock) -> str:
    note = f" ({last.note.removeprefix(f'{last.point}: ')})" if last.note else ""
    when = "" if last.known_ms is None else f" at {now.format_time(last.known_ms)}"
    if last.outcome == "done" and last.shown is not None:
        return f"done, read back {format_order(last.point, last.shown)}{when}{note}"
    return f"{'on its way' if last.outcome == 'pending' else last.outcome}{when}{note}"


def _list_outlook_lines(
    asset: Mapping[str, Any], last: LedgerEntry, now: DisplayClock
) -> Iterator[LabelledLine]:
    if asset.get("until_ms") is not None:
        yield (
            "until",
            Text(f"{now.format_time(asset['until_ms'])}, as {ledger_text.format_who(last.who)} says now"),
        )
    if asset.get("fallback") is not None:
        yield "device", Text(f"{describe_fallback(last.point, asset['fallback'])}, unless it is told again")
    yield from _list_return_lines(asset)


def _list_override_lines(asset: Mapping[str, Any]) -> Iterator[LabelledLine]:
    """Yield the request, with the limit that holds it back, and what is not known of the device."""
    if asset.get("override") is not None and (words := describe_override_effect(asset)):
        override = asset["override"]
        yield (
            "requested",
            Text(f"{format_order(override['point'], override['requested'])}, {override['words']}: {words}"),
        )
    if missing := describe_unread(asset):
        yield "unknown", Text(missing)


def _list_return_lines(asset: Mapping[str, Any]) -> Iterator[LabelledLine]:
    for place, words in enumerate(describe_return_conditions(asset)):
        yield "back" if place == 0 else "", Text(words)


def describe_return_conditions(asset: Mapping[str, Any]) -> list[str]:
    """Return the conditions under which it gets more, one an entry; empty where nothing is held."""
    if asset.get("needs") is None:
        return []
    return list(map(_describe_condition, asset["needs"])) or [_NO_CONDITION]


_NO_CONDITION = "nothing is in the way: it comes back with its turn"


def _describe_condition(need: Mapping[str, Any]) -> str:
    """Describe one thing that must come true first."""
    words = _CONDITION_TEXTS.get(need["what"])
    return str(need["what"]) if words is None else words(need)


def _describe_lost_inputs(need: Mapping[str, Any]) -> str:
    return f"once what is lost is seen again: {', '.join(need['rules'])}"


def _describe_minimum_time(need: Mapping[str, Any]) -> str:
    kind = "minimum time on" if need["is_on"] else "minimum pause"
    return f"not before its {kind} of {format_age(need['least_s'])} is over, in {format_age(need['left_s'])}"


def _describe_headroom(need: Mapping[str, Any]) -> str:
    here = "unknown" if need["grid_w"] is None else format_number(round(need["grid_w"]), "W")
    goal = (
        f"{format_number(round(need['below_w']), 'W')}, with 10 % to spare, for {format_age(need['for_s'])}"
    )
    return f"once the import ({here} now) was below {goal}: {format_age(need['below_s'])} so far"


def _describe_power_fit(need: Mapping[str, Any]) -> str:
    return f"the {format_number(round(need['power_w']), 'W')} it takes must fit below that"


def _describe_export(need: Mapping[str, Any]) -> str:
    return f"step by step, as far as the export stays below {format_number(round(need['below_w']), 'W')}"


_CONDITION_TEXTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "inputs": _describe_lost_inputs,
    "grid": lambda _: "once the public grid is normal again: its present state holds all back",
    "command": lambda need: f"once the district's command {need['id']} is over",
    "minimum": _describe_minimum_time,
    "rest": lambda _: "it was switched often in the last hour, and rests",
    "room": _describe_headroom,
    "spread": lambda need: (
        f"waits {format_age(need['left_s'])} more, so that not all buildings come back together"
    ),
    "spacing": lambda need: f"one at a time: the next in {format_age(need['left_s'])}",
    "fits": _describe_power_fit,
    "turn": lambda need: f"after {', '.join(need['before'])}",
    "export": _describe_export,
}


def make_line_table(lines: Iterable[LabelledLine]) -> Table:
    """Make a table with labels on the left and their text, wrapped, on the right."""
    made = Table.grid(padding=(0, 2, 0, 0))
    for label, words in lines:
        made.add_row(Text(label, style="bold"), words)
    return made


def make_order_table(shown: Sequence[LedgerEntry], now: DisplayClock) -> Table:
    """Make the table of the rows, the newest first."""
    several = len({entry.point for entry in shown}) > 1
    columns = ["time", *(["point"] if several else []), ">ordered", "who", "outcome", "because"]
    return make_table("", columns, (_make_cells(entry, now, several=several) for entry in reversed(shown)))


def _make_cells(entry: LedgerEntry, now: DisplayClock, *, several: bool) -> list[Text]:
    many = f" {entry.count}x" if entry.count > 1 else ""
    outcome = ledger_text.format_outcome(entry)
    ended = {"reverted": ", reverted", "overwritten": ", overwritten"}.get(entry.end, "")
    last = now.format_time(entry.last_ms)
    cells = [Text(now.format_time(entry.utc_ms))]
    if several:
        cells.append(Text(entry.point.partition(".")[2]))
    return [
        *cells,
        Text(ledger_text.format_value(entry) + many),
        Text(ledger_text.format_who(entry.who)),
        Text(outcome + ended, style=ledger_text.OUTCOME_STYLE.get(entry.outcome, "")),
        Text(entry.why + (f"; with other orders between, last at {last}" if entry.resumed else "")),
    ]


def describe_gaps(gaps: Iterable[GapRecord]) -> Iterator[Text]:
    """Yield the gaps of the ledger in words."""
    for gap in gaps:
        yield Text(f"missing: {gap.text()}", style="yellow")
