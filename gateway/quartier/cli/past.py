"""``quartier history``: stored samples as a table, CSV or JSON lines."""

import argparse
import csv
import itertools
import json
import sys
from collections.abc import Iterable
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from quartier.cli import output, plain, times
from quartier.config import loading
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.store import history_reader
from quartier_drivers.errors import ConfigError
from quartier_drivers.points import UCUM_UNITS, parse_quantity, split_point

EVERY_MIN_S = 1.0
COLUMNS = ("time", "point", "value", "unit", "quality", "count")


def history(options: argparse.Namespace) -> int:
    """Print what was stored; exit 1 when there is no history, 2 for a time that cannot be read."""
    path, zone = places(options.config, options.state_dir)
    zone = daemon_zone(options.runtime_dir) or zone
    if zone is None and options.format != "jsonl":
        print(unknown_zone(options.config), file=sys.stderr)
    try:
        now_ms = SiteClock().utc_ms()
        from_ms = times.moment_ms(options.start, now_ms, zone)
        to_ms = times.moment_ms(options.end, now_ms, zone)
        every_s = None if options.every is None else _every_s(options.every)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if every_s is not None and times.is_ago(options.start):
        from_ms = times.aligned_ms(from_ms, every_s, zone)
    if from_ms >= to_ms:
        print(f"--from {options.start} is not before --to {options.end}", file=sys.stderr)
        return 2
    rows = history_reader.read_history(path, options.runtime_dir, options.points, from_ms, to_ms, every_s)
    told = itertools.count()
    try:
        _WRITERS[options.format]((row for row, _ in zip(rows, told)), zone)  # noqa: B905 - the second has no end
    except FileNotFoundError as error:
        print(f"{error}; is --state-dir where the daemon keeps it?", file=sys.stderr)
        return 1
    except PermissionError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"{what}; try sudo -u quartier quartier history", file=sys.stderr)
        return 1
    if next(told) == 0:
        span = f"{times.stamp(from_ms, zone)} and {times.stamp(to_ms, zone)}"
        print(f"no samples of {' or '.join(options.points)} between {span}", file=sys.stderr)
    return 0


def _every_s(text: str) -> float:
    every_s = times.span_s(text)
    if every_s < EVERY_MIN_S:
        raise ValueError(f"--every {text} is too short; expected {EVERY_MIN_S:g}s at least")
    return every_s


def places(config: Path, state_dir: Path) -> tuple[Path, tzinfo | None]:
    """The database that the site file names and the site's time zone.

    The usual database and None, the zone of this machine, where there is no usable file.
    """
    try:
        site = loading.load_site_leniently(config).site
    except ConfigError:
        return state_dir / "history.db", None
    return site.store.file(state_dir), ZoneInfo(site.site.time_zone)


def daemon_zone(runtime_dir: Path) -> ZoneInfo | None:
    """Return the site's time zone from the running daemon; None where none answers."""
    try:
        return times.zone(ask(runtime_dir, "status")["gateway"].get("time_zone"))
    except NoDaemon:
        return None


def unknown_zone(config: Path) -> str:
    """Return a notice that names the zone of all times where there is no usable site file."""
    why = "is not usable" if config.exists() else "is not there"
    return f"{config} {why}: times are in {times.said(None)}; name the site file with --config"


def _unit(point: str) -> str:
    try:
        return output.unit(UCUM_UNITS.get(parse_quantity(split_point(point)[1]).unit, ""))
    except ValueError:
        return ""  # events are named by codes


def _table(rows: Iterable[history_reader.HistoryRow], zone: tzinfo | None) -> None:
    cells = (
        (
            times.stamp(row.utc_ms, zone),
            row.point,
            output.number(row.value),
            _unit(row.point),
            row.quality.name.lower(),
            str(row.count),
        )
        for row in rows
    )
    columns = (f"time ({times.said(zone)})", "point", ">value", "unit", "quality", ">count")
    output.console().print(output.table("", columns, cells))


def _csv(rows: Iterable[history_reader.HistoryRow], zone: tzinfo | None) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            (
                times.stamp(row.utc_ms, zone),
                plain.cell(row.point),
                plain.cell(row.value),
                _unit(row.point),
                row.quality.name.lower(),
                row.count,
            )
        )


def _jsonl(rows: Iterable[history_reader.HistoryRow], _zone: tzinfo | None) -> None:
    for row in rows:
        found = {
            "utc_ms": row.utc_ms,
            "point": row.point,
            "value": row.value,
            "quality": row.quality.name.lower(),
            "count": row.count,
        }
        print(json.dumps(found, ensure_ascii=False))


_WRITERS = {"table": _table, "csv": _csv, "jsonl": _jsonl}
