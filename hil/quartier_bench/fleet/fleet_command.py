"""``quartier-hil fleet``: options, output and exit code."""

import argparse
import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from quartier_bench.load_test import load_test_command

if TYPE_CHECKING:
    from quartier_bench.fleet.results import DayResult
    from quartier_bench.fleet.simulation import DayRecord, DaySettings

KEPT, BROKEN, NO_RUN = 0, 1, 2
REQUIRED_PACKAGES = ("demandlib", "numpy", "pandas", "pvlib")
NOON_S = 12 * 3600
TIME_ZONE = "Europe/Paris"
DESCRIPTION = """\
Steps many buildings for a day in one process, each second of them by the fleet's kernel: French homes and
offices by a seed, with what control does to them under a cap, after a common restart, without the optimiser
or after an outage.  The day goes from noon to noon, and is run without its events too.  After each common
release the district may take no more than before the hold, or than it takes by itself within half an hour of
then.  Exit code 0: so it is, 1: a rebound was higher, 2: it could not be run.
"""
EPILOG = """\
examples:
  quartier-hil fleet 10000                                        a day in which nothing happens
  quartier-hil fleet 10000 --event cap@18:00-20:00=0.4            what a cap does, and the same day without it
  quartier-hil fleet 2000 --event cap@05:00-07:30=0.4 --release at-once   why a district lets go in steps
  quartier-hil fleet 2000 --from 17:00 --hours 6 --event optimiser-lost@18:30-21:00 --report out

events:
  cap@18:00-20:00=0.6             the district caps each building to a share of its contract
  restart@19:00                   all gateways leave and come back after 30 s
  optimiser-lost@18:30[-21:00]    no heartbeat: FAILSAFE after 120 s, AUTONOMOUS after two hours
  outage@19:00-19:20              no voltage
"""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Teach an empty parser what a fleet may be told."""
    to.description, to.epilog = DESCRIPTION, EPILOG
    to.formatter_class = argparse.RawDescriptionHelpFormatter
    to.add_argument("count", nargs="?", type=int, default=1000, metavar="BUILDINGS", help="[%(default)s]")
    to.add_argument("--event", action="append", default=[], metavar="WORD", help="may be repeated")
    to.add_argument("--events", type=Path, metavar="FILE", help='TOML: events = ["cap@18:00-20:00=0.6"]')
    to.add_argument("--from", dest="begin", default="12:00", metavar="HH:MM", help="[%(default)s]")
    to.add_argument("--hours", type=float, help="until noon at the latest [until noon]")
    to.add_argument("--date", default="2026-01-15", help="for sun and people [%(default)s]")
    to.add_argument("--outside-c", type=float, default=0.0, help="mean of the day [%(default)g]")
    to.add_argument("--seed", type=int, default=1, help="another seed, other buildings [%(default)s]")
    to.add_argument(
        "--spread-s",
        type=float,
        default=0.0,
        help="randomize_start_s of the district's envelopes: what loosens comes within so long [%(default)g]",
    )
    to.add_argument("--on-loss", choices=("failsafe", "hold"), default="failsafe", help="[%(default)s]")
    to.add_argument(
        "--release",
        choices=("staged", "at-once"),
        default="staged",
        help="staged: after a hold the district raises its cap in steps, by its load [%(default)s]",
    )
    to.add_argument(
        "--autonomous",
        type=float,
        default=0.8,
        metavar="SHARE",
        help="of its contract, that a building takes when the district is gone for long [%(default)g]",
    )
    to.add_argument("--twin", action="store_true", help="step by the kernel's reference twin: slow")
    to.add_argument("--report", type=Path, metavar="FOLDER", help="for index.html and fleet.json [none]")
    to.add_argument("--json", action="store_true", help="JSON alone on stdout, progress on stderr")
    load_test_command.add_wire_arguments(to)
    to.set_defaults(command=run_fleet, needed=REQUIRED_PACKAGES)


def run_fleet(options: argparse.Namespace) -> int:
    """Run, print, judge."""
    if options.wire is not None:
        return load_test_command.run_wire_fleet(options)
    from quartier_bench.fleet import results  # noqa: PLC0415 - as above
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - what is heavy, on first use

    try:
        settings = _make_settings(options)
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        return NO_RUN
    without_events = _run_without_events(settings) if settings.events else None
    done = _run_day(options, settings, without_events)
    document = results.make_document(done, without_events)
    if options.report:
        _write_report(options, done, without_events, document)
    if options.json:
        print(json.dumps(document, indent=1))
    else:
        print("\n".join(results.format_rows(done, without_events)))
    return KEPT if done.holds else BROKEN


def _make_settings(options: argparse.Namespace) -> "DaySettings":
    from quartier_bench.fleet import building_stock, events, plant_model  # noqa: PLC0415 - as above
    from quartier_bench.fleet.simulation import DaySettings  # noqa: PLC0415 - as above
    from quartier_native import fleets  # noqa: PLC0415 - as above
    from quartier_native.reference import fleet as twin  # noqa: PLC0415 - as above

    first, seconds, day = _parse_span(options)
    words = [*(events.read_event_file(options.events) if options.events else ()), *options.event]
    happens = events.parse_events(words, NOON_S)
    made = building_stock.draw_stock(options.count, options.seed)
    noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(TIME_ZONE))
    return DaySettings(
        stock=made,
        drive=plant_model.make_day_inputs(made, day, options.outside_c),
        events=happens,
        from_second=first,
        seconds=seconds,
        spread_s=options.spread_s,
        on_loss=options.on_loss,
        autonomous=options.autonomous,
        start_utc_ms=round(noon.timestamp() * 1000),
        kernel=twin if options.twin else fleets,
        watch=_print_progress,
    )


def _parse_span(options: argparse.Namespace) -> tuple[int, int, dt.date]:
    """First second of the fleet's day, how many, and the date of its noon.  Raises ConfigError."""
    from quartier_drivers.errors import ConfigError, Fault  # noqa: PLC0415 - as above

    faults = []
    day, first = dt.date(2026, 1, 15), 0
    try:
        day = dt.date.fromisoformat(options.date)
    except ValueError:
        faults.append(Fault("--date", None, options.date, "is no date, such as 2026-01-15"))
    try:
        at = dt.time.fromisoformat(options.begin)
        first = (at.hour * 3600 + at.minute * 60 - NOON_S) % 86_400
    except ValueError:
        faults.append(Fault("--from", None, options.begin, "is no time of the day, such as 17:00"))
    seconds = 86_400 - first if options.hours is None else round(options.hours * 3600)
    if not 60 <= seconds <= 86_400 - first:
        faults.append(
            Fault("--hours", None, f"{options.hours:g}", "ends after the fleet's day, which ends at noon")
        )
    if not 0.0 <= options.autonomous <= 1.0:
        faults.append(Fault("--autonomous", None, f"{options.autonomous:g}", "is outside 0..1"))
    if not 1 <= options.count <= 200_000:
        faults.append(Fault("BUILDINGS", None, str(options.count), "is outside 1..200000"))
    if faults:
        raise ConfigError(faults)
    return first, seconds, day


