"""Records of a real home from a CSV with one row an hour.

The form is that of the CityLearn challenge 2022: columns ``month``, ``hour`` (1..24, the hour that ends
there), ``non_shiftable_load`` in kWh of that hour and ``solar_generation`` in W per kW of installed PV.
Where ``schema.json``, ``pricing.csv`` lie beside the file, PV, battery and prices come from them.
"""

import calendar
import csv
import datetime as dt
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier_drivers.errors import ConfigError, Fault
from quartier_sim.load_series.minute_series import MINUTES_PER_HOUR, LoadSeries, interpolate_minutes

COLUMNS = ("month", "hour", "non_shiftable_load", "solar_generation")
HOURS_PER_DAY = 24
INTERPOLATION_NOTE = (
    "Hours become minutes by straight lines between the middles of the hours with a seeded random walk on "
    "top, each hour scaled back to its recorded energy; within a minute the value is constant."
)


def read_series(path: Path, day: dt.date, days_count: int = 1, seed: int = 1) -> LoadSeries:
    """The records of ``days_count`` days from ``day`` (its month and day; the year does not matter).

    Raises ConfigError with every fault of the file.
    """
    rows = _read_rows(path)
    first = _find_first_row(path, rows, day)
    chosen = [rows[(first + hour) % len(rows)] for hour in range(24 * days_count)]
    rng = random.Random(seed)  # noqa: S311 - a seeded course, no secret
    base = interpolate_minutes([row["non_shiftable_load"] * 1_000.0 for row in chosen], rng, 0.35)
    sun = interpolate_minutes([row["solar_generation"] for row in chosen], rng, 0.25)
    about = _read_schema(path)
    return LoadSeries(
        base_w=base,
        solar_w_per_kw=sun,
        origin=f"{path.name}, {day:%d %B}, one row an hour. {INTERPOLATION_NOTE}",
        price_eur_per_wh=_read_prices_per_minute(path, first, 24 * days_count, len(rows)),
        **about,
    )


@dataclass(frozen=True, slots=True)
class HomeRecords:
    """All hours of a home: means in W, the first begins at ``hour`` - 1 of that day, in standard time."""

    month: int
    day: int
    hour: int
    load_w: tuple[float, ...]
    generated_w: tuple[float, ...]
    pv_rated_w: float


def read_home_records(path: Path) -> HomeRecords:
    """All records of a file, whose first row is of the last day of a month or of the first of the next.

    Without ``schema.json`` its PV is one of 1 kW; a home whose schema has no PV needs no column for it.
    Raises ConfigError with every fault of the file: a value that is no number, an hour that is left out.
    """
    rated_w = _read_schema(path).get("pv_rated_w", 1_000.0)
    rows = _read_rows(path, COLUMNS if rated_w > 0.0 else COLUMNS[:-1])
    if faults := _check_hour_order(path, rows):
        raise ConfigError(faults)
    month, hour = int(rows[0]["month"]), int(rows[0]["hour"])
    is_eve = hour == HOURS_PER_DAY and int(rows[1]["month"]) != month
    return HomeRecords(
        month=month,
        day=calendar.monthrange(2001, month)[1] if is_eve else 1,
        hour=hour,
        load_w=tuple(row["non_shiftable_load"] * 1_000.0 for row in rows),
        generated_w=tuple(row.get("solar_generation", 0.0) * rated_w / 1_000.0 for row in rows),
        pv_rated_w=rated_w,
    )


def read_prices(path: Path, rows_count: int) -> tuple[float, ...]:
    """EUR per Wh of each hour of a file's records; nothing where no ``pricing.csv`` lies beside it.

    Raises ConfigError where that has no numbers.
    """
    return _read_prices_per_minute(path, 0, rows_count, rows_count)[::MINUTES_PER_HOUR]


