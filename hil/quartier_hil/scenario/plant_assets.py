"""Build the plant of a scenario: its further assets, boards and specification (pure)."""

import random
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from quartier_hil.scenario import scenario_file as asked
from quartier_hil.scenario import site
from quartier_hil.scenario.scenario_file import Scenario
from quartier_sim.plant import building_model
from quartier_sim.plant.air_conditioning import Cooling, Ventilation
from quartier_sim.plant.asset_interface import PlantAsset
from quartier_sim.plant.battery import BatterySpec
from quartier_sim.plant.charge_points import CarVisit, ChargePoint
from quartier_sim.plant.generation import Cogeneration, SolarSpec
from quartier_sim.plant.grid import Board
from quartier_sim.plant.heating import Boiler, GeothermalSubstation, HeatPumpSpec, SgReadyHeatPump
from quartier_sim.plant.loads import BatchMachine, StreetLights, SwitchedLoad, WasteCollection

_DAY_S = 86_400.0
_WATER_WH_PER_M3_K = 1_163.0
_LOSS_K = 45.0
"""Temperature above the room for the standing loss on a tank's label, K (EN 12897)."""


def build_pieces(scenario: Scenario) -> list[PlantAsset]:
    """Each further asset, cars drawn by the scenario's seed."""
    return [piece for asset in scenario.house.assets for piece in _build_assets(scenario, asset)]


def build_boards(scenario: Scenario) -> tuple[Board, ...]:
    """The tree of boards."""
    return tuple(Board(one.name, one.under, one.fuse_a) for one in scenario.house.boards)


def map_assets_to_boards(scenario: Scenario) -> dict[str, str]:
    """The board of each further asset."""
    return {name: asset.board for asset in scenario.house.assets for name in site.list_asset_names(asset)}


def list_asset_points(scenario: Scenario) -> tuple[str, ...]:
    """Return the further points that a report draws: powers and temperatures, phases of each board."""
    found = [f"{name}.power_w" for asset in scenario.house.assets for name in site.list_asset_names(asset)]
    warm = {
        "heat": ("tank_c", "room_c"),
        "boiler": ("tank_c",),
        "cooling": ("room_c",),
        "substation": ("return_c",),
    }
    found += [f"{one.name}.{key}" for one in scenario.house.assets for key in warm.get(one.kind, ())]
    found += [f"{board.name}.current_l{p}_a" for board in scenario.house.boards for p in (1, 2, 3)]
    return tuple(found)


def _build_assets(scenario: Scenario, asset: site.Asset) -> Iterator[PlantAsset]:
    match asset:
        case site.ChargePark():
            yield from _build_charge_points(asset, scenario.seed)
        case site.Lights():
            yield StreetLights(name=asset.name, rated_w=asset.rated_w)
        case site.HeatPump():
            yield SgReadyHeatPump(name=asset.name, rated_w=asset.rated_w, tank_c=asset.tank_c)
        case site.Boiler():
            yield _build_boiler(asset)
        case site.Cooling() | site.Ventilation():
            yield _build_ventilation(asset)
        case site.Substation():
            yield GeothermalSubstation(
                name=asset.name, rated_w=asset.rated_w, flow_min_pct=asset.pump_min_pct
            )
        case site.CogenerationUnit():
            yield Cogeneration(name=asset.name, rated_w=asset.rated_w, tank_c=asset.tank_c)
        case site.WasteCollection():
            yield WasteCollection(
                name=asset.name,
                rated_w=asset.rated_w,
                batches_s=asset.batches_s,
                batch_s=asset.batch_s,
                deadline_s=_seconds_until(scenario, asset.deadline),
            )
        case site.PlainLoad():
            yield _build_load(scenario, asset)


def _build_load(scenario: Scenario, load: site.PlainLoad) -> PlantAsset:
    if not load.run_w:
        return SwitchedLoad(
            name=load.name,
            rated_w=load.rated_w,
            phase=load.phase,
            from_h=load.from_h,
            until_h=load.until_h,
        )
    return BatchMachine(
        name=load.name,
        run_w=load.run_w,
        loaded_s=load.loaded_s,
        deadline_s=_seconds_until(scenario, load.deadline or "00:00"),
        phase=load.phase,
    )


def _build_boiler(asset: site.Boiler) -> Boiler:
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


def _build_ventilation(asset: site.Cooling | site.Ventilation) -> PlantAsset:
    if isinstance(asset, site.Cooling):
        return Cooling(name=asset.name, rated_w=asset.rated_w)
    return Ventilation(name=asset.name, rated_w=asset.rated_w, people=asset.people)


def _build_charge_points(cars: site.ChargePark, seed: int) -> Iterator[ChargePoint]:
    rng = random.Random(f"{seed} {cars.name}")  # noqa: S311 - cars that can be drawn again, no secret
    for place, name in enumerate(site.list_asset_names(cars)):
        from_s = rng.uniform(cars.arrive_from_s, cars.arrive_to_s)
        need_wh = rng.uniform(cars.need_min_wh, cars.need_max_wh)
        phase = site.find_phase(cars, place)
        yield ChargePoint(
            name=name,
            phase=phase,
            current_max_a=cars.current_max_a,
            visits=(CarVisit(from_s, cars.leave_s, need_wh if phase is None else need_wh / 2),),
        )


def _seconds_until(scenario: Scenario, time_of_day: str) -> float:
    """Seconds of the scenario until the next such moment of the local day."""
    start = scenario.start
    at_s = int(time_of_day[:2]) * 3600.0 + int(time_of_day[3:]) * 60.0
    return (at_s - start.hour * 3600.0 - start.minute * 60.0 - start.second) % _DAY_S


ZONE_NAME = "Europe/Paris"


def build_plant_spec(scenario: asked.Scenario) -> building_model.BuildingSpec:
    """Return the physics of a scenario's site."""
    site_spec = scenario.house
    return building_model.BuildingSpec(
        battery=BatterySpec(
            capacity_wh=site_spec.battery_wh,
            charge_max_w=site_spec.battery_w,
            discharge_max_w=site_spec.battery_w,
        ),
        solar=SolarSpec(rated_w=site_spec.pv_w),
        heat_pump=HeatPumpSpec(power_w=site_spec.heat_pump_w),
        boards=build_boards(scenario),
        homes=map_assets_to_boards(scenario),
        mean_c=site_spec.outdoor_c,
        start_utc_s=scenario.start.replace(tzinfo=ZoneInfo(ZONE_NAME)).timestamp(),
    )
