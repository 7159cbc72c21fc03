"""Draw a fleet of buildings by a seed: building 7 is the same in a small fleet and in a large one (pure).

Seconds count from the start of the fleet's day, at noon.

Sources of the shares of equipment.  Yearly use without heat and hot water, 2,228 kWh in the mean, and 55 %
houses: ADEME, RTE and Enertech, Panel Elecdom, first year (2021).  6 kVA for about half of the homes: CRE,
regulated tariff, 2024.  A water heater with a tank in about one home of two, most of them by the meter's
off-peak contact: ADEME.  Off-peak hours are eight, spread by Enedis over the evening from 22 h on.  A
share
without a source for a fleet that has gateways because it has something to control is an assumption, and
marked as one.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from quartier_native.fleets import BATTERY, EV, LOAD, PV_LIMIT, TIER_B, TIER_C, Building, Unit

_L1 = (1.0, 0.0, 0.0)
VOLTAGE_V = 230.0
CURRENT_MIN_A = 6.0
"""Of a car that charges (IEC 61851-1)."""
NEVER_S = 1e9


@dataclass(frozen=True, slots=True)
class Car:
    """A charge point and its cars: two stays at most, each from when to when, and what they want.

    A driver's own timer starts no sooner than ``timer_s``.
    """

    full_w: float
    come_s: tuple[float, float]
    leave_s: tuple[float, float]
    want_wh: tuple[float, float]
    timer_s: float = 0.0

    def unit(self) -> Unit:
        """Return its unit: tier D, alone in its pool."""
        return Unit(
            kind=EV,
            share=_L1,
            rated_w=self.full_w,
            floor_w=CURRENT_MIN_A * VOLTAGE_V,
            ampere_w=VOLTAGE_V,
            min_on_s=60.0,
            min_off_s=180.0,
        )


@dataclass(frozen=True, slots=True)
class WaterHeater:
    """A water heater behind a relay; at night by the meter's contact, or by its thermostat alone."""

    power_w: float
    day_wh: float
    night_s: float
    is_free: bool

    def unit(self) -> Unit:
        """Return its unit: tier C, the first of it to be shed."""
        return Unit(kind=LOAD, share=_L1, tier=TIER_C, rated_w=self.power_w, min_off_s=180.0)


@dataclass(frozen=True, slots=True)
class SpaceHeater:
    """Space heating with a thermostat: ``gain`` W of heat for each W taken, 1 for panels."""

    power_w: float
    gain: float
    loss_w_per_k: float
    store_wh_per_k: float
    day_c: float
    night_c: float

    def unit(self) -> Unit:
        """Return its unit: tier C; a compressor has minimum times, panel heaters have none."""
        on_s, off_s = (300.0, 180.0) if self.gain > 1.0 else (0.0, 0.0)
        return Unit(
            kind=LOAD,
            share=_L1,
            tier=TIER_C,
            comfort_cost=1.0,
            rated_w=self.power_w,
            min_on_s=on_s,
            min_off_s=off_s,
        )


@dataclass(frozen=True, slots=True)
class Fan:
    """Ventilation of an office, in its hours."""

    power_w: float

    def unit(self) -> Unit:
        """Return its unit: tier B."""
        return Unit(kind=LOAD, share=_L1, tier=TIER_B, rated_w=self.power_w, min_off_s=180.0)


@dataclass(frozen=True, slots=True)
class PvSystem:
    """Panels with a limit that may be set."""

    rated_w: float

    def unit(self) -> Unit:
        """Return its unit: generation."""
        return Unit(kind=PV_LIMIT, share=_L1, rated_w=self.rated_w)


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery that serves the house."""

    capacity_wh: float
    power_w: float

    def unit(self) -> Unit:
        """From its reserve of 20 % up to 95 %."""
        return Unit(
            kind=BATTERY,
            share=_L1,
            rated_w=self.power_w,
            charge_max_w=self.power_w,
            discharge_max_w=self.power_w,
            ramp_max_w_per_s=self.power_w / 4,
            soc_floor_pct=20.0,
            soc_max_pct=95.0,
        )


FleetAsset = Car | WaterHeater | SpaceHeater | Fan | PvSystem | Battery


HOUSE, FLAT, OFFICE = range(3)
BUILDING_KINDS = ("house", "flat", "office")
KIND_SHARE = (0.50, 0.40, 0.10)
"""Of the connections: five houses to four flats as in the panel; the offices are a supposition."""
CONTRACT_KVA = (
    ((6.0, 0.40), (9.0, 0.42), (12.0, 0.18)),
    ((3.0, 0.15), (6.0, 0.68), (9.0, 0.17)),
    ((36.0, 0.60), (72.0, 0.30), (120.0, 0.10)),
)
"""What is subscribed, by kind, so that 6 kVA has about half of the homes."""
USE_KWH = ((1900.0, 3300.0), (1200.0, 2300.0), (20_000.0, 30_000.0))
"""From least to most in a year; of an office for each 36 kVA."""
CAR_SHARE, CAR_32_A_SHARE, CAR_TIMER_SHARE = (0.40, 0.15), 0.6, 0.55
"""Houses and flats with a charge point, 32 A beside 16 A, and those with a timer: suppositions for 2030."""
WATER_HEATER_SHARE, WATER_HEATER_FREE_SHARE = (0.50, 0.45), 0.20
PANEL_HEATER_SHARE, HEAT_PUMP_SHARE = (0.20, 0.30), (0.25, 0.0)
"""Electric heating in a third of the homes, as in the panel, and heat pumps in a quarter of the houses."""
PV_SHARE, BATTERY_SHARE = (0.30, 0.0, 0.40), 0.40
"""Suppositions: roofs with panels, and houses with panels that have a battery too."""
OFF_PEAK_STARTS_H = (22.0, 22.5, 23.0, 23.5, 24.0)
"""When the eight off-peak hours begin, by turns."""
DESIGN_OUTDOOR_C = -7.0
"""At which the heating just holds the room: base temperature of the Paris region (NF EN 12831-1/CN)."""
ROOM_C = 19.0
"""By the Code de l'énergie, article R241-26."""
POWER_FACTOR_CAP = 0.9
"""A contract of 1 kVA caps 900 W where only W are measured."""


