"""Build the assets of a site file as pieces of the plant (pure)."""

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from quartier_hil.plant.air import Cooling, Ventilation
from quartier_hil.plant.battery import BatterySpec, BatteryState
from quartier_hil.plant.board import Board
from quartier_hil.plant.cogeneration import Cogeneration
from quartier_hil.plant.collection import Collection
from quartier_hil.plant.consumer import Consumer
from quartier_hil.plant.heating import Heating
from quartier_hil.plant.lamps import Lamps
from quartier_hil.plant.loop import Loop
from quartier_hil.plant.panels import Panels
from quartier_hil.plant.piece import Piece
from quartier_hil.plant.point import ChargingPoint, Visit
from quartier_hil.plant.solar import SolarSpec
from quartier_hil.plant.stored import Stored
from quartier_hil.standins.sitefile import Asset, Site

USUAL_W = 2_000.0
"""Rated power of an asset without a stated one, W."""
CAPACITY_WH = 10_000.0
CAR_WH = 40_000.0
"""What a car would take that is plugged in without a word."""


def boards(site: Site) -> tuple[Board, ...]:
    """The tree of boards."""
    return tuple(Board(name, node.under, node.fuse_a) for name, node in site.nodes.items())


def pieces(site: Site, soc_pct: float) -> tuple[Piece, ...]:
    """Each asset but the connection, batteries at ``soc_pct``; nobody's car is plugged in yet."""
    return tuple(piece for name, asset in site.assets.items() for piece in _made(name, asset, soc_pct))


def plugged(piece: ChargingPoint, now_s: float, need_wh: float) -> ChargingPoint:
    """A car comes at ``now_s`` and stays."""
    return replace(piece, visits=(Visit(now_s, inf, need_wh),))


def unplugged(piece: ChargingPoint) -> ChargingPoint:
    """The car leaves."""
    return replace(piece, visits=())


def _made(name: str, asset: Asset, soc_pct: float) -> Iterator[Piece]:
    rated_w = asset.number("rated_w", USUAL_W)
    phase = int(asset.phase[1]) if asset.phase in ("l1", "l2", "l3") else None
    match asset.role:
        case "battery":
            spec = BatterySpec(
                capacity_wh=asset.number("capacity_wh", CAPACITY_WH),
                charge_max_w=asset.number("charge_max_w", rated_w),
                discharge_max_w=asset.number("discharge_max_w", rated_w),
            )
            yield Stored(name=name, spec=spec, state=BatteryState(spec.capacity_wh * soc_pct / 100.0))
        case "pv":
            yield Panels(name=name, spec=SolarSpec(rated_w=rated_w))
        case "ev":
            single = asset.number("phases_count", 3) == 1
            yield ChargingPoint(
                name=name,
                phase=phase or (1 if single else None),
                current_max_a=asset.number("current_max_a", 16.0),
            )
        case "load":
            yield Consumer(name=name, rated_w=rated_w, phase=phase)
        case "grid":
            pass
        case _:
            yield from _moded(name, asset, rated_w)


def _moded(name: str, asset: Asset, rated_w: float) -> Iterator[Piece]:
    match asset.role:
        case "heat":
            yield Heating(name=name, rated_w=rated_w)
        case "cooling":
            yield Cooling(name=name, rated_w=rated_w)
        case "lights":
            yield Lamps(name=name, rated_w=rated_w)
        case "substation":
            yield Loop(name=name, rated_w=rated_w, flow_min_pct=asset.number("pump_min_pct", 40.0))
        case "chp":
            yield Cogeneration(name=name, rated_w=rated_w)
        case "waste":
            # Work waits from the first second: whoever lets it run sees it run.
            yield Collection(name=name, rated_w=rated_w, left_s=asset.number("duration_s", 3_600.0))
        case "ventilation":
            yield Ventilation(name=name, rated_w=rated_w)
        case _:
            yield Consumer(name=name, rated_w=rated_w)
