"""The physical building of a site file, under the orders that its devices obey."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import inf
from typing import Any

from quartier_sim.building.device_assignment import DeviceAssignment
from quartier_sim.building.site_file import Asset, Site
from quartier_sim.devices.simulated_device import Device
from quartier_sim.plant import building_model, grid
from quartier_sim.plant.air_conditioning import Cooling, Ventilation
from quartier_sim.plant.asset_interface import PlantAsset
from quartier_sim.plant.battery import BatteryAsset, BatterySpec, BatteryState
from quartier_sim.plant.building_model import BuildingSpec, Orders, PlantInputs
from quartier_sim.plant.charge_points import CarVisit, ChargePoint
from quartier_sim.plant.generation import Cogeneration, PvAsset, SolarSpec
from quartier_sim.plant.grid import Board
from quartier_sim.plant.heating import GeothermalSubstation, HeatPumpSpec, SgReadyHeatPump
from quartier_sim.plant.loads import StreetLights, SwitchedLoad, WasteCollection

DEFAULT_RATED_W = 2_000.0
"""Rated power of an asset without a stated one, W."""
DEFAULT_CAPACITY_WH = 10_000.0
DEFAULT_CAR_WH = 40_000.0
"""What a car would take that is plugged in without a word."""


def build_boards(site: Site) -> tuple[Board, ...]:
    """The tree of boards."""
    return tuple(Board(name, node.under, node.fuse_a) for name, node in site.nodes.items())


def build_assets(site: Site, soc_pct: float) -> tuple[PlantAsset, ...]:
    """Each asset but the connection, batteries at ``soc_pct``; nobody's car is plugged in yet."""
    return tuple(piece for name, asset in site.assets.items() for piece in _build_asset(name, asset, soc_pct))


def plug_car(piece: ChargePoint, now_s: float, need_wh: float) -> ChargePoint:
    """A car comes at ``now_s`` and stays."""
    return replace(piece, visits=(CarVisit(now_s, inf, need_wh),))


def unplug_car(piece: ChargePoint) -> ChargePoint:
    """The car leaves."""
    return replace(piece, visits=())


def _build_asset(name: str, asset: Asset, soc_pct: float) -> Iterator[PlantAsset]:
    rated_w = asset.number("rated_w", DEFAULT_RATED_W)
    phase = int(asset.phase[1]) if asset.phase in ("l1", "l2", "l3") else None
    match asset.role:
        case "battery":
            spec = BatterySpec(
                capacity_wh=asset.number("capacity_wh", DEFAULT_CAPACITY_WH),
                charge_max_w=asset.number("charge_max_w", rated_w),
                discharge_max_w=asset.number("discharge_max_w", rated_w),
            )
            yield BatteryAsset(name=name, spec=spec, state=BatteryState(spec.capacity_wh * soc_pct / 100.0))
        case "pv":
            yield PvAsset(name=name, spec=SolarSpec(rated_w=rated_w))
        case "ev":
            single = asset.number("phases_count", 3) == 1
            yield ChargePoint(
                name=name,
                phase=phase or (1 if single else None),
                current_max_a=asset.number("current_max_a", 16.0),
            )
        case "load":
            yield SwitchedLoad(name=name, rated_w=rated_w, phase=phase)
        case "grid":
            pass
        case _:
            yield from _build_mode_asset(name, asset, rated_w)


def _build_mode_asset(name: str, asset: Asset, rated_w: float) -> Iterator[PlantAsset]:
    match asset.role:
        case "heat":
            yield SgReadyHeatPump(name=name, rated_w=rated_w)
        case "cooling":
            yield Cooling(name=name, rated_w=rated_w)
        case "lights":
            yield StreetLights(name=name, rated_w=rated_w)
        case "substation":
            yield GeothermalSubstation(
                name=name, rated_w=rated_w, flow_min_pct=asset.number("pump_min_pct", 40.0)
            )
        case "chp":
            yield Cogeneration(name=name, rated_w=rated_w)
        case "waste":
            # Work waits from the first second: whoever lets it run sees it run.
            yield WasteCollection(name=name, rated_w=rated_w, left_s=asset.number("duration_s", 3_600.0))
        case "ventilation":
            yield Ventilation(name=name, rated_w=rated_w)
        case _:
            yield SwitchedLoad(name=name, rated_w=rated_w)


_PHASES = (1, 2, 3)


