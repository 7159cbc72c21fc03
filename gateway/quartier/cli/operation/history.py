"""``quartier history``: stored samples as a table, CSV or JSON lines."""

import argparse
import csv
import itertools
import json
import sys
from collections.abc import Iterable
from datetime import tzinfo
from fnmatch import fnmatchcase
from pathlib import Path
from zoneinfo import ZoneInfo

from quartier.cli.rendering import output, terminal, time_text
from quartier.config import loading
from quartier.config.checks.similar_names import suggest_names
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.store import history_reader
from quartier_drivers.errors import ConfigError
from quartier_drivers.points import UCUM_UNITS, parse_quantity, split_point

INTERVAL_MIN_S = 1.0
COLUMNS = ("time", "point", "value", "unit", "quality", "count")


def run_history(options: argparse.Namespace) -> int:
    """Print what was stored; exit 1 if there is no history or point of that name, 2 for a wrong time."""
    path, zone = find_database(options.config, options.state_dir)
    zone = ask_time_zone(options.runtime_dir) or zone
    if zone is None and options.format != "jsonl":
        print(describe_unknown_zone(options.config), file=sys.stderr)
    try:
        now_ms = SiteClock().utc_ms()
        from_ms = time_text.parse_moment_ms(options.start, now_ms, zone)
        to_ms = time_text.parse_moment_ms(options.end, now_ms, zone)
        every_s = None if options.every is None else _parse_interval_s(options.every)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if every_s is not None and time_text.is_relative(options.start):
        from_ms = time_text.align_ms(from_ms, every_s, zone)
    if from_ms >= to_ms:
        print(f"--from {options.start} is not before --to {options.end}", file=sys.stderr)
        return 2
    rows = history_reader.read_history(path, options.runtime_dir, options.points, from_ms, to_ms, every_s)
    printed_count = itertools.count()
    try:
        _WRITERS[options.format]((row for row, _ in zip(rows, printed_count)), zone)  # noqa: B905 - the second has no end
    except FileNotFoundError as error:
        print(f"{error}; is --state-dir where the daemon keeps it?", file=sys.stderr)
        return 1
    except PermissionError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"{what}; try sudo -u quartier quartier history", file=sys.stderr)
        return 1
    if next(printed_count) == 0:
        if near := _explain_unknown_points(options):
            print(f"no point is called {' or '.join(options.points)}; {near}", file=sys.stderr)
            return 1
        span = f"{time_text.format_stamp(from_ms, zone)} and {time_text.format_stamp(to_ms, zone)}"
        print(f"no samples of {' or '.join(options.points)} between {span}", file=sys.stderr)
    return 0


def _explain_unknown_points(options: argparse.Namespace) -> str:
    """Return the names that are near, if the daemon has no point of these names; else, or unasked, nothing.

    Events are no points: they have a name once they happened.
    """
    if any(pattern.startswith(("event", "*")) for pattern in options.points):
        return ""
    try:
        names = [point["point"] for point in ask(options.runtime_dir, "points")]
    except NoDaemon:
        return ""
    if any(fnmatchcase(name, pattern) for name in names for pattern in options.points):
        return ""
    return suggest_names(options.points[0].strip("*"), names, "quartier points")


def _parse_interval_s(text: str) -> float:
    every_s = time_text.parse_duration_s(text)
    if every_s < INTERVAL_MIN_S:
        raise ValueError(f"--every {text} is too short; expected {INTERVAL_MIN_S:g}s at least")
    return every_s


def find_database(config: Path, state_dir: Path) -> tuple[Path, tzinfo | None]:
    """Return the database that the site file names, and the site's time zone.

    The usual database and None, the zone of this machine, where there is no usable file.
    """
    try:
        site = loading.load_site_leniently(config).site
    except ConfigError:
        return state_dir / "history.db", None
    return site.store.file(state_dir), ZoneInfo(site.site.time_zone)


def ask_time_zone(runtime_dir: Path) -> ZoneInfo | None:
    """Return the site's time zone from the running daemon; None where none answers."""
    try:
        return time_text.find_zone(ask(runtime_dir, "status")["gateway"].get("time_zone"))
    except NoDaemon:
        return None


def describe_unknown_zone(config: Path) -> str:
    """Return a notice that names the zone of all times where there is no usable site file."""
    why = "is not usable" if config.exists() else "is not there"
    return f"{config} {why}: times are in {time_text.describe_zone(None)}; name the site file with --config"


def _find_unit(point: str) -> str:
    try:
        return output.format_unit(UCUM_UNITS.get(parse_quantity(split_point(point)[1]).unit, ""))
    except ValueError:
        return ""  # events are named by codes


def _describe_quality(row: history_reader.HistoryRow) -> str:
    """Return the quality of a sample, or of all the time of a span: one good value does not hide bad ones."""
    is_partly_bad = row.good_pct is not None and 0.0 < row.good_pct < 100.0
    return "partly bad" if is_partly_bad else row.quality.name.lower()


def _describe_quality_share(row: history_reader.HistoryRow) -> str:
    """Return the quality, with the share of good time where not all was good."""
    words = _describe_quality(row)
    if row.good_pct is None or words != "partly bad":
        return words
    return f"{words}, {min(max(round(row.good_pct), 1), 99)} % good"


def _print_table(rows: Iterable[history_reader.HistoryRow], zone: tzinfo | None) -> None:
    cells = (
        (
            time_text.format_stamp(row.utc_ms, zone),
            row.point,
            output.format_number(row.value),
            _find_unit(row.point),
            _describe_quality_share(row),
            str(row.count),
        )
        for row in rows
    )
    columns = (f"time ({time_text.describe_zone(zone)})", "point", ">value", "unit", "quality", ">count")
    output.make_console().print(output.make_table("", columns, cells))


def _print_csv(rows: Iterable[history_reader.HistoryRow], zone: tzinfo | None) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            (
                time_text.format_stamp(row.utc_ms, zone),
                terminal.escape_formula(row.point),
                terminal.escape_formula(row.value),
                _find_unit(row.point),
                _describe_quality(row),
                row.count,
            )
        )


def _print_jsonl(rows: Iterable[history_reader.HistoryRow], _zone: tzinfo | None) -> None:
    for row in rows:
        found = {
            "utc_ms": row.utc_ms,
            "point": row.point,
            "value": row.value,
            "quality": _describe_quality(row),
            "count": row.count,
        }
        if row.good_pct is not None:
            found["good_pct"] = round(row.good_pct, 1)
        print(json.dumps(found, ensure_ascii=False))


_WRITERS = {"table": _print_table, "csv": _print_csv, "jsonl": _print_jsonl}