@dataclass(frozen=True, slots=True)
class FleetBuilding:
    """One building: its kind, its contract and the most that it may feed in, in W, its use and its pieces.

    ``shift_min``: how much later than the standard its people live.
    """

    kind: int
    contract_w: float
    export_w: float
    use_kwh: float
    shift_min: int
    pieces: tuple[FleetAsset, ...]


FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]
_S_PER_H = 3600.0
_NOON_H = 12.0


@dataclass(frozen=True)
class AssetGroup:
    """All pieces of one sort: ``at`` their units in the fleet's columns, ``of`` their buildings."""

    at: IndexArray
    of: IndexArray
    pieces: Sequence[Any]

    def column(self, name: str) -> FloatArray:
        """A number of each piece."""
        return np.array([getattr(piece, name) for piece in self.pieces], dtype=np.float64)

    def pairs(self, name: str) -> FloatArray:
        """Two numbers of each piece, as two rows."""
        return np.array([getattr(piece, name) for piece in self.pieces], dtype=np.float64).reshape(-1, 2).T


@dataclass(frozen=True)
class BuildingStock:
    """The buildings of a fleet, one after the other."""

    seed: int
    drawn: tuple[FleetBuilding, ...]

    @cached_property
    def buildings(self) -> list[Building]:
        """For the kernel: one node each."""
        return [Building((-1,), tuple(piece.unit() for piece in one.pieces)) for one in self.drawn]

    @cached_property
    def of(self) -> IndexArray:
        """The building of each unit."""
        return np.repeat(np.arange(len(self.drawn)), [len(one.pieces) for one in self.drawn])

    def group(self, kind: type[FleetAsset]) -> AssetGroup:
        """All pieces of a sort."""
        pieces = [piece for one in self.drawn for piece in one.pieces]
        at = np.array([n for n, piece in enumerate(pieces) if isinstance(piece, kind)], dtype=np.int64)
        return AssetGroup(at, self.of[at], [pieces[n] for n in at])

    def column(self, name: str) -> FloatArray:
        """A number of each building."""
        return np.array([getattr(one, name) for one in self.drawn], dtype=np.float64)


def draw_stock(count: int, seed: int) -> BuildingStock:
    """The first ``count`` buildings of the fleet of ``seed``."""
    sources = (random.Random(f"fleet:{seed}:{number}") for number in range(count))  # noqa: S311 - no secret
    return BuildingStock(seed, tuple(map(_draw_building, sources)))


def draw_uniform(seed: int, what: str, count: int) -> FloatArray:
    """A number in 0..1 for each building, by the seed and what it is for."""
    return np.random.Generator(np.random.PCG64([seed, *what.encode()])).random(count)


def _draw_building(source: random.Random) -> FleetBuilding:
    kind = _draw_value(source, tuple(enumerate(KIND_SHARE)))
    kva = _draw_value(source, CONTRACT_KVA[int(kind)])
    low, high = USE_KWH[int(kind)]
    use_kwh = source.uniform(low, high)
    if kind == OFFICE:
        pieces, use_kwh = _draw_office(source, kva), use_kwh * kva / 36.0
    else:
        pieces = _draw_home(source, int(kind), kva)
        kva = max(kva, 9.0 if any(isinstance(p, Car) and p.full_w > 4000 for p in pieces) else 0.0)
    export_w = sum(piece.rated_w for piece in pieces if isinstance(piece, PvSystem))
    contract_w = kva * 1000.0 * POWER_FACTOR_CAP
    return FleetBuilding(int(kind), contract_w, export_w, use_kwh, source.randint(-45, 45), tuple(pieces))


