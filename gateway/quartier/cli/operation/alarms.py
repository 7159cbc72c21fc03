"""``quartier alarms``: list alarms, acknowledge, explain; and generate ``gateway/docs/alarms.md``."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from quartier.cli.operation import override
from quartier.cli.operation.gateway_status import suggest_remedy
from quartier.cli.operation.history import describe_unknown_zone, find_database
from quartier.cli.operation.override import find_exit_code
from quartier.cli.rendering import output, time_text
from quartier.cli.rendering.output import format_age, make_table
from quartier.cli.rendering.time_text import DisplayClock
from quartier.daemon.reports.alarm_list import ALARMS_FILE
from quartier.runtime import state_file
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.orders import send_order
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.site import alarm_list, alarm_types
from quartier.site.alarm_catalogue import ALARM_KINDS, ALARM_KINDS_BY_CODE
from quartier.site.alarm_kinds import HOUR_S, AlarmKind, AlarmSeverity
from quartier.site.alarm_list import AlarmList
from quartier.site.alarm_types import format_alarm_name

RECENT_COUNT = 10
_SEVERITY_STYLE = {
    AlarmSeverity.CRITICAL: "bold red",
    AlarmSeverity.WARNING: "yellow",
    AlarmSeverity.NOTICE: "cyan",
}
_SEVERITY_RANKS = {str(severity): rank for rank, severity in enumerate(AlarmSeverity)}
_INDENT = (0, 0, 0, 4)


def render_stored_list(facts: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """Return the stored alarms in the form of a daemon's answer."""
    book = AlarmList.load(facts)
    rows = sorted(book.records.values(), key=lambda one: -one.number)
    return {
        "utc_ms": now_ms,
        "active_count": book.active_count,
        "unacknowledged_count": len(book.records_to_acknowledge),
        "alarms": [one.data() for one in rows],
    }


def needs_attention(row: Mapping[str, Any]) -> bool:
    """Return whether somebody still has to look at it: active, or not acknowledged."""
    return row["cleared_utc_ms"] is None or row["acknowledged"] is None


