"""A fleet of buildings by a seed: building 7 is the same in a small one and in a large one (pure)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from quartier_hil.offline.fleet import shares
from quartier_hil.offline.fleet.pieces import FAR_S, Car, Fan, Heater, Piece, Store, Sun, Tank
from quartier_hil.offline.fleet.shares import FLAT, HOUSE, OFFICE, Drawn
from quartier_native.fleets import Building

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
_H = 3600.0
_NOON_H = 12.0


@dataclass(frozen=True)
class Group:
    """All pieces of one sort: ``at`` their units in the fleet's columns, ``of`` their buildings."""

    at: Places
    of: Places
    pieces: Sequence[Any]

    def column(self, name: str) -> Floats:
        """A number of each piece."""
        return np.array([getattr(piece, name) for piece in self.pieces], dtype=np.float64)

    def pairs(self, name: str) -> Floats:
        """Two numbers of each piece, as two rows."""
        return np.array([getattr(piece, name) for piece in self.pieces], dtype=np.float64).reshape(-1, 2).T


@dataclass(frozen=True)
class Stock:
    """The buildings of a fleet, one after the other."""

    seed: int
    drawn: tuple[Drawn, ...]

    @cached_property
    def buildings(self) -> list[Building]:
        """For the kernel: one node each."""
        return [Building((-1,), tuple(piece.unit() for piece in one.pieces)) for one in self.drawn]

    @cached_property
    def of(self) -> Places:
        """The building of each unit."""
        return np.repeat(np.arange(len(self.drawn)), [len(one.pieces) for one in self.drawn])

    def group(self, kind: type[Piece]) -> Group:
        """All pieces of a sort."""
        pieces = [piece for one in self.drawn for piece in one.pieces]
        at = np.array([n for n, piece in enumerate(pieces) if isinstance(piece, kind)], dtype=np.int64)
        return Group(at, self.of[at], [pieces[n] for n in at])

    def column(self, name: str) -> Floats:
        """A number of each building."""
        return np.array([getattr(one, name) for one in self.drawn], dtype=np.float64)


def stock(count: int, seed: int) -> Stock:
    """The first ``count`` buildings of the fleet of ``seed``."""
    return Stock(seed, tuple(_building(random.Random(f"fleet:{seed}:{n}")) for n in range(count)))  # noqa: S311 - a plant, no secret


def uniform(seed: int, what: str, count: int) -> Floats:
    """A number in 0..1 for each building, by the seed and what it is for."""
    return np.random.Generator(np.random.PCG64([seed, *what.encode()])).random(count)


def _building(source: random.Random) -> Drawn:
    kind = _chosen(source, tuple(enumerate(shares.KIND_SHARE)))
    kva = _chosen(source, shares.CONTRACT_KVA[int(kind)])
    low, high = shares.USE_KWH[int(kind)]
    use_kwh = source.uniform(low, high)
    if kind == OFFICE:
        pieces, use_kwh = _office(source, kva), use_kwh * kva / 36.0
    else:
        pieces = _home(source, int(kind), kva)
        kva = max(kva, 9.0 if any(isinstance(p, Car) and p.full_w > 4000 for p in pieces) else 0.0)
    export_w = sum(piece.rated_w for piece in pieces if isinstance(piece, Sun))
    contract_w = kva * 1000.0 * shares.POWER_FACTOR_CAP
    return Drawn(int(kind), contract_w, export_w, use_kwh, source.randint(-45, 45), tuple(pieces))


def _chosen(source: random.Random, table: Sequence[tuple[float, float]]) -> float:
    """A value by its share."""
    draw = source.random()
    for value, share in table:
        draw -= share
        if draw < 0.0:
            return value
    return table[-1][0]


