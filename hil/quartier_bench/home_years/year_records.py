"""Read a folder in the form of the CityLearn challenge 2022: homes, prices and CO2, one row an hour."""

import csv
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quartier_drivers.errors import ConfigError, Fault
from quartier_sim.load_series import home_records

HourlyValues = NDArray[np.float64]
_HOURS_PER_DAY = 24
_T = TypeVar("_T")
_BATTERY_SIZES = {
    "capacity": (0.0, math.inf, "kWh above 0"),
    "nominal_power": (0.0, math.inf, "kW above 0"),
    "efficiency": (0.01, 1.0, "that of the round trip, above 0.01 to 1"),
}
"""Range and meaning of each value of a battery: above the first number, up to the second."""


@dataclass(frozen=True, slots=True)
class HomeBattery:
    """Energy in kWh, power in kW at its terminals; ``efficiency`` of one way, in and out alike."""

    capacity_kwh: float
    power_kw: float
    efficiency: float

    def find_possible_charge(self, held_kwh: float, wanted_kwh: float) -> tuple[float, float]:
        """Return the possible part of ``wanted_kwh`` in an hour (plus: charge), and the stored energy."""
        if wanted_kwh >= 0:
            done = min(wanted_kwh, self.power_kw, (self.capacity_kwh - held_kwh) / self.efficiency)
            return done, min(self.capacity_kwh, held_kwh + done * self.efficiency)
        done = min(-wanted_kwh, self.power_kw, held_kwh * self.efficiency)
        return -done, max(0.0, held_kwh - done / self.efficiency)


@dataclass(frozen=True, slots=True)
class Home:
    """``load_kwh`` and ``pv_kwh`` of each hour."""

    name: str
    load_kwh: HourlyValues
    pv_kwh: HourlyValues
    battery: HomeBattery
    begins: tuple[int, int, int] = (1, 1, 1)
    """Month, day and hour (1..24, the one that ends there) of the first row."""
    pv_rated_kw: float = 0.0

    @property
    def net_kwh(self) -> HourlyValues:
        """Energy from the grid without a battery, kWh; below zero: feed in."""
        return self.load_kwh - self.pv_kwh


@dataclass(frozen=True, slots=True)
class YearRecords:
    """Its homes with ``price_per_kwh`` and ``co2_kg_per_kwh`` of each hour; what is fed in earns nothing."""

    homes: tuple[Home, ...]
    price_per_kwh: HourlyValues
    co2_kg_per_kwh: HourlyValues


def read_year(folder: Path) -> YearRecords:
    """The homes of ``folder/schema.json``, but for those that it does not include.

    Raises ConfigError with the faults of all files, each with its file and key or column.
    """
    schema = folder / "schema.json"
    about = _read_buildings(schema)
    faults: list[Fault] = []

    names = _find_file(schema, about, "pricing"), _find_file(schema, about, "carbon_intensity")
    price = _collect_faults(faults, partial(_read_column, folder / names[0], "electricity_pricing"))
    co2 = _collect_faults(faults, partial(_read_column, folder / names[1], "carbon_intensity"))
    homes = [_collect_faults(faults, partial(_read_home, schema, name, keys)) for name, keys in about.items()]
    if faults or price is None or co2 is None:
        raise ConfigError(faults)
    known = tuple(home for home in homes if home is not None)
    counts = {"electricity_pricing": len(price), "carbon_intensity": len(co2)}
    counts |= {home.name: len(home.load_kwh) for home in known}
    if len({*counts.values()}) != 1 or min(counts.values()) < 2 * _HOURS_PER_DAY:
        text = ", ".join(f"{name} {count}" for name, count in counts.items())
        what = f"{text}; expected as many in each, two days at least"
        raise ConfigError([Fault(str(folder), None, "rows", what)])
    return YearRecords(known, price, co2)


def _collect_faults(faults: list[Fault], read: Callable[[], _T]) -> _T | None:
    """Return the value read; on a ConfigError add its faults to the list and return None."""
    try:
        return read()
    except ConfigError as error:
        faults.extend(error.faults)
        return None