class SimulatedBuilding:
    """``base_w`` and ``solar_w_per_kw`` override the course of the day where they are numbers."""

    def __init__(
        self,
        site: Site,
        assignment: DeviceAssignment,
        *,
        soc_pct: float = 50.0,
        start_utc_s: float = 0.0,
        replacements: Mapping[str, PlantAsset] | None = None,
    ) -> None:
        """Make the building at rest; ``replacements``: other models of some assets, by name."""
        self._site, self._company = site, assignment
        # The usual house's own battery, PV, car and heat pump are none: all that stands here is a piece.
        self._spec = BuildingSpec(
            battery=BatterySpec(charge_max_w=0.0, discharge_max_w=0.0),
            solar=SolarSpec(rated_w=0.0),
            heat_pump=HeatPumpSpec(power_w=0.0, idle_w=0.0),
            boards=build_boards(site),
            homes={name: asset.node for name, asset in site.assets.items()},
            start_utc_s=start_utc_s,
        )
        other = replacements or {}
        pieces = tuple(other.get(piece.name, piece) for piece in build_assets(site, soc_pct))
        self.state = building_model.build_initial_state(self._spec, more=pieces)
        self.base_w: float | None = None
        self.solar_w_per_kw: float | None = None
        self.closed: dict[str, bool] = dict.fromkeys(site.contacts, False)

    # -- orders ------------------------------------------------------------------------------

    def orders(self) -> dict[str, dict[str, float]]:
        """Return the orders of each asset by its device and by the relay that switches it."""
        found: dict[str, dict[str, float]] = {}
        for name, asset in self._site.assets.items():
            orders = self._of(asset.device, asset.part, asset)
            if asset.switch_device is not None:
                orders |= self._of(asset.switch_device, asset.switch_part, asset)
            if orders and asset.role != "grid":
                found[name] = orders
        return found

    def _of(self, device: str, part: str, asset: Asset) -> dict[str, float]:
        played = self._company.played.get(device)
        if played is None or not isinstance(played.body, Device):
            return {}
        if played.body.off:
            # A station without power charges nobody, a relay without power drops.
            dead = {"current_max_a": 0.0} if asset.role == "ev" else {}
            return dead | ({"relay_on": 0.0} if device == asset.switch_device else {})
        prefix = played.role.prefix(part)
        return {
            point.removeprefix(prefix): value
            for point, value in played.body.effective_orders().items()
            if point.startswith(prefix) and "." not in point.removeprefix(prefix)
        }

    # -- time --------------------------------------------------------------------------------

    def step(self, drive: PlantInputs, dt_s: float) -> None:
        """Go on by ``dt_s``, devices' timers too, and show them what they measure."""
        if self.base_w is not None:
            drive = replace(drive, base_w=self.base_w)
        if self.solar_w_per_kw is not None:
            drive = replace(drive, solar_w_per_kw=self.solar_w_per_kw)
        orders = Orders(current_max_a=0.0, relay_on=False, more=self.orders())
        self.state = building_model.step_building(self._spec, self.state, orders, drive, dt_s)
        for device in self._company.devices.values():
            device.tick(self.state.now_s)

    def values(self) -> dict[str, float]:
        """Every quantity that a device here can measure, as ``asset.quantity``."""
        whole = building_model.measure_quantities(self._spec, self.state)
        ours = {*self._site.assets, *self._site.nodes, "grid", "base"}
        found = {key: value for key, value in whole.items() if key.partition(".")[0] in ours}
        parts = {piece.name: piece.shares for piece in self.state.more}
        for name, power_w in self.state.powers_w.items():
            if name not in parts:
                continue
            found[f"{name}.energy_import_wh"] = self.state.import_wh.get(name, 0.0)
            found[f"{name}.energy_export_wh"] = self.state.export_wh.get(name, 0.0)
            for phase in _PHASES:
                volts = found[f"grid.voltage_l{phase}_v"]
                phase_w = power_w * parts[name][phase - 1]
                found[f"{name}.power_l{phase}_w"] = phase_w
                found[f"{name}.voltage_l{phase}_v"] = volts
                found[f"{name}.current_l{phase}_a"] = abs(phase_w) / volts if volts else 0.0
            found[f"{name}.frequency_hz"] = found["grid.frequency_hz"]
        found |= {f"{name}.input_on": float(closed) for name, closed in self.closed.items()}
        grid = self._site.grid
        if grid != "grid":
            found |= {
                f"{grid}.{key.removeprefix('grid.')}": value
                for key, value in tuple(found.items())
                if key.startswith("grid.")
            }
        return found

    def measure_device(self, name: str, values: Mapping[str, float]) -> dict[str, float]:
        """Return the values that one of the devices measures."""
        measured = {}
        for prefix, owner, quantities in self._company.played[name].shown:
            for quantity in quantities:
                value = values.get(f"{owner}.{quantity}")
                if value is not None:
                    measured[prefix + quantity] = value
        return measured

    # -- events ------------------------------------------------------------------------------

    def piece(self, name: str, kind: type[Any]) -> Any:
        """An asset by its name.  Raises LookupError naming those of that kind."""
        for piece in self.state.more:
            if piece.name == name and isinstance(piece, kind):
                return piece
        those = ", ".join(piece.name for piece in self.state.more if isinstance(piece, kind))
        raise LookupError(f"there is no such asset {name!r}; expected one of {those or 'none here'}")

    def plug(self, name: str, need_wh: float | None) -> None:
        """A car comes, or leaves where it needs nothing (None)."""
        piece = self.piece(name, ChargePoint)
        self._exchange(unplug_car(piece) if need_wh is None else plug_car(piece, self.state.now_s, need_wh))

    def set_soc(self, name: str, soc_pct: float) -> None:
        """A battery's state of charge is another."""
        piece = self.piece(name, BatteryAsset)
        energy_wh = piece.spec.capacity_wh * soc_pct / 100.0
        self._exchange(replace(piece, state=BatteryState(energy_wh, power_w=piece.state.power_w)))

    def set_frequency(self, hertz: float) -> None:
        """The public grid's frequency."""
        self.state = building_model.set_public_grid(
            self.state, grid.set_frequency(self.state.mains, hertz, None)
        )

    def set_voltage(self, volts: float) -> None:
        """The public grid's voltage, on every phase."""
        self.state = building_model.set_public_grid(
            self.state, grid.set_voltage(self.state.mains, volts, _PHASES)
        )

    def _exchange(self, piece: PlantAsset) -> None:
        more = tuple(piece if one.name == piece.name else one for one in self.state.more)
        self.state = replace(self.state, more=more)
