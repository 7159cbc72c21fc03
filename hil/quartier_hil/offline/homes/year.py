"""A folder in the form of the CityLearn challenge 2022: homes, prices and CO2, one row an hour."""

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.records import table

Hours = NDArray[np.float64]
_DAY = 24


@dataclass(frozen=True, slots=True)
class Battery:
    """Energy in kWh, power in kW at its terminals; ``efficiency`` of one way, in and out alike."""

    capacity_kwh: float
    power_kw: float
    efficiency: float

    def charged(self, held_kwh: float, wanted_kwh: float) -> tuple[float, float]:
        """What of ``wanted_kwh`` in an hour (above zero: into it) is done, and what it holds then."""
        if wanted_kwh >= 0:
            done = min(wanted_kwh, self.power_kw, (self.capacity_kwh - held_kwh) / self.efficiency)
            return done, min(self.capacity_kwh, held_kwh + done * self.efficiency)
        done = min(-wanted_kwh, self.power_kw, held_kwh * self.efficiency)
        return -done, max(0.0, held_kwh - done / self.efficiency)


@dataclass(frozen=True, slots=True)
class Home:
    """``load_kwh`` and ``pv_kwh`` of each hour."""

    name: str
    load_kwh: Hours
    pv_kwh: Hours
    battery: Battery
    begins: tuple[int, int, int] = (1, 1, 1)
    """Month, day and hour (1..24, the one that ends there) of the first row."""
    pv_rated_kw: float = 0.0

    @property
    def net_kwh(self) -> Hours:
        """What it would take from the grid without a battery; below zero: feed in."""
        return self.load_kwh - self.pv_kwh


@dataclass(frozen=True, slots=True)
class Year:
    """Its homes with ``price_per_kwh`` and ``co2_kg_per_kwh`` of each hour; what is fed in earns nothing."""

    homes: tuple[Home, ...]
    price_per_kwh: Hours
    co2_kg_per_kwh: Hours


def read(folder: Path) -> Year:
    """The homes of ``folder/schema.json``.  Raises ConfigError that names file and column."""
    schema = folder / "schema.json"
    try:
        about = json.loads(schema.read_text("utf-8"))["buildings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"no list of buildings can be read here ({error}); expected a folder of the CityLearn challenge"
        raise ConfigError([Fault(str(schema), None, "buildings", why)]) from error
    price = _column(folder / "pricing.csv", "electricity_pricing")
    co2 = _column(folder / "carbon_intensity.csv", "carbon_intensity")
    homes = tuple(_home(folder, name, keys) for name, keys in about.items())
    hours = {len(price), len(co2), *(len(home.load_kwh) for home in homes)}
    if len(hours) != 1 or min(hours) < 2 * _DAY:
        what = f"{sorted(hours)} rows in its files; expected as many in each, two days at least"
        raise ConfigError([Fault(str(folder), None, "rows", what)])
    return Year(homes, price, co2)


def _home(folder: Path, name: str, keys: Mapping[str, Any]) -> Home:
    try:
        cell = keys["electrical_storage"]["attributes"]
        # The file's efficiency is that of the round trip.
        battery = Battery(
            float(cell["capacity"]), float(cell["nominal_power"]), math.sqrt(float(cell["efficiency"]))
        )
        found = table.whole(folder / keys["energy_simulation"])
    except (KeyError, TypeError, ValueError) as error:
        what = f"{name}: no records, PV or battery can be read ({error!r})"
        raise ConfigError([Fault(str(folder / "schema.json"), None, "buildings", what)]) from error
    load_kwh, pv_kwh = np.array(found.load_w) / 1000, np.array(found.generated_w) / 1000
    begins = (found.month, found.day, found.hour)
    return Home(name, load_kwh, pv_kwh, battery, begins, found.pv_rated_w / 1000)


def _column(path: Path, name: str) -> Hours:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            found = np.array([float(row[name]) for row in csv.DictReader(file)])
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        what = f"no column of numbers ({type(error).__name__}: {error})"
        raise ConfigError([Fault(str(path), None, name, what)]) from error
    if not np.isfinite(found).all():
        raise ConfigError([Fault(str(path), None, name, "a number that is none; expected one each hour")])
    return found