def _draw_value(source: random.Random, table: Sequence[tuple[float, float]]) -> float:
    """A value by its share."""
    draw = source.random()
    for value, share in table:
        draw -= share
        if draw < 0.0:
            return value
    return table[-1][0]


def _draw_home(source: random.Random, kind: int, kva: float) -> list[FleetAsset]:
    pieces: list[FleetAsset] = []
    night_s = (source.choice(OFF_PEAK_STARTS_H) - _NOON_H) * _S_PER_H
    if source.random() < CAR_SHARE[kind]:
        pieces.append(_draw_home_car(source, kind, night_s))
    if source.random() < WATER_HEATER_SHARE[kind]:
        power_w = source.uniform(1800, 2400) if kind == HOUSE else source.uniform(1200, 1800)
        day_wh = source.uniform(4000, 8000) if kind == HOUSE else source.uniform(2500, 5000)
        pieces.append(WaterHeater(power_w, day_wh, night_s, source.random() < WATER_HEATER_FREE_SHARE))
    draw = source.random()
    if draw < PANEL_HEATER_SHARE[kind]:
        pieces.append(_draw_heater(source, min(source.uniform(0.45, 0.6) * kva * 1000.0, 6000.0), 1.0))
    elif draw < PANEL_HEATER_SHARE[kind] + HEAT_PUMP_SHARE[kind]:
        pieces.append(_draw_heater(source, source.uniform(1800, 3200), source.uniform(2.4, 3.2)))
    if kind != FLAT and source.random() < PV_SHARE[kind]:
        pieces.append(PvSystem(source.choice((3000.0, 3000.0, 6000.0))))
        if source.random() < BATTERY_SHARE:
            pieces.append(Battery(source.choice((5000.0, 10_000.0)), source.choice((2500.0, 5000.0))))
    return pieces


def _draw_home_car(source: random.Random, kind: int, night_s: float) -> Car:
    big = kind == HOUSE and source.random() < CAR_32_A_SHARE
    come_s = min(max(source.gauss(18.3, 1.3), 14.0), 23.0) - _NOON_H
    leave_s = min(max(source.gauss(31.6, 0.8), 29.0), 34.0) - _NOON_H
    comes = source.random() < 0.7  # not every car is plugged in every day
    need_wh = source.uniform(5000, 20_000) if comes else 0.0
    timer_s = night_s if source.random() < CAR_TIMER_SHARE else 0.0
    full_w = 7360.0 if big else 3680.0
    return Car(full_w, (come_s * _S_PER_H, NEVER_S), (leave_s * _S_PER_H, NEVER_S), (need_wh, 0.0), timer_s)


def _draw_heater(source: random.Random, power_w: float, gain: float) -> SpaceHeater:
    loss_w_per_k = power_w * gain / (ROOM_C - DESIGN_OUTDOOR_C)
    day_c = ROOM_C + source.uniform(0.0, 1.5)
    night_c = day_c - source.choice((0.0, 0.0, 2.0))
    return SpaceHeater(power_w, gain, loss_w_per_k, loss_w_per_k * source.uniform(20, 45), day_c, night_c)


def _draw_office(source: random.Random, kva: float) -> list[FleetAsset]:
    pieces: list[FleetAsset] = [
        _draw_office_car(source) for _ in range(round(source.uniform(2, 5) * kva / 60.0))
    ]
    pieces.append(Fan(0.05 * kva * 1000.0))
    pieces.append(_draw_heater(source, 0.12 * kva * 1000.0, 3.0))
    pieces.append(_draw_heater(source, 0.08 * kva * 1000.0, 3.0))
    if source.random() < PV_SHARE[OFFICE]:
        pieces.append(PvSystem(kva * 1000.0 * source.uniform(0.25, 0.6)))
    return pieces


def _draw_office_car(source: random.Random) -> Car:
    leave_s = min(max(source.gauss(17.5, 0.9), 15.0), 20.0) - _NOON_H
    come_s = min(max(source.gauss(32.5, 0.8), 31.0), 34.5) - _NOON_H
    needs_wh = (source.choice((0.0, source.uniform(0, 6000))), source.uniform(4000, 18_000))
    return Car(
        source.choice((3680.0, 7360.0)), (0.0, come_s * _S_PER_H), (leave_s * _S_PER_H, NEVER_S), needs_wh
    )


def count_assets(one: BuildingStock) -> dict[str, int]:
    """Return the number of each kind, for the table."""
    kinds = {name: sum(b.kind == n for b in one.drawn) for n, name in enumerate(BUILDING_KINDS)}
    sorts = (("charge points", Car), ("water heaters", WaterHeater), ("heaters", SpaceHeater))
    more = (("fans", Fan), ("roofs", PvSystem), ("batteries", Battery))
    return kinds | {name: len(one.group(kind).at) for name, kind in (*sorts, *more)}