def list_recent(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what is listed, and the last of what is over."""
    alarms = list(rows)
    return [*_sort_listed(alarms), *_sort_ended(alarms)[:RECENT_COUNT]]


def complete_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its severity and remedy, JSON-ready."""
    return {**row, "severity": find_severity(row["code"]), "remedy": find_remedy(row)}


def find_severity(code: str) -> str:
    """Return how much it matters; empty for a code of another version."""
    return str(ALARM_KINDS_BY_CODE[code].severity) if code in ALARM_KINDS_BY_CODE else ""


def find_remedy(row: Mapping[str, Any]) -> str:
    """Return the remedy for an alarm; empty for a code of another version."""
    return (
        alarm_types.format_remedy(ALARM_KINDS_BY_CODE[row["code"]], row["of"])
        if row["code"] in ALARM_KINDS_BY_CODE
        else ""
    )


def render_list(found: Mapping[str, Any], *, whole: bool) -> Iterator[RenderableType]:
    """Render the list; ``whole``: all that is known of what is over."""
    zone = time_text.find_zone(found.get("zone"))
    now, rows = DisplayClock(found["utc_ms"], zone), found["alarms"]
    listed, over = _sort_listed(rows), _sort_ended(rows)
    if not listed:
        yield Text("no alarm", style="green")
    else:
        unseen_count = found["unacknowledged_count"]
        words = f"{found['active_count']} active, {unseen_count} not acknowledged"
        yield Text(words, style="bold")
    for row in listed:
        yield from _render_alarm(row, now)
    shown = over if whole else over[:RECENT_COUNT]
    if shown:
        yield ""
        columns = (">id", "over and acknowledged", "gone", ">times", "by", "note")
        yield make_table("", columns, (_make_ended_row(row, now, whole=whole) for row in shown))
    if listed or shown:
        yield Text(f"times are in {time_text.describe_zone(zone)}", style="dim")
    if len(over) > len(shown):
        yield Text(f"{len(over) - len(shown)} older ones: quartier alarms --all")


def _sort_listed(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that nobody has acknowledged first, then the worst, then the newest."""
    return sorted(
        filter(needs_attention, rows),
        key=lambda row: (
            row["acknowledged"] is not None,
            _SEVERITY_RANKS.get(find_severity(row["code"]), len(_SEVERITY_RANKS)),
            -row["since_utc_ms"],
        ),
    )


def _sort_ended(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted((row for row in rows if not needs_attention(row)), key=lambda row: -row["cleared_utc_ms"])


def _render_alarm(row: Mapping[str, Any], now: DisplayClock) -> Iterator[RenderableType]:
    """Render one alarm: which it is and since when, its text, who has seen it, what to do."""
    worth = find_severity(row["code"])
    seen = row["acknowledged"]
    style = _SEVERITY_STYLE.get(AlarmSeverity(worth), "") if worth and seen is None else ""
    yield Text.assemble(
        f"{row['number']:>3} ",
        (f"{worth:8}", style),
        f" {alarm_types.format_alarm_name(row['code'], row['of'])}",
        f"  {_describe_duration(row, now)}{_describe_repeats(row, now)}",
    )
    came = [f"with it: {one['words']}" for one in row.get("consequences", ())]
    lines = [
        row["words"],
        *came,
        "not acknowledged" if seen is None else _describe_acknowledgement(seen, now),
        find_remedy(row),
    ]
    for line in filter(None, lines):
        yield Padding(Text(line), _INDENT, expand=False)


def _describe_duration(row: Mapping[str, Any], now: DisplayClock) -> str:
    since, gone_ms = now.format_time(row["since_utc_ms"]), row["cleared_utc_ms"]
    raised_s, gone_s = row.get("raised_age_s"), row.get("gone_age_s")
    if gone_ms is None:
        lasting = _format_span(row["since_utc_ms"], now.utc_ms) if raised_s is None else format_age(raised_s)
        return f"active for {lasting}, since {since}"
    gone = _format_span(gone_ms, now.utc_ms) if gone_s is None else format_age(gone_s)
    lasted_s = None if raised_s is None or gone_s is None else raised_s - gone_s
    lasted = _format_span(row["since_utc_ms"], gone_ms) if lasted_s is None else format_age(lasted_s)
    return f"gone for {gone}, was active for {lasted} from {since}"


def _describe_repeats(row: Mapping[str, Any], now: DisplayClock) -> str:
    return f", {row['count']} times since {now.format_time(row['first_utc_ms'])}" if row["count"] > 1 else ""


def _describe_acknowledgement(seen: Mapping[str, Any], now: DisplayClock) -> str:
    note = f": {seen['note']}" if seen["note"] else ""
    return f"acknowledged by {seen['by']} {_format_span(seen['utc_ms'], now.utc_ms)} ago{note}"


def _make_ended_row(row: Mapping[str, Any], now: DisplayClock, *, whole: bool) -> tuple[str, ...]:
    """Return the cells of an alarm that is over; ``whole``: with those that were listed with it."""
    seen, gone = row["acknowledged"], now.format_time(row["cleared_utc_ms"])
    parts = [row, *(row.get("consequences", ()) if whole else ())]
    name = ", with ".join(alarm_types.format_alarm_name(one["code"], one["of"]) for one in parts)
    return str(row["number"]), name, gone, str(row["count"]), seen["by"], seen["note"]


def _format_span(from_ms: int, to_ms: int) -> str:
    return format_age(max(0, to_ms - from_ms) / 1000)


def render_kind(one: AlarmKind) -> dict[str, Any]:
    """Return a row of the alarm catalogue, JSON-ready."""
    return {
        "code": one.code,
        "of": one.of,
        "severity": str(one.severity),
        "meaning": one.meaning,
        "remedy": format_general_remedy(one),
    }


def format_general_remedy(one: AlarmKind) -> str:
    """Return the remedy of a row for any subject."""
    return one.remedy.format(of="OF", asset="NODE" if one.of.startswith("node") else "ASSET")


def render_kinds(kinds: Sequence[AlarmKind]) -> Iterator[RenderableType]:
    """Rows of the table for people."""
    for one in kinds:
        about = f"  (about: {one.of})" if one.of else ""
        yield Text.assemble((one.code, "bold"), f"  {one.severity}", about)
        yield Padding(Text(f"{one.meaning[0].upper()}{one.meaning[1:]}."), _INDENT, expand=False)
        yield Padding(Text(format_general_remedy(one)), _INDENT, expand=False)


_ALARM_PAGE_HEAD = f"""\
# Alarms

Made by `quartier alarms --reference` from the table that the gateway raises its alarms from.
How to work with the list: see [for operators](operators.md#alarms).

An alarm is known by its code and what it is about, as in `contact.unread:dso1`. Codes keep their meaning over
versions. The text beside it may change its figures; the alarm stays the same one.

| severity | means |
| --- | --- |
| {AlarmSeverity.CRITICAL} | a limit of the building does not hold now, or an output may be left unsafe |
| {AlarmSeverity.WARNING} | something is lost; what is declared for that loss is done |
| {AlarmSeverity.NOTICE} | all works; somebody should know, and look when there |

An alarm is raised at once. It stays until {alarm_types.ALARM_HOLD_S:g} s after its cause ended. Meanwhile its
text says when the cause ended: *ended 14:03:22*. If the cause comes back in this time, the same alarm counts
once more.
Consequences of an alarm are listed with it and leave the list with it. A consequence that lasts longer
becomes an alarm of its own.
If a cause gets worse, a worse alarm replaces the first one at once. The first alarm leaves the list,
acknowledged or not. The worse alarm names it (`with it: …`), with `--all` also when both are over.
After a start of the gateway, the alarms that were active stay active for {alarm_list.ALARM_SETTLE_S:g} s,
until everything was checked. The list keeps {alarm_list.ALARMS_MAX} alarms. The oldest that are gone and
acknowledged leave it first. An active alarm never leaves it.
"""


def render_alarm_page() -> str:
    """Return the whole page, in Markdown."""
    return "".join((_ALARM_PAGE_HEAD, *_render_table(), *_render_rows()))


def _render_table() -> Iterator[str]:
    yield "\n| code | severity | about | means |\n| --- | --- | --- | --- |\n"
    for kind in ALARM_KINDS:
        link = f"[`{kind.code}`](#{_make_anchor(kind)})"
        yield f"| {link} | {kind.severity} | {kind.of or '–'} | {kind.meaning} |\n"


def _render_rows() -> Iterator[str]:
    yield "\n## What to do\n"
    for kind in ALARM_KINDS:
        meaning = f"{kind.meaning[0].upper()}{kind.meaning[1:]}. {_describe_duration_rule(kind)}"
        yield f"\n### {kind.code}\n\n{meaning}\n\n{format_general_remedy(kind)}\n"


def _describe_duration_rule(kind: AlarmKind) -> str:
    if kind.stays_s == float("inf"):
        return "Reported once. It stays active until the next start of the gateway."
    if kind.stays_s:
        until = ", or until the link is up" if kind.ended_by else ""
        return f"Reported once. It stays active for {kind.stays_s / HOUR_S:g} h after the last report{until}."
    grows = f" If it lasts, `{kind.grows_into}` replaces it." if kind.grows_into else ""
    return f"It goes when its cause is gone.{grows}"


def _make_anchor(kind: AlarmKind) -> str:
    """Return the anchor that Markdown's usual renderers make of a heading."""
    return kind.code.replace(".", "")


def run_alarms(options: argparse.Namespace) -> int:
    """List, acknowledge or explain; exit 1 while one is not acknowledged, or when it is refused."""
    if options.reference:
        print(render_alarm_page(), end="")
        return 0
    if options.explain is not None:
        return _explain_codes(options)
    if options.ack is not None:
        return _acknowledge(options)
    return _list_alarms(options)


def _list_alarms(options: argparse.Namespace) -> int:
    try:
        found = ask(options.runtime_dir, "alarms")
    except NoDaemon as closed:
        return _list_from_disk(options, closed)
    _print_list(options, found)
    return 1 if found["unacknowledged_count"] else 0


def _list_from_disk(options: argparse.Namespace, closed: NoDaemon) -> int:
    """Return the last alarms stored on disk; used if no daemon answers."""
    print(f"{closed}; {suggest_remedy(closed)}", file=sys.stderr)
    facts = state_file.load_facts(options.state_dir / ALARMS_FILE)
    if facts is None:
        why = "cannot be read, try with sudo" if _is_unreadable(options.state_dir) else "is not there"
        print(f"the list of alarms in {options.state_dir} {why}", file=sys.stderr)
    else:
        print("this is what was known last:", file=sys.stderr)
        zone = find_database(options.config, options.state_dir)[1]
        if zone is None:
            print(describe_unknown_zone(options.config), file=sys.stderr)
        found = render_stored_list(facts, SiteClock().utc_ms())
        _print_list(options, found if zone is None else found | {"zone": str(zone)})
    return find_exit_code(closed)


def _is_unreadable(state_dir: Path) -> bool:
    try:
        return any(state_dir.glob(f"{ALARMS_FILE}.[ab]"))
    except PermissionError:
        return True


def _print_list(options: argparse.Namespace, found: Mapping[str, Any]) -> None:
    if options.json:
        rows = found["alarms"] if options.all else list_recent(found["alarms"])
        output.print_json({**found, "alarms": [complete_row(row) for row in rows]})
        return
    for part in render_list(found, whole=options.all):
        output.make_console().print(part)


def _acknowledge(options: argparse.Namespace) -> int:
    try:
        answer = send_order(options.runtime_dir, "acknowledge", which=options.ack, note=options.note)
    except NoDaemon as closed:
        return override.report_no_operator_access(closed)
    if options.json:
        output.print_json(answer)
    elif "error" in answer:
        print(answer["error"], file=sys.stderr)
    else:
        _print_acknowledged(answer)
    return 1 if "error" in answer else 0


def _print_acknowledged(answer: Mapping[str, Any]) -> None:
    for one in answer["done"]:
        print(f"{format_alarm_name(one['code'], one['of'])}: acknowledged by {one['acknowledged']['by']}")
    for one in answer["before"]:
        print(
            f"{format_alarm_name(one['code'], one['of'])}: {one['acknowledged']['by']} acknowledged it before"
        )
    if not answer["done"] and not answer["before"]:
        print("nothing is left to acknowledge")
    if not answer["kept"]:
        print("the disk did not take it: a restart of the gateway forgets it", file=sys.stderr)


def _explain_codes(options: argparse.Namespace) -> int:
    code = options.explain.partition(":")[0]
    found = [
        kind for kind in ALARM_KINDS if not code or kind.code == code or kind.code.startswith(f"{code}.")
    ]
    if not found:
        rooms = ", ".join(dict.fromkeys(known.partition(".")[0] for known in ALARM_KINDS_BY_CODE))
        print(f"no alarm has the code {code}; codes begin with {rooms}", file=sys.stderr)
        return 1
    if options.json:
        output.print_json([render_kind(one) for one in found])
        return 0
    for part in render_kinds(found):
        output.make_console().print(part)
    return 0