def _home(source: random.Random, kind: int, kva: float) -> list[Piece]:
    pieces: list[Piece] = []
    night_s = (source.choice(shares.NIGHTS_H) - _NOON_H) * _H
    if source.random() < shares.CAR_SHARE[kind]:
        pieces.append(_home_car(source, kind, night_s))
    if source.random() < shares.TANK_SHARE[kind]:
        power_w = source.uniform(1800, 2400) if kind == HOUSE else source.uniform(1200, 1800)
        day_wh = source.uniform(4000, 8000) if kind == HOUSE else source.uniform(2500, 5000)
        pieces.append(Tank(power_w, day_wh, night_s, source.random() < shares.TANK_FREE_SHARE))
    draw = source.random()
    if draw < shares.PANELS_SHARE[kind]:
        pieces.append(_heater(source, min(source.uniform(0.45, 0.6) * kva * 1000.0, 6000.0), 1.0))
    elif draw < shares.PANELS_SHARE[kind] + shares.PUMP_SHARE[kind]:
        pieces.append(_heater(source, source.uniform(1800, 3200), source.uniform(2.4, 3.2)))
    if kind != FLAT and source.random() < shares.SUN_SHARE[kind]:
        pieces.append(Sun(source.choice((3000.0, 3000.0, 6000.0))))
        if source.random() < shares.STORE_SHARE:
            pieces.append(Store(source.choice((5000.0, 10_000.0)), source.choice((2500.0, 5000.0))))
    return pieces


def _home_car(source: random.Random, kind: int, night_s: float) -> Car:
    big = kind == HOUSE and source.random() < shares.CAR_BIG_SHARE
    come_s = min(max(source.gauss(18.3, 1.3), 14.0), 23.0) - _NOON_H
    leave_s = min(max(source.gauss(31.6, 0.8), 29.0), 34.0) - _NOON_H
    comes = source.random() < 0.7  # not every car is plugged in every day
    want_wh = source.uniform(5000, 20_000) if comes else 0.0
    timer_s = night_s if source.random() < shares.CAR_TIMER_SHARE else 0.0
    full_w = 7360.0 if big else 3680.0
    return Car(full_w, (come_s * _H, FAR_S), (leave_s * _H, FAR_S), (want_wh, 0.0), timer_s)


def _heater(source: random.Random, power_w: float, gain: float) -> Heater:
    loss_w_per_k = power_w * gain / (shares.ROOM_C - shares.COLD_C)
    day_c = shares.ROOM_C + source.uniform(0.0, 1.5)
    night_c = day_c - source.choice((0.0, 0.0, 2.0))
    return Heater(power_w, gain, loss_w_per_k, loss_w_per_k * source.uniform(20, 45), day_c, night_c)


def _office(source: random.Random, kva: float) -> list[Piece]:
    pieces: list[Piece] = [_office_car(source) for _ in range(round(source.uniform(2, 5) * kva / 60.0))]
    pieces.append(Fan(0.05 * kva * 1000.0))
    pieces.append(_heater(source, 0.12 * kva * 1000.0, 3.0))
    pieces.append(_heater(source, 0.08 * kva * 1000.0, 3.0))
    if source.random() < shares.SUN_SHARE[OFFICE]:
        pieces.append(Sun(kva * 1000.0 * source.uniform(0.25, 0.6)))
    return pieces


def _office_car(source: random.Random) -> Car:
    leave_s = min(max(source.gauss(17.5, 0.9), 15.0), 20.0) - _NOON_H
    come_s = min(max(source.gauss(32.5, 0.8), 31.0), 34.5) - _NOON_H
    wants_wh = (source.choice((0.0, source.uniform(0, 6000))), source.uniform(4000, 18_000))
    return Car(source.choice((3680.0, 7360.0)), (0.0, come_s * _H), (leave_s * _H, FAR_S), wants_wh)


def told(one: Stock) -> dict[str, int]:
    """Return the number of each kind, for the table."""
    kinds = {name: sum(b.kind == n for b in one.drawn) for n, name in enumerate(shares.KINDS)}
    sorts = (("charging points", Car), ("water heaters", Tank), ("heaters", Heater))
    more = (("fans", Fan), ("roofs", Sun), ("batteries", Store))
    return kinds | {name: len(one.group(kind).at) for name, kind in (*sorts, *more)}
