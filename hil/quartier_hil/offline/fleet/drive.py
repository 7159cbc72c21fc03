"""Inputs of a fleet's day from noon on: people, sun and cold, minute by minute.

People: BDEW's standard profiles H0 (dynamic) and G1 (offices, 8 to 18 h) from demandlib, the German ones
because no library has French ones, scaled to French yearly uses; 60 % of a home's, with seeded appliances on
top.  Sun: the rig's own, pvlib's clear sky over Issy with seeded clouds that all roofs share.  Cold: a sine
with its least at 5 h.
"""

import datetime as dt
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quartier_hil.offline.fleet.shares import OFFICE
from quartier_hil.offline.fleet.stock import Floats, Stock, uniform
from quartier_hil.records import standard

MINUTES = 1440
NOON_MIN = 720
SHIFT_MAX_MIN = 60
_SWING_K, _COLDEST_MIN = 3.0, 300
APPLIANCE_SHARE = 0.5
"""Of the rig's appliances, which are those of a house of 4,500 kWh."""


@dataclass(frozen=True)
class Drive:
    """By minute of the day: ``base_w`` of each building (minutes x buildings), the rest for all."""

    base_w: npt.NDArray[np.float32]
    sun_w_per_w: Floats
    outside_c: Floats
    draw_share: Floats
    """Share of a day's hot water that each minute takes."""
    origin: str


def make(stock: Stock, day: dt.date, outside_c: float) -> Drive:
    """The drive of 24 hours from noon of ``day`` for this stock."""
    homes, offices = (_course(day, name) for name in ("h0_dyn", "g1"))
    base_w = _people(stock, homes, offices)
    _add_appliances(stock, base_w)
    two_days = standard.make(day, 2, stock.seed)
    span = slice(NOON_MIN, NOON_MIN + MINUTES)
    minutes = np.arange(NOON_MIN, NOON_MIN + MINUTES)
    swing = np.cos(2.0 * np.pi * (minutes - _COLDEST_MIN) / MINUTES)
    draw = np.array(two_days.draw_w[span])
    return Drive(
        base_w=base_w,
        sun_w_per_w=np.array(two_days.solar_w_per_kw[span]) / 1000.0,
        outside_c=outside_c - _SWING_K * swing,
        draw_share=draw / draw.sum(),
        origin=f"{day:%d %B %Y} from noon, {outside_c:g} °C in the mean; BDEW profiles H0 and G1 by "
        "demandlib, seeded appliances, "
        f"pvlib's sun over Issy with seeded clouds (seed {stock.seed})",
    )


def _course(day: dt.date, name: str) -> Floats:
    """W for each kWh of a year, by minute, with an hour more at both ends."""
    from demandlib.bdew import ElecSlp  # noqa: PLC0415 - half a second, only for this drive

    parts = []
    for offset in range(-1, 3):
        date = day + dt.timedelta(days=offset)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # demandlib warns of its own pandas use
            table = ElecSlp(date.year).get_scaled_power_profiles({name: 1.0})
        parts.append(np.repeat(table.loc[date.isoformat()][name].to_numpy(dtype=float) * 1000.0, 15))
    whole = np.concatenate(parts)
    first = MINUTES + NOON_MIN - SHIFT_MAX_MIN
    return np.asarray(whole[first : first + MINUTES + 2 * SHIFT_MAX_MIN])


def _people(stock: Stock, homes: Floats, offices: Floats) -> npt.NDArray[np.float32]:
    """Each building by the profile of its kind, so much later or sooner."""
    shift = np.array([one.shift_min for one in stock.drawn], dtype=np.int64)
    places = np.arange(MINUTES)[:, None] + (SHIFT_MAX_MIN - shift)[None, :]
    is_office = stock.column("kind") == OFFICE
    use_kwh = stock.column("use_kwh")
    scale = np.where(is_office, use_kwh, standard.STANDARD_SHARE * use_kwh)
    course = np.where(is_office[None, :], offices[places], homes[places])
    return np.asarray(course * scale[None, :], dtype=np.float32)


def _add_appliances(stock: Stock, base_w: npt.NDArray[np.float32]) -> None:
    """Those of homes, each at its own minute."""
    homes = np.flatnonzero(stock.column("kind") != OFFICE)
    for name, power_w, length, times, (first_h, last_h) in standard.APPLIANCES:
        for turn in range(times):
            what = f"{name} {turn}"
            hour = first_h + uniform(stock.seed, what, len(stock.drawn))[homes] * (last_h - first_h)
            used = uniform(stock.seed, f"{what} used", len(stock.drawn))[homes] < APPLIANCE_SHARE
            start = np.floor(hour * 60.0).astype(np.int64) - NOON_MIN
            for minute in range(length):
                base_w[(start[used] + minute) % MINUTES, homes[used]] += np.float32(power_w)