def _run_day(
    options: argparse.Namespace, settings: "DaySettings", without_events: "DayRecord | None"
) -> "DayResult":
    from dataclasses import replace  # noqa: PLC0415 - as above

    import quartier_native  # noqa: PLC0415 - as above
    from quartier_bench.fleet.district_limits import compute_minute_means  # noqa: PLC0415 - as above
    from quartier_bench.fleet.results import (  # noqa: PLC0415 - as above
        DayResult,
        find_rebounds,
    )
    from quartier_bench.fleet.simulation import FleetDay  # noqa: PLC0415 - as above
    from quartier_bench.speed import measurement  # noqa: PLC0415 - as above

    about = measurement.describe_machine()
    if without_events is not None and options.release == "staged":
        settings = replace(settings, plain_w=compute_minute_means(without_events.total_w))
    record = FleetDay(settings).run()
    engine = "the reference twin" if options.twin else f"engine {quartier_native.engine().name}"
    return DayResult(
        settings=settings,
        record=record,
        rebounds=find_rebounds(record, without_events or record, settings.events, settings.from_second),
        engine=engine,
        core=f"{about['cpu']}, {about['cores']} cores, Python {about['python']}, numpy {about['numpy']}",
        load=os.getloadavg()[0],
        noon_s=NOON_S,
    )


def _run_without_events(settings: "DaySettings") -> "DayRecord":
    from dataclasses import replace  # noqa: PLC0415 - as above

    from quartier_bench.fleet.simulation import FleetDay  # noqa: PLC0415 - as above

    return FleetDay(replace(settings, events=())).run()


def _write_report(
    options: argparse.Namespace, done: "DayResult", without_events: "DayRecord | None", document: object
) -> None:
    from quartier_bench.fleet.html_page import render_page  # noqa: PLC0415 - as above

    options.report.mkdir(parents=True, exist_ok=True)
    words = "; ".join(one.words for one in done.settings.events) or "a day in which nothing happens"
    title = f"{options.count:,} buildings: {words}"
    (options.report / "index.html").write_text(render_page(done, without_events, title), encoding="utf-8")
    (options.report / "fleet.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _print_progress(second: int) -> None:
    sys.stderr.write(f"hour {second // 3600}\n")
    sys.stderr.flush()
