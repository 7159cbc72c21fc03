"""The whole building: its assets, their energies, and the connection that measures the sum (pure)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from quartier_sim.plant import asset_interface, generation, grid, heating
from quartier_sim.plant import battery as batteries
from quartier_sim.plant import charge_points as cars
from quartier_sim.plant.asset_interface import (
    EVEN_SHARES,
    PhaseShares,
    PlantAsset,
    Surroundings,
    get_phase_shares,
)
from quartier_sim.plant.battery import BatterySpec, BatteryState
from quartier_sim.plant.charge_points import CarSpec, CarState
from quartier_sim.plant.generation import SolarSpec
from quartier_sim.plant.grid import Board, PublicGrid
from quartier_sim.plant.heating import Boiler, HeatPumpSpec, HeatPumpState

STANDARD_ASSETS = ("bat1", "pv1", "ev1", "hp1", "base")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingSpec:
    """Equipment of the building."""

    battery: BatterySpec = field(default_factory=BatterySpec)
    solar: SolarSpec = field(default_factory=SolarSpec)
    car: CarSpec = field(default_factory=CarSpec)
    heat_pump: HeatPumpSpec = field(default_factory=HeatPumpSpec)
    phases_count: int = 3
    battery_phase: int = 0
    """The phase that the battery hangs on, 1 to 3; 0: on all of them, as the rest of the usual house."""
    boards: tuple[Board, ...] = ()
    homes: Mapping[str, str] = field(default_factory=dict)
    """The board of each further asset; one that is not named hangs on the root."""
    mean_c: float = 12.0
    """Mean of the air outside."""
    start_utc_s: float = 0.0
    """Unix time of the scenario's first second."""


@dataclass(frozen=True, slots=True)
class PlantInputs:
    """Inputs from outside at one instant: unshiftable load, sun on the modules, heat drawn, the hour.

    ``unlisted_w`` (not below 0) is the generation behind the connection that the site file does not list.
    """

    base_w: float
    solar_w_per_kw: float
    draw_w: float = 0.0
    day_s: float = 0.0
    unlisted_w: float = 0.0


@dataclass(frozen=True, slots=True)
class Orders:
    """Last orders of the devices, in gateway units (a device's own fallback included)."""

    battery_w: float = 0.0
    generation_max_w: float = float("inf")
    current_max_a: float = 16.0
    relay_on: bool = True
    more: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Those of further assets: asset, quantity, value."""

    @property
    def values(self) -> dict[str, float]:
        """Each order as ``order.<what>``, for curves and checks."""
        return {
            **{f"order.{name}.{key}": value for name, one in self.more.items() for key, value in one.items()},
            "order.battery_w": self.battery_w,
            "order.generation_max_w": self.generation_max_w,
            "order.current_max_a": self.current_max_a,
            "order.relay_on": float(self.relay_on),
        }


@dataclass(frozen=True, slots=True)
class BuildingState:
    """The building at ``now_s``; energies in Wh per asset and for the grid, never shrinking."""

    battery: BatteryState
    car: CarState = field(default_factory=CarState)
    heat_pump: HeatPumpState = field(default_factory=HeatPumpState)
    solar_w: float = 0.0
    base_w: float = 0.0
    more: tuple[PlantAsset, ...] = ()
    mains: PublicGrid = field(default_factory=PublicGrid)
    now_s: float = 0.0
    measured_w: Mapping[str, float] = field(default_factory=dict)
    """Powers of assets that are real, as they were read: the plant's own are not asked then."""
    import_wh: Mapping[str, float] = field(default_factory=dict)
    export_wh: Mapping[str, float] = field(default_factory=dict)

    @property
    def powers_w(self) -> dict[str, float]:
        """Power of each asset; plus takes energy from the building's bus.  Without voltage nothing runs."""
        if self.mains.is_gone:
            names = (*STANDARD_ASSETS, *(piece.name for piece in self.more))
            return {**dict.fromkeys(names, 0.0), **self.measured_w}
        return {
            "bat1": self.battery.power_w,
            "pv1": self.solar_w,
            "ev1": self.car.power_w,
            "hp1": self.heat_pump.power_w,
            "base": self.base_w,
            **{piece.name: piece.power_w for piece in self.more},
            **self.measured_w,
        }

    @property
    def grid_w(self) -> float:
        """The sum of all assets: what the connection meter reads."""
        return sum(self.powers_w.values())