def _read_buildings(schema: Path) -> Mapping[str, Mapping[str, Any]]:
    """Those that are included, by name."""
    try:
        buildings = json.loads(schema.read_text("utf-8-sig"))["buildings"]
        about = {str(name): dict(keys) for name, keys in dict(buildings).items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = _describe_error(error)
        what = f"no list of buildings can be read here ({why}); expected a folder of the CityLearn challenge"
        raise ConfigError([Fault(str(schema), None, "buildings", what)]) from error
    about = {name: keys for name, keys in about.items() if keys.get("include", True)}
    if not about:
        what = "none is included; expected one at least, with energy_simulation, electrical_storage and pv"
        raise ConfigError([Fault(str(schema), None, "buildings", what)])
    return about


def _find_file(schema: Path, about: Mapping[str, Mapping[str, Any]], key: str) -> str:
    """The file that the buildings name for all of them; ``key`` with .csv where none does."""
    names = {str(keys.get(key) or f"{key}.csv") for keys in about.values()}
    if len(names) > 1:
        what = f"{', '.join(sorted(names))}; expected one for all homes of a folder, make a folder for each"
        raise ConfigError([Fault(str(schema), None, f"buildings.*.{key}", what)])
    return names.pop()


def _read_home(schema: Path, name: str, keys: Mapping[str, Any]) -> Home:
    """Raises ConfigError that names each size that is missing or is none."""
    place = f"buildings.{name}"
    record = keys.get("energy_simulation")
    faults = []
    if not isinstance(record, str):
        faults.append(
            Fault(str(schema), None, f"{place}.energy_simulation", "expected the name of a CSV file")
        )
    sizes = {}
    for size, (low, high, what) in _BATTERY_SIZES.items():
        value = _read_attribute(keys.get("electrical_storage"), size)
        if value is None or not low < value <= high:
            text = "is not given" if value is None else f"is {value:g}"
            key = f"{place}.electrical_storage.attributes.{size}"
            faults.append(Fault(str(schema), None, key, f"{text}; expected {what}"))
        else:
            sizes[size] = value
    rated_kw = _read_attribute(keys.get("pv"), "nominal_power") if keys.get("pv") else 0.0
    if rated_kw is None or not 0.0 <= rated_kw < math.inf:
        key = f"{place}.pv.attributes.nominal_power"
        faults.append(Fault(str(schema), None, key, "is no power; expected kW, or no pv for a home without"))
    if faults:
        raise ConfigError(faults)
    # The file's efficiency is that of the round trip.
    battery = HomeBattery(sizes["capacity"], sizes["nominal_power"], math.sqrt(sizes["efficiency"]))
    found = home_records.read_home_records(schema.parent / str(record))
    load_kwh, pv_kwh = np.array(found.load_w) / 1000, np.array(found.generated_w) / 1000
    begins = (found.month, found.day, found.hour)
    return Home(name, load_kwh, pv_kwh, battery, begins, found.pv_rated_w / 1000)


def _read_attribute(part: object, name: str) -> float | None:
    """A number of a part's attributes; None where there is none."""
    attributes = part.get("attributes") if isinstance(part, dict) else None
    value = attributes.get(name) if isinstance(attributes, dict) else None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _read_column(path: Path, name: str) -> HourlyValues:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if name not in (reader.fieldnames or ()):
                what = "this column is missing; expected it in the header, commas between columns"
                raise ConfigError([Fault(str(path), 1, name, what)])
            rows = [(reader.line_num, row[name]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            [Fault(str(path), None, name, f"cannot be read: {_describe_error(error)}")]
        ) from error
    if faults := [fault for line, text in rows if (fault := _check_number(path, line, name, text))]:
        raise ConfigError(faults)
    return np.array([float(text) for _, text in rows])


def _check_number(path: Path, line: int, name: str, text: str | None) -> Fault | None:
    """Return the fault of a price or a carbon intensity; None if it is valid."""
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return None
    return Fault(str(path), line, name, f"{text!r} is no number; expected one each hour")


def _describe_error(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
