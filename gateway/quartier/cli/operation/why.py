"""``quartier why``: shows who switched an asset, why, until when, and the conditions for its return."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from quartier.cli.operation import why_text
from quartier.cli.operation.gateway_status import report_no_daemon
from quartier.cli.operation.history import describe_unknown_zone, find_database
from quartier.cli.rendering import ledger_text, output, time_text
from quartier.config import loading
from quartier.config.checks.similar_names import suggest_names
from quartier.runtime import release_log
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.site.ledger import LedgerEntry, load_entry
from quartier.store import history_reader
from quartier.store.gap_records import GapRecord
from quartier_drivers.errors import ConfigError

LAST_ORDERS_COUNT = 10
_DAY_MS = 86_400_000
_SEARCH_SPANS_DAYS = (1, 7, 92)  # looked through until enough rows are found


def run_why(options: argparse.Namespace) -> int:
    """Tell it of one asset; exit 1 when there is no such asset or nothing was ever written down."""
    if options.asset is None or options.reference:
        return _run_without_asset(options)
    now_ms = SiteClock().utc_ms()
    path, zone = find_database(options.config, options.state_dir)
    try:
        from_ms = None if options.since is None else time_text.parse_moment_ms(options.since, now_ms, zone)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    live, closed = _ask_daemon(options)
    if closed is None and live is None:
        return _report_not_steered(options)
    now_ms = now_ms if live is None else live["gateway"]["utc_ms"]  # the daemon's own clock, where it has one
    zone = zone if live is None else time_text.find_zone(live["gateway"].get("time_zone")) or zone
    entries, gaps, fault = _read_from_disk(options, path, now_ms, 0 if options.all else from_ms)
    if live is not None:
        entries = _merge_entries(
            entries, [load_entry(data) for data in live["asset"]["ledger"]], live["gateway"]["boot"]
        )
    elif closed is not None and not entries and (code := _report_missing(options, path, closed, fault)):
        return code
    else:
        entries = [ledger_text.close_entry(entry) for entry in entries]
    shown = entries if options.all or from_ms is not None else entries[-LAST_ORDERS_COUNT:]
    if options.json:
        state = None if live is None else live["asset"]
        lines = [ledger_text.render_entry(entry) for entry in reversed(shown)]
        output.print_json(
            {"asset": options.asset, "now": state, "rows": lines, "missing": [g.data() for g in gaps]}
        )
        return 0
    page = output.make_console()
    (_, first), *more = why_text.list_head_lines(
        options.asset, live, entries, time_text.DisplayClock(now_ms, zone), str(closed or "")
    )
    page.print(first)
    page.print(why_text.make_line_table(more))
    if shown:
        page.print()
        page.print(why_text.make_order_table(shown, time_text.DisplayClock(now_ms, zone)))
    if zone is None:
        print(describe_unknown_zone(options.config), file=sys.stderr)
    page.print(f"times are in {time_text.describe_zone(zone)}")
    for line in (*why_text.describe_gaps(gaps), *([fault] if fault else ())):
        page.print(line)
    return 0


def _run_without_asset(options: argparse.Namespace) -> int:
    if options.reference:
        print(why_text.render_reason_page(), end="")
        return 0
    print("which asset? `quartier status` lists them", file=sys.stderr)
    return 2


def _ask_daemon(options: argparse.Namespace) -> tuple[dict[str, Any] | None, NoDaemon | None]:
    try:
        return ask(options.runtime_dir, "asset", options.asset), None
    except NoDaemon as closed:
        return None, closed


def _read_from_disk(
    options: argparse.Namespace, path: Path, now_ms: int, from_ms: int | None
) -> tuple[list[LedgerEntry], list[GapRecord], str]:
    """Return the rows from disk, the gaps in them, and the reason if the disk cannot be read."""
    spans = [from_ms] if from_ms is not None else [now_ms - days * _DAY_MS for days in _SEARCH_SPANS_DAYS]
    found: list[LedgerEntry] = []
    begin_ms = now_ms
    try:
        for begin_ms in spans:
            found = history_reader.read_ledger(path, options.runtime_dir, begin_ms, options.asset)
            if len(found) >= LAST_ORDERS_COUNT:
                break
        found += [row for row in release_log.read_releases(options.runtime_dir) if row.asset == options.asset]
        return found, history_reader.find_ledger_gaps(path, options.runtime_dir, begin_ms), ""
    except FileNotFoundError as error:
        return [], [], f"{error}; is --state-dir where the daemon keeps it?"
    except PermissionError as error:
        return [], [], f"older orders cannot be read ({error}); try sudo -u quartier quartier why"


def _merge_entries(kept: Iterable[LedgerEntry], live: Iterable[LedgerEntry], boot: int) -> list[LedgerEntry]:
    """Rows from disk and from the daemon, whose word counts; what an earlier start missed is unknown."""
    found = {(entry.boot, entry.number): ledger_text.settle_entry(entry, boot) for entry in kept}
    found |= {(entry.boot, entry.number): entry for entry in live}
    # By their numbers: the wall clock may have been set back.  Those of no boot came last.
    return sorted(found.values(), key=lambda entry: (entry.boot == 0, entry.boot, entry.number))


def _report_not_steered(options: argparse.Namespace) -> int:
    """Answer for a name that the daemon steers nothing by: the grid asset, or nobody's name."""
    try:
        status: Mapping[str, Any] = ask(options.runtime_dir, "status")
    except NoDaemon:
        return _report_unknown(options, [])
    grid = status["gateway"].get("grid")
    if options.asset != grid:
        names = [*status["control"].get("assets", {}), *([grid] if grid else [])]
        return _report_unknown(options, sorted(names))
    words = (
        f"{grid} is the meter at the grid connection: it is read and never ordered; "
        f"`quartier meter` shows whether it is plausible, `quartier points '{grid}.*'` its values"
    )
    if options.json:
        output.print_json({"asset": grid, "now": None, "rows": [], "missing": []})
    print(words, file=sys.stderr if options.json else sys.stdout)
    return 0


def _report_missing(options: argparse.Namespace, path: Path, closed: NoDaemon, fault: str) -> int:
    """Say what is missing where no daemon answers and no order is written down: the exit code, 0 where the
    site file has the asset.
    """
    try:
        names = sorted(loading.load_site_leniently(options.config).site.assets)
    except (ConfigError, OSError) as error:
        code = report_no_daemon(closed)
        site, _, _ = str(error).partition("\n")
        named = site if str(options.config) in site else f"{options.config}: {site}"
        print(f"no site file: {named.replace(' file: ', ' ')}; name it with --config", file=sys.stderr)
        print(fault or f"no order of {options.asset} is written down in {path}", file=sys.stderr)
        return code
    return 0 if options.asset in names else _report_unknown(options, names)


def _report_unknown(options: argparse.Namespace, names: Sequence[str]) -> int:
    known = f"; {suggest_names(options.asset, names, 'quartier status')}" if names else ""
    print(f"no asset is called {options.asset}{known}", file=sys.stderr)
    return 1
