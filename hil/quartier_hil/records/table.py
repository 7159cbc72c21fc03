"""Records of a real home from a CSV with one row an hour.

The form is that of the CityLearn challenge 2022: columns ``month``, ``hour`` (1..24, the hour that ends
there), ``non_shiftable_load`` in kWh of that hour and ``solar_generation`` in W per kW of installed PV.
Where ``schema.json``, ``pricing.csv`` lie beside the file, PV, battery and prices come from them.
"""

import calendar
import csv
import datetime as dt
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.records.series import HOUR_MINUTES, Series, minutes

COLUMNS = ("month", "hour", "non_shiftable_load", "solar_generation")
HOURS_OF_DAY = 24
HOW = (
    "Hours become minutes by straight lines between the middles of the hours with a seeded random walk on "
    "top, each hour scaled back to its recorded energy; within a minute the value is constant."
)


def read(path: Path, day: dt.date, days_count: int = 1, seed: int = 1) -> Series:
    """The records of ``days_count`` days from ``day`` (its month and day; the year does not matter).

    Raises ConfigError with every fault of the file.
    """
    rows = _rows(path)
    first = _first_row(path, rows, day)
    chosen = [rows[(first + hour) % len(rows)] for hour in range(24 * days_count)]
    rng = random.Random(seed)  # noqa: S311 - a seeded course, no secret
    base = minutes([row["non_shiftable_load"] * 1_000.0 for row in chosen], rng, 0.35)
    sun = minutes([row["solar_generation"] for row in chosen], rng, 0.25)
    about = _schema(path)
    return Series(
        base_w=base,
        solar_w_per_kw=sun,
        origin=f"{path.name}, {day:%d %B}, one row an hour. {HOW}",
        price_eur_per_wh=_prices(path, first, 24 * days_count, len(rows)),
        **about,
    )


@dataclass(frozen=True, slots=True)
class Whole:
    """All hours of a home: means in W, the first begins at ``hour`` - 1 of that day, in standard time."""

    month: int
    day: int
    hour: int
    load_w: tuple[float, ...]
    generated_w: tuple[float, ...]
    price_eur_per_wh: tuple[float, ...]
    pv_rated_w: float


def whole(path: Path) -> Whole:
    """All records of a file, whose first row is of the last day of a month or of the first of the next.

    Without ``schema.json`` its PV is one of 1 kW.  Raises ConfigError with every fault of the file.
    """
    rows = _rows(path)
    month, hour = int(rows[0]["month"]), int(rows[0]["hour"])
    is_eve = hour == HOURS_OF_DAY and int(rows[1]["month"]) != month
    rated_w = _schema(path).get("pv_rated_w", 1_000.0)
    return Whole(
        month=month,
        day=calendar.monthrange(2001, month)[1] if is_eve else 1,
        hour=hour,
        load_w=tuple(row["non_shiftable_load"] * 1_000.0 for row in rows),
        generated_w=tuple(row["solar_generation"] * rated_w / 1_000.0 for row in rows),
        price_eur_per_wh=_prices(path, 0, len(rows), len(rows))[::HOUR_MINUTES],
        pv_rated_w=rated_w,
    )


def _rows(path: Path) -> list[dict[str, float]]:
    faults: list[Fault] = []
    rows: list[dict[str, float]] = []
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError([Fault(str(path), None, "file", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Fault(str(path), None, "file", f"is no text in UTF-8: {error}")]) from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    faults += [
        Fault(str(path), 1, name, "this column is missing; expected it in the header") for name in missing
    ]
    if not missing:
        for row in reader:
            try:
                rows.append({name: float(row[name]) for name in COLUMNS})
            except (TypeError, ValueError):
                faults.append(Fault(str(path), reader.line_num, "row", "expected a number in each column"))
        if len(rows) < HOUR_MINUTES and not faults:
            faults.append(Fault(str(path), None, "rows", f"{len(rows)} rows; expected at least 60 hours"))
    if faults:
        raise ConfigError(faults)
    return rows


def _first_row(path: Path, rows: Sequence[dict[str, float]], day: dt.date) -> int:
    def is_first(index: int) -> bool:
        before = rows[index - 1] if index else None
        fresh = before is None or int(before["month"]) != day.month or int(before["hour"]) == HOURS_OF_DAY
        return int(rows[index]["month"]) == day.month and int(rows[index]["hour"]) == 1 and fresh

    for index in range(len(rows)):
        if is_first(index):
            return min(index + 24 * (day.day - 1), len(rows) - 1)
    raise ConfigError([Fault(str(path), None, "month", f"holds no hour 1 of month {day.month}")])


def _schema(path: Path) -> dict[str, Any]:
    schema = path.with_name("schema.json")
    if not schema.exists():
        return {}
    buildings = json.loads(schema.read_text("utf-8")).get("buildings", {})
    ours = next((item for item in buildings.values() if item.get("energy_simulation") == path.name), None)
    if ours is None:
        return {}
    storage = ours["electrical_storage"]["attributes"]
    return {
        "pv_rated_w": ours["pv"]["attributes"]["nominal_power"] * 1_000.0,
        "battery_wh": storage["capacity"] * 1_000.0,
        "battery_w": storage["nominal_power"] * 1_000.0,
    }


def _prices(path: Path, first: int, hours_count: int, rows_count: int) -> tuple[float, ...]:
    pricing = path.with_name("pricing.csv")
    if not pricing.exists():
        return ()
    with pricing.open(encoding="utf-8", newline="") as file:
        hourly = [float(row["electricity_pricing"]) / 1_000.0 for row in csv.DictReader(file)]
    wanted = (hourly[(first + hour) % min(rows_count, len(hourly))] for hour in range(hours_count))
    return tuple(price for price in wanted for _ in range(HOUR_MINUTES))
