"""The building of a site file, alive: its physics under the orders that its devices obey."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from quartier_hil.devices.actor import Device
from quartier_hil.plant import building, mains
from quartier_hil.plant.battery import BatterySpec, BatteryState
from quartier_hil.plant.building import BuildingSpec, Drive, Orders
from quartier_hil.plant.heatpump import HeatPumpSpec
from quartier_hil.plant.piece import Piece
from quartier_hil.plant.point import ChargingPoint
from quartier_hil.plant.solar import SolarSpec
from quartier_hil.plant.stored import Stored
from quartier_hil.standins import pieces
from quartier_hil.standins.played import Company
from quartier_hil.standins.sitefile import Asset, Site

_PHASES = (1, 2, 3)


class House:
    """``base_w`` and ``solar_w_per_kw`` override the course of the day where they are numbers."""

    def __init__(
        self, site: Site, company: Company, *, soc_pct: float = 50.0, start_utc_s: float = 0.0
    ) -> None:
        self._site, self._company = site, company
        # The usual house's own battery, PV, car and heat pump are none: all that stands here is a piece.
        self._spec = BuildingSpec(
            battery=BatterySpec(charge_max_w=0.0, discharge_max_w=0.0),
            solar=SolarSpec(rated_w=0.0),
            heat_pump=HeatPumpSpec(power_w=0.0, idle_w=0.0),
            boards=pieces.boards(site),
            homes={name: asset.node for name, asset in site.assets.items()},
            start_utc_s=start_utc_s,
        )
        self.state = building.fresh(self._spec, more=pieces.pieces(site, soc_pct))
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
            for point, value in played.body.obeyed().items()
            if point.startswith(prefix) and "." not in point.removeprefix(prefix)
        }

    # -- time --------------------------------------------------------------------------------

    def step(self, drive: Drive, dt_s: float) -> None:
        """Go on by ``dt_s``, devices' timers too, and show them what they measure."""
        if self.base_w is not None:
            drive = replace(drive, base_w=self.base_w)
        if self.solar_w_per_kw is not None:
            drive = replace(drive, solar_w_per_kw=self.solar_w_per_kw)
        orders = Orders(current_max_a=0.0, relay_on=False, more=self.orders())
        self.state = building.step(self._spec, self.state, orders, drive, dt_s)
        for device in self._company.devices.values():
            device.tick(self.state.now_s)

    def values(self) -> dict[str, float]:
        """Every quantity that a device here can measure, as ``asset.quantity``."""
        whole = building.values(self._spec, self.state)
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

    def shown(self, name: str, values: Mapping[str, float]) -> dict[str, float]:
        """Return the values that one of the devices measures."""
        told = {}
        for prefix, owner, quantities in self._company.played[name].shown:
            for quantity in quantities:
                value = values.get(f"{owner}.{quantity}")
                if value is not None:
                    told[prefix + quantity] = value
        return told

    # -- what befalls it ---------------------------------------------------------------------

    def piece(self, name: str, kind: type[Any]) -> Any:
        """An asset by its name.  Raises LookupError naming those of that kind."""
        for piece in self.state.more:
            if piece.name == name and isinstance(piece, kind):
                return piece
        those = ", ".join(piece.name for piece in self.state.more if isinstance(piece, kind))
        raise LookupError(f"there is no such asset {name!r}; expected one of {those or 'none here'}")

    def plug(self, name: str, need_wh: float | None) -> None:
        """A car comes, or leaves where it needs nothing (None)."""
        piece = self.piece(name, ChargingPoint)
        self._exchange(
            pieces.unplugged(piece) if need_wh is None else pieces.plugged(piece, self.state.now_s, need_wh)
        )

    def charge_to(self, name: str, soc_pct: float) -> None:
        """A battery's state of charge is another."""
        piece = self.piece(name, Stored)
        energy_wh = piece.spec.capacity_wh * soc_pct / 100.0
        self._exchange(replace(piece, state=BatteryState(energy_wh, power_w=piece.state.power_w)))

    def set_frequency(self, hertz: float) -> None:
        """The public grid's frequency."""
        self.state = building.set_mains(self.state, mains.headed(self.state.mains, hertz, None))

    def set_voltage(self, volts: float) -> None:
        """The public grid's voltage, on every phase."""
        self.state = building.set_mains(self.state, mains.levelled(self.state.mains, volts, _PHASES))

    def _exchange(self, piece: Piece) -> None:
        more = tuple(piece if one.name == piece.name else one for one in self.state.more)
        self.state = replace(self.state, more=more)