def build_initial_state(
    spec: BuildingSpec, soc_pct: float = 50.0, tank_c: float = 53.0, more: Iterable[PlantAsset] = ()
) -> BuildingState:
    """A building at rest with its battery at ``soc_pct`` and its hot water at ``tank_c``."""
    return BuildingState(
        more=tuple(more),
        battery=BatteryState(spec.battery.capacity_wh * soc_pct / 100.0),
        heat_pump=HeatPumpState(tank_c=tank_c),
    )


def step_building(
    spec: BuildingSpec, state: BuildingState, orders: Orders, drive: PlantInputs, dt_s: float
) -> BuildingState:
    """Go on by ``dt_s``; every power is constant within the step, so energies integrate exactly."""
    if state.mains.is_gone:
        orders = replace(orders, battery_w=0.0, current_max_a=0.0, relay_on=False)
    moved = replace(
        state,
        battery=batteries.step_battery(spec.battery, state.battery, orders.battery_w, state.now_s, dt_s),
        car=cars.step_car(spec.car, state.car, orders.current_max_a, dt_s),
        heat_pump=heating.step_heat_pump(
            spec.heat_pump, state.heat_pump, drive.draw_w, dt_s, relay_on=orders.relay_on
        ),
        solar_w=generation.step_pv(
            spec.solar,
            state.solar_w,
            drive.solar_w_per_kw * spec.solar.rated_w / 1_000.0,
            orders.generation_max_w,
            dt_s,
        ),
        base_w=max(drive.base_w, 0.0) - drive.unlisted_w,
        more=_step_assets(spec, state, orders, drive, dt_s),
        mains=grid.step_grid(state.mains, dt_s),
        now_s=state.now_s + dt_s,
    )
    hours = dt_s / 3600.0
    flows = {**moved.powers_w, "grid": moved.grid_w}
    return replace(
        moved,
        import_wh={name: state.import_wh.get(name, 0.0) + max(w, 0.0) * hours for name, w in flows.items()},
        export_wh={name: state.export_wh.get(name, 0.0) + max(-w, 0.0) * hours for name, w in flows.items()},
    )


def _step_assets(
    spec: BuildingSpec, state: BuildingState, orders: Orders, drive: PlantInputs, dt_s: float
) -> tuple[PlantAsset, ...]:
    """The further assets, each under its own orders."""
    if not state.more:
        return ()
    around = Surroundings(
        now_s=state.now_s,
        day_s=drive.day_s,
        outdoor_c=asset_interface.compute_outdoor_c(drive.day_s, spec.mean_c),
        sun_deg=asset_interface.compute_sun_elevation_deg(spec.start_utc_s + state.now_s),
        solar_w_per_kw=drive.solar_w_per_kw,
        draw_w=drive.draw_w,
    )
    return tuple(piece.step(orders.more.get(piece.name, {}), around, dt_s) for piece in state.more)


def get_hot_water_wh(state: BuildingState) -> float:
    """The electricity that the heat of hot water took, of tanks with a heating rod."""
    return sum(piece.stored_wh for piece in state.more if isinstance(piece, Boiler))


def set_public_grid(state: BuildingState, mains: PublicGrid) -> BuildingState:
    """The public grid becomes another."""
    return replace(state, mains=mains)