def _read_rows(path: Path, columns: Sequence[str] = COLUMNS) -> list[dict[str, float]]:
    faults: list[Fault] = []
    rows: list[dict[str, float]] = []
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError([Fault(str(path), None, "file", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Fault(str(path), None, "file", f"is no text in UTF-8: {error}")]) from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    faults += [
        Fault(str(path), 1, name, "this column is missing; expected it in the header, commas between columns")
        for name in missing
    ]
    if not missing:
        bad: dict[int, str] = {}
        for row in reader:
            values = {name: _parse_number(row[name]) for name in columns}
            if invalid := [f"{name} {row[name]!r}" for name, value in values.items() if math.isnan(value)]:
                bad[reader.line_num] = ", ".join(invalid)
            rows.append(values)
        faults += [Fault(str(path), line, "row", what) for line, what in _group_bad_lines(bad)]
        if len(rows) < MINUTES_PER_HOUR and not faults:
            faults.append(Fault(str(path), None, "rows", f"{len(rows)} rows; expected at least 60 hours"))
    if faults:
        raise ConfigError(faults)
    return rows


def _parse_number(text: str | None) -> float:
    """NaN where it is none, or not finite."""
    try:
        value = float(text or "")
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _group_bad_lines(bad: Mapping[int, str]) -> list[tuple[int, str]]:
    """The first line of each run of bad lines, and how far it goes: a gap is one fault, not one an hour."""
    found = []
    for line, text in bad.items():
        if line - 1 in bad:
            continue
        last = line
        while last + 1 in bad:
            last += 1
        until = "" if last == line else f", as the rows to line {last}"
        found.append((line, f"{text} is no number{until}; expected a number in each column of each hour"))
    return found


def _check_hour_order(path: Path, rows: Sequence[Mapping[str, float]]) -> list[Fault]:
    """Rows whose month or hour is none, or whose hour does not follow the one before."""
    faults: list[Fault] = []
    for at, row in enumerate(rows):
        hour, month = row["hour"], row["month"]
        if hour not in range(1, HOURS_PER_DAY + 1) or month not in range(1, 13):
            what = (
                f"month {month:g}, hour {hour:g}; expected 1 to 12, and 1 to 24 for the hour that ends there"
            )
            return [*faults, Fault(str(path), at + 2, "hour", what)]
        due = rows[at - 1]["hour"] % HOURS_PER_DAY + 1 if at else hour
        if hour != due:
            what = f"hour {hour:g} where {due:g} is due; expected a row for each hour, in their order"
            faults.append(Fault(str(path), at + 2, "hour", what))
    return faults


def _find_first_row(path: Path, rows: Sequence[dict[str, float]], day: dt.date) -> int:
    def is_first(index: int) -> bool:
        before = rows[index - 1] if index else None
        fresh = before is None or int(before["month"]) != day.month or int(before["hour"]) == HOURS_PER_DAY
        return int(rows[index]["month"]) == day.month and int(rows[index]["hour"]) == 1 and fresh

    for index in range(len(rows)):
        if is_first(index):
            return min(index + 24 * (day.day - 1), len(rows) - 1)
    raise ConfigError([Fault(str(path), None, "month", f"holds no hour 1 of month {day.month}")])


def _read_schema(path: Path) -> dict[str, Any]:
    schema = path.with_name("schema.json")
    if not schema.exists():
        return {}
    try:
        buildings = json.loads(schema.read_text("utf-8-sig")).get("buildings", {})
        ours = next((item for item in buildings.values() if item.get("energy_simulation") == path.name), None)
        return {} if ours is None else _parse_sizes(ours)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"no sizes of {path.stem} can be read ({error!r}); expected those of the CityLearn challenge"
        raise ConfigError([Fault(str(schema), None, "buildings", what)]) from error


def _parse_sizes(building: Mapping[str, Any]) -> dict[str, float]:
    """Those that are stated; without ``pv`` a building has none."""
    pv, storage = building.get("pv"), building.get("electrical_storage")
    sizes = {"pv_rated_w": pv["attributes"]["nominal_power"] * 1_000.0 if pv else 0.0}
    if storage:
        cell = storage["attributes"]
        wanted = {"battery_wh": "capacity", "battery_w": "nominal_power"}
        sizes |= {name: cell[key] * 1_000.0 for name, key in wanted.items() if cell.get(key) is not None}
    return sizes


def _read_prices_per_minute(path: Path, first: int, hours_count: int, rows_count: int) -> tuple[float, ...]:
    pricing = path.with_name("pricing.csv")
    if not pricing.exists():
        return ()
    try:
        with pricing.open(encoding="utf-8-sig", newline="") as file:
            hourly = [float(row["electricity_pricing"]) / 1_000.0 for row in csv.DictReader(file)]
        wanted = [hourly[(first + hour) % min(rows_count, len(hourly))] for hour in range(hours_count)]
    except (OSError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        what = f"no column of numbers ({error!r}); expected a price each hour"
        raise ConfigError([Fault(str(pricing), None, "electricity_pricing", what)]) from error
    return tuple(price for price in wanted for _ in range(MINUTES_PER_HOUR))
