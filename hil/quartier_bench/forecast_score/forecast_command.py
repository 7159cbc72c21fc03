"""``quartier-hil forecast``: the gateway's forecast on records of homes, beside forecasts without a model."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quartier_bench.forecast_score.forecast_errors import CountsKey, ErrorCounts

BETTER, WORSE, NO_RUN = 0, 1, 2
SCORED_DAYS = 92
HISTORY_MIN_H = 192
DESCRIPTION = """\
Walks through whole records of homes, hour by hour, as a gateway would: at each hour it says what it expects
of the next 48 hours, knowing only what is over.  Its errors over the last days stand beside those of the last
hour held, of yesterday and of last week.  Exit code 0: better than all three in mean absolute and in root
mean squared error, for load, generation and net, 1 to 24 and 25 to 48 hours ahead, on each home; 1: not;
2: it could not be run.
"""
EPILOG = """\
examples:
  quartier-hil forecast citylearn_2022_phase_1              each Building_*.csv, its last 92 days
  quartier-hil forecast Building_1.csv --skip 92 --days 90  the 90 days before those
  quartier-hil forecast Building_1.csv --frozen --json      weights stand as they were before those days
"""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Teach an empty parser what may be asked."""
    to.description, to.epilog = DESCRIPTION, EPILOG
    to.formatter_class = argparse.RawDescriptionHelpFormatter
    to.add_argument(
        "records",
        nargs="+",
        type=Path,
        metavar="RECORDS",
        help="CSVs of homes, an hour a row as with quartier-hil run --records; or folders of them",
    )
    to.add_argument(
        "--days", type=int, default=SCORED_DAYS, help="judged at the end of the records [%(default)s]"
    )
    to.add_argument("--skip", type=int, default=0, help="days at the end that are left out [%(default)s]")
    to.add_argument("--every", type=int, default=1, metavar="H", help="a forecast each H hours [%(default)s]")
    to.add_argument("--frozen", action="store_true", help="regressions learn nothing in the days judged")
    to.add_argument("--zone", default="America/Los_Angeles", help="time zone of the records [%(default)s]")
    to.add_argument("--year", type=int, default=2016, help="of the first row [%(default)s]")
    to.add_argument("--latitude", type=float, default=34.1, help="[%(default)s]")
    to.add_argument("--longitude", type=float, default=-117.4, help="[%(default)s]")
    to.add_argument("--nowhere", action="store_true", help="as on a site without latitude and longitude")
    to.add_argument("--json", action="store_true", help="JSON instead of a table")
    to.set_defaults(command=run_forecast, needed=())


def run_forecast(options: argparse.Namespace) -> int:
    """Judge each home, print, and say whether all was better."""
    from quartier_bench.forecast_score import forecast_errors  # noqa: PLC0415 - as above
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - on first use

    where = (None, None) if options.nowhere else (options.latitude, options.longitude)
    place = forecast_errors.RecordsPlace(options.zone, where[0], where[1], options.year)
    found: dict[str, dict[CountsKey, ErrorCounts]] = {}
    try:
        for path in _list_files(options.records):
            home = forecast_errors.read_home(path, place)
            begin, until = _find_span(path, len(home.load_w), options)
            found[home.name] = forecast_errors.score_forecasts(
                home, begin, until, options.every, frozen=options.frozen
            )
            print(f"{home.name} is judged", file=sys.stderr)
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        return NO_RUN
    rows = [row for name, counts in found.items() for row in _make_rows(name, counts)]
    is_better = bool(rows) and all(row["better"] for row in rows)
    print(json.dumps({"better": is_better, "rows": rows}) if options.json else "\n".join(format_table(rows)))
    return BETTER if is_better else WORSE


def _find_span(path: Path, hours: int, options: argparse.Namespace) -> tuple[int, int]:
    from quartier_drivers.errors import ConfigError, Fault  # noqa: PLC0415 - as above

    until = hours - options.skip * 24
    begin = until - options.days * 24
    if begin < HISTORY_MIN_H or options.every < 1 or until <= begin:
        problem = (
            f"{hours} hours; expected at least {HISTORY_MIN_H} before the first forecast, and one forecast"
        )
        raise ConfigError([Fault(str(path), None, "--days", problem)])
    return begin, until


def _list_files(paths: Sequence[Path]) -> Iterator[Path]:
    from quartier_drivers.errors import ConfigError, Fault  # noqa: PLC0415 - as above

    for path in paths:
        inside = sorted(path.glob("Building_*.csv")) if path.is_dir() else [path]
        if not inside:
            raise ConfigError([Fault(str(path), None, "folder", "holds no Building_*.csv")])
        yield from inside


def _make_rows(name: str, counts: "Mapping[CountsKey, ErrorCounts]") -> Iterator[dict[str, Any]]:
    from quartier_bench.forecast_score import forecast_errors  # noqa: PLC0415 - as above

    for quantity in forecast_errors.QUANTITIES:
        for span, (first, last) in enumerate(forecast_errors.HORIZON_SPANS):
            errors = {
                who: counts[quantity, span, who] for who in (forecast_errors.OURS, *forecast_errors.BASELINES)
            }
            ours = errors[forecast_errors.OURS]
            yield {
                "home": name,
                "quantity": quantity,
                "ahead_h": f"{first + 1}-{last}",
                "mae_w": {who: round(counts.mae_w, 1) for who, counts in errors.items()},
                "rmse_w": {who: round(counts.rmse_w, 1) for who, counts in errors.items()},
                "inside_pct": round(ours.inside_pct, 1),
                "below_pct": [round(100.0 * count / ours.count, 1) for count in ours.below],
                "better": all(
                    ours.mae_w < errors[who].mae_w and ours.rmse_w < errors[who].rmse_w
                    for who in forecast_errors.BASELINES
                ),
            }


def format_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line a home, quantity and distance: mean absolute / root mean squared error in W."""
    if not rows:
        return []
    names = list(rows[0]["mae_w"])
    head = ["home", "what", "ahead h", *(f"{name}, W" for name in names), "in 10-90 %", "better"]
    cells = [
        [
            *(row["home"], row["quantity"], row["ahead_h"]),
            *(f"{row['mae_w'][name]:.0f} / {row['rmse_w'][name]:.0f}" for name in names),
            f"{row['inside_pct']:.0f} %",
            "yes" if row["better"] else "NO",
        ]
        for row in rows
    ]
    widths = [max(len(line[at]) for line in [head, *cells]) for at in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *cells]
    ]
    return ["mean absolute / root mean squared error", lines[0], "-" * len(lines[0]), *lines[1:]]
