"""How the list of alarms reads: what is to be looked at, then what is over (pure)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from quartier.cli import times
from quartier.cli.output import age, table
from quartier.cli.times import Clock
from quartier.site import alarm_types
from quartier.site.alarm_catalogue import ALARM_KINDS_BY_CODE
from quartier.site.alarm_kinds import AlarmKind, AlarmSeverity
from quartier.site.alarm_list import AlarmList

RECENT_COUNT = 10
_STYLE = {AlarmSeverity.CRITICAL: "bold red", AlarmSeverity.WARNING: "yellow", AlarmSeverity.NOTICE: "cyan"}
_RANK = {str(severity): rank for rank, severity in enumerate(AlarmSeverity)}
_INDENT = (0, 0, 0, 4)


def recalled(facts: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """Return what the disk kept, in the form in which a daemon answers."""
    book = AlarmList.load(facts)
    rows = sorted(book.records.values(), key=lambda one: -one.number)
    return {
        "utc_ms": now_ms,
        "active_count": book.active_count,
        "unacknowledged_count": len(book.unacknowledged),
        "alarms": [one.data() for one in rows],
    }


def is_listed(row: Mapping[str, Any]) -> bool:
    """Return whether somebody still has to look at it: active, or not acknowledged."""
    return row["cleared_utc_ms"] is None or row["acknowledged"] is None


def recent(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what is listed, and the last of what is over."""
    told = list(rows)
    return [*_listed(told), *_over(told)[:RECENT_COUNT]]


def whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its severity and remedy, JSON-ready."""
    return {**row, "severity": severity(row["code"]), "remedy": remedy(row)}


def severity(code: str) -> str:
    """Return how much it matters; empty for a code of another version."""
    return str(ALARM_KINDS_BY_CODE[code].severity) if code in ALARM_KINDS_BY_CODE else ""


def remedy(row: Mapping[str, Any]) -> str:
    """Return what to do about it; empty for a code of another version."""
    return (
        alarm_types.format_remedy(ALARM_KINDS_BY_CODE[row["code"]], row["of"])
        if row["code"] in ALARM_KINDS_BY_CODE
        else ""
    )


def parts(found: Mapping[str, Any], *, whole: bool) -> Iterator[RenderableType]:
    """The list as a page; ``whole``: all that is known of what is over."""
    zone = times.zone(found.get("zone"))
    now, rows = Clock(found["utc_ms"], zone), found["alarms"]
    listed, over = _listed(rows), _over(rows)
    if not listed:
        yield Text("no alarm", style="green")
    else:
        unseen_count = found["unacknowledged_count"]
        words = f"{found['active_count']} active, {unseen_count} not acknowledged"
        yield Text(words, style="bold")
    for row in listed:
        yield from _block(row, now)
    shown = over if whole else over[:RECENT_COUNT]
    if shown:
        yield ""
        columns = (">id", "over and acknowledged", "gone", ">times", "by", "note")
        yield table("", columns, (_past(row, now) for row in shown))
    if listed or shown:
        yield Text(f"times are in {times.said(zone)}", style="dim")
    if len(over) > len(shown):
        yield Text(f"{len(over) - len(shown)} older ones: quartier alarms --all")


def _listed(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that nobody has acknowledged first, then the worst, then the newest."""
    return sorted(
        filter(is_listed, rows),
        key=lambda row: (
            row["acknowledged"] is not None,
            _RANK.get(severity(row["code"]), len(_RANK)),
            -row["since_utc_ms"],
        ),
    )


def _over(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted((row for row in rows if not is_listed(row)), key=lambda row: -row["cleared_utc_ms"])


def _block(row: Mapping[str, Any], now: Clock) -> Iterator[RenderableType]:
    """One alarm: which it is and since when, its words, who has seen it, what to do."""
    worth = severity(row["code"])
    seen = row["acknowledged"]
    style = _STYLE.get(AlarmSeverity(worth), "") if worth and seen is None else ""
    yield Text.assemble(
        f"{row['number']:>3} ",
        (f"{worth:8}", style),
        f" {alarm_types.format_alarm_name(row['code'], row['of'])}",
        f"  {_when(row, now)}{_times(row, now)}",
    )
    came = [f"with it: {one['words']}" for one in row.get("consequences", ())]
    lines = [row["words"], *came, "not acknowledged" if seen is None else _seen(seen, now), remedy(row)]
    for line in filter(None, lines):
        yield Padding(Text(line), _INDENT, expand=False)


def _when(row: Mapping[str, Any], now: Clock) -> str:
    since, gone_ms = now.shown(row["since_utc_ms"]), row["cleared_utc_ms"]
    raised_s, gone_s = row.get("raised_age_s"), row.get("gone_age_s")
    if gone_ms is None:
        lasting = _span(row["since_utc_ms"], now.utc_ms) if raised_s is None else age(raised_s)
        return f"for {lasting}, since {since}"
    gone = _span(gone_ms, now.utc_ms) if gone_s is None else age(gone_s)
    lasted_s = None if raised_s is None or gone_s is None else raised_s - gone_s
    lasted = _span(row["since_utc_ms"], gone_ms) if lasted_s is None else age(lasted_s)
    return f"gone for {gone}, was there for {lasted} from {since}"


def _times(row: Mapping[str, Any], now: Clock) -> str:
    return f", {row['count']} times since {now.shown(row['first_utc_ms'])}" if row["count"] > 1 else ""


def _seen(seen: Mapping[str, Any], now: Clock) -> str:
    note = f": {seen['note']}" if seen["note"] else ""
    return f"acknowledged by {seen['by']} {_span(seen['utc_ms'], now.utc_ms)} ago{note}"


def _past(row: Mapping[str, Any], now: Clock) -> tuple[str, ...]:
    seen, gone = row["acknowledged"], now.shown(row["cleared_utc_ms"])
    name = alarm_types.format_alarm_name(row["code"], row["of"])
    return str(row["number"]), name, gone, str(row["count"]), seen["by"], seen["note"]


def _span(from_ms: int, to_ms: int) -> str:
    return age(max(0, to_ms - from_ms) / 1000)


def kind(one: AlarmKind) -> dict[str, Any]:
    """A row of the table, JSON-ready."""
    return {
        "code": one.code,
        "of": one.of,
        "severity": str(one.severity),
        "meaning": one.meaning,
        "remedy": remedy_words(one),
    }


def remedy_words(one: AlarmKind) -> str:
    """The remedy of a row for whatever it is about."""
    return one.remedy.format(of="OF", asset="ASSET")


def explained(kinds: Sequence[AlarmKind]) -> Iterator[RenderableType]:
    """Rows of the table for people."""
    for one in kinds:
        about = f"  (about: {one.of})" if one.of else ""
        yield Text.assemble((one.code, "bold"), f"  {one.severity}", about)
        yield Padding(Text(f"{one.meaning[0].upper()}{one.meaning[1:]}."), _INDENT, expand=False)
        yield Padding(Text(remedy_words(one)), _INDENT, expand=False)