def set_measured_powers(state: BuildingState, powers_w: Mapping[str, float]) -> BuildingState:
    """Real assets take what was read of them from now on."""
    return replace(state, measured_w=dict(powers_w))


def plug_car(
    state: BuildingState,
    *,
    on: bool,
    need_wh: float = 0.0,
    phases_count: int = 3,
    takes_max_a: float = math.inf,
) -> BuildingState:
    """A car comes or goes; one of one phase charges on the first."""
    return replace(
        state,
        car=cars.plug_car(
            state.car, on=on, need_wh=need_wh, phases_count=phases_count, takes_max_a=takes_max_a
        ),
    )


def measure_quantities(spec: BuildingSpec, state: BuildingState) -> dict[str, float]:
    """Every quantity that a device of the building can measure, as ``asset.quantity``, in gateway units."""
    grid_w = state.grid_w
    drop_v = grid.compute_voltage_v(grid_w, spec.phases_count) - grid.NOMINAL_V
    found: dict[str, float] = {
        "grid.power_w": grid_w,
        "grid.frequency_hz": grid.compute_frequency_hz(state.now_s) + state.mains.frequency_offset_hz,
        "bat1.soc_pct": state.battery.soc_pct(spec.battery),
        "bat1.voltage_v": 48.0 + 0.08 * state.battery.soc_pct(spec.battery),
        "ev1.plugged_on": float(state.car.plugged_on),
        "ev1.charge_state": _get_charge_state(state),
        "ev1.session_energy_wh": state.car.session_wh,
        "hp1.tank_c": state.heat_pump.tank_c,
    }
    flows = _compute_flows(spec, state)
    found |= grid.compute_board_quantities(flows)
    for phase in range(1, spec.phases_count + 1):
        phase_w = flows[grid.ROOT][phase - 1] if spec.phases_count > 1 else grid_w
        volts = max(0.0, state.mains.phase_voltages_v[phase - 1] + drop_v)
        found[f"grid.voltage_l{phase}_v"] = volts
        found[f"grid.power_l{phase}_w"] = phase_w
        found[f"grid.current_l{phase}_a"] = abs(phase_w) / volts if volts else 0.0
        car_w = state.powers_w["ev1"] * (_get_car_shares(state)[phase - 1] if spec.phases_count > 1 else 1.0)
        found[f"ev1.current_l{phase}_a"] = car_w / volts if volts else 0.0
    for name, power_w in state.powers_w.items():
        found[f"{name}.power_w"] = power_w
    for piece in state.more:
        found |= {f"{piece.name}.{quantity}": value for quantity, value in piece.values().items()}
    for name in ("grid", *STANDARD_ASSETS):
        found[f"{name}.energy_import_wh"] = state.import_wh.get(name, 0.0)
        found[f"{name}.energy_export_wh"] = state.export_wh.get(name, 0.0)
    return found


def _compute_flows(spec: BuildingSpec, state: BuildingState) -> dict[str, grid.PhasePowers]:
    """Return the power through each board and the root, by phase."""
    battery = get_phase_shares(spec.battery_phase or None)
    parts = {piece.name: piece.shares for piece in state.more} | {
        "bat1": battery,
        "ev1": _get_car_shares(state),
    }
    return grid.compute_board_powers(
        spec.boards,
        (
            (spec.homes.get(name, grid.ROOT), power_w, parts.get(name, EVEN_SHARES))
            for name, power_w in state.powers_w.items()
        ),
    )


def _get_car_shares(state: BuildingState) -> PhaseShares:
    return EVEN_SHARES if state.car.phases_count == len(EVEN_SHARES) else get_phase_shares(1)


def _get_charge_state(state: BuildingState) -> float:
    """KEBA P30's numbering: 1 not ready, 2 ready, 3 charging, 5 interrupted."""
    if not state.car.plugged_on:
        return 1.0
    if state.car.power_w > 0.0:
        return 3.0
    return 2.0 if state.car.need_wh <= 0.0 else 5.0
