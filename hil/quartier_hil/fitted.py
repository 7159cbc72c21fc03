"""Build the further assets of a scenario's site as pieces of the plant (pure)."""

import random
from collections.abc import Iterator

from quartier_hil import fittings
from quartier_hil.plant.air import Cooling, Ventilation
from quartier_hil.plant.board import Board
from quartier_hil.plant.boiler import Boiler
from quartier_hil.plant.cogeneration import Cogeneration
from quartier_hil.plant.collection import Collection
from quartier_hil.plant.consumer import Consumer
from quartier_hil.plant.heating import Heating
from quartier_hil.plant.lamps import Lamps
from quartier_hil.plant.loop import Loop
from quartier_hil.plant.machine import Machine
from quartier_hil.plant.piece import Piece
from quartier_hil.plant.point import ChargingPoint, Visit
from quartier_hil.scenario import Scenario

_DAY_S = 86_400.0
_WATER_WH_PER_M3_K = 1_163.0
_LOSS_K = 45.0
"""Temperature above the room for the standing loss on a tank's label, K (EN 12897)."""


def pieces(scenario: Scenario) -> list[Piece]:
    """Each further asset, cars drawn by the scenario's seed."""
    return [piece for asset in scenario.house.assets for piece in _made(scenario, asset)]


def boards(scenario: Scenario) -> tuple[Board, ...]:
    """The tree of boards."""
    return tuple(Board(one.name, one.under, one.fuse_a) for one in scenario.house.boards)


def homes(scenario: Scenario) -> dict[str, str]:
    """The board of each further asset."""
    return {name: asset.board for asset in scenario.house.assets for name in fittings.names(asset)}


def points(scenario: Scenario) -> tuple[str, ...]:
    """Return the further points that a report draws: powers and temperatures, phases of each board."""
    found = [f"{name}.power_w" for asset in scenario.house.assets for name in fittings.names(asset)]
    warm = {
        "heat": ("tank_c", "room_c"),
        "boiler": ("tank_c",),
        "cooling": ("room_c",),
        "substation": ("return_c",),
    }
    found += [f"{one.name}.{key}" for one in scenario.house.assets for key in warm.get(one.kind, ())]
    found += [f"{board.name}.current_l{p}_a" for board in scenario.house.boards for p in (1, 2, 3)]
    return tuple(found)


def _made(scenario: Scenario, asset: fittings.Asset) -> Iterator[Piece]:
    match asset:
        case fittings.Cars():
            yield from _park(asset, scenario.seed)
        case fittings.Lights():
            yield Lamps(name=asset.name, rated_w=asset.rated_w)
        case fittings.Heat():
            yield Heating(name=asset.name, rated_w=asset.rated_w, tank_c=asset.tank_c)
        case fittings.Boiler():
            yield _boiler(asset)
        case fittings.Cooling() | fittings.Ventilation():
            yield _air(asset)
        case fittings.Substation():
            yield Loop(name=asset.name, rated_w=asset.rated_w, flow_min_pct=asset.pump_min_pct)
        case fittings.Chp():
            yield Cogeneration(name=asset.name, rated_w=asset.rated_w, tank_c=asset.tank_c)
        case fittings.Waste():
            yield Collection(
                name=asset.name,
                rated_w=asset.rated_w,
                batches_s=asset.batches_s,
                batch_s=asset.batch_s,
                deadline_s=_next_s(scenario, asset.deadline),
            )
        case fittings.Plain():
            yield _plain(scenario, asset)


def _plain(scenario: Scenario, load: fittings.Plain) -> Piece:
    if not load.run_w:
        return Consumer(
            name=load.name,
            rated_w=load.rated_w,
            phase=load.phase,
            from_h=load.from_h,
            until_h=load.until_h,
        )
    return Machine(
        name=load.name,
        run_w=load.run_w,
        loaded_s=load.loaded_s,
        deadline_s=_next_s(scenario, load.deadline or "00:00"),
        phase=load.phase,
    )


def _boiler(asset: fittings.Boiler) -> Boiler:
    return Boiler(
        name=asset.name,
        rated_w=asset.rated_w,
        tank_wh_per_k=asset.tank_m3 * _WATER_WH_PER_M3_K,
        loss_w_per_k=asset.tank_loss_w / _LOSS_K,
        start_c=asset.start_c,
        stop_c=asset.stop_c,
        draw_share=asset.draw_share,
        tank_c=asset.tank_c,
    )


def _air(asset: fittings.Cooling | fittings.Ventilation) -> Piece:
    if isinstance(asset, fittings.Cooling):
        return Cooling(name=asset.name, rated_w=asset.rated_w)
    return Ventilation(name=asset.name, rated_w=asset.rated_w, people=asset.people)


def _park(cars: fittings.Cars, seed: int) -> Iterator[ChargingPoint]:
    rng = random.Random(f"{seed} {cars.name}")  # noqa: S311 - cars that can be drawn again, no secret
    for place, name in enumerate(fittings.names(cars)):
        from_s = rng.uniform(cars.arrive_from_s, cars.arrive_to_s)
        need_wh = rng.uniform(cars.need_min_wh, cars.need_max_wh)
        phase = fittings.phase(cars, place)
        yield ChargingPoint(
            name=name,
            phase=phase,
            current_max_a=cars.current_max_a,
            visits=(Visit(from_s, cars.leave_s, need_wh if phase is None else need_wh / 2),),
        )


def _next_s(scenario: Scenario, time_of_day: str) -> float:
    """Seconds of the scenario until the next such moment of the local day."""
    start = scenario.start
    at_s = int(time_of_day[:2]) * 3600.0 + int(time_of_day[3:]) * 60.0
    return (at_s - start.hour * 3600.0 - start.minute * 60.0 - start.second) % _DAY_S
