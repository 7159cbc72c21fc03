"""A building as an FMU for co-simulation, FMI 2.0: the plant of a site file, without devices and wires.

PythonFMU writes it; the importing program needs a Python that has ``quartier-hil``.
"""

import argparse
import datetime as dt
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from quartier_drivers.errors import ConfigError
from quartier_sim.building import site_file
from quartier_sim.building.device_assignment import DeviceAssignment
from quartier_sim.building.simulated_building import SimulatedBuilding
from quartier_sim.building.site_file import Asset, Site
from quartier_sim.plant.building_model import PlantInputs
from quartier_sim.plant.charge_points import ChargePoint

SITE_NAME, SCRIPT_NAME = "site.toml", "quartier_building.py"
SUN, BASE = "sun.w_per_kw", "base.load_w"
_UNLIMITED_W = 1e9
_ORDERS: Mapping[str, Mapping[str, float]] = {
    "battery": {"setpoint_w": 0.0},
    "pv": {"generation_max_w": _UNLIMITED_W, "relay_on": 1.0},
    "ev": {"current_max_a": 16.0},
    "load": {"relay_on": 1.0},
    "heat": {"sg_ready_state": 2.0, "setpoint_shift_k": 0.0, "relay_on": 1.0},
    "cooling": {"setpoint_shift_k": 0.0, "relay_on": 1.0},
    "lights": {"dim_pct": 100.0},
    "substation": {"pump_pct": 100.0, "setpoint_shift_k": 0.0},
    "chp": {"request_on": 0.0, "relay_on": 0.0},
    "waste": {"run_on": 0.0},
    "ventilation": {"speed_pct": 100.0},
}
"""Orders that an asset of each role obeys, with the value that leaves it to its own control."""
PLUGGED = "plugged_on"
_DAY_S = 86_400.0
_EPILOG = """\
Inputs: each order of each asset (bat1.setpoint_w, pv1.generation_max_w, ev1.current_max_a, boiler.relay_on),
ev1.plugged_on, base.load_w (the rest of the building, W), sun.w_per_kw (power of the sun per kW of modules).
Outputs: every quantity that a device could measure (grid.power_w, bat1.soc_pct), in W, Wh, V, A and %;
plus takes energy from the connection.

  quartier-hil fmu site.toml building.fmu

The importing program needs a Python with quartier-hil.  Exit code 0: written; 2: refused; 78: the site file
has faults.
"""


class ExportedBuilding:
    """The plant of a site file, stepped by its inputs alone."""

    def __init__(self, site: Site, *, start: dt.datetime, soc_pct: float = 50.0) -> None:
        """Make the building at rest; ``start`` has a time zone."""
        self.inputs: dict[str, float] = {BASE: 0.0, SUN: 0.0}
        for name, asset in site.assets.items():
            self.inputs |= {f"{name}.{key}": value for key, value in find_orders(asset).items()}
            if asset.role == "ev":
                self.inputs[f"{name}.{PLUGGED}"] = 0.0
        self._site, self._day_s = site, start.hour * 3600.0 + start.minute * 60.0 + start.second
        self._plant = _OrderedBuilding(site, self.inputs, soc_pct=soc_pct, start_utc_s=start.timestamp())
        self.outputs: dict[str, float] = self._plant.values()

    def step(self, dt_s: float) -> None:
        """Go on by ``dt_s`` under the inputs; then the outputs are those of its end."""
        for piece in self._plant.state.more:
            if isinstance(piece, ChargePoint):
                is_plugged, is_wanted = bool(piece.visits), self.inputs[f"{piece.name}.{PLUGGED}"] > 0.5
                if is_plugged != is_wanted:
                    self._plant.plug(piece.name, _CAR_WH if is_wanted else None)
        day_s = (self._day_s + self._plant.state.now_s) % _DAY_S
        drive = PlantInputs(base_w=self.inputs[BASE], solar_w_per_kw=self.inputs[SUN], day_s=day_s)
        self._plant.step(drive, dt_s)
        self.outputs = self._plant.values()


_CAR_WH = 1e6
"""A car takes energy until it is unplugged."""


class _OrderedBuilding(SimulatedBuilding):
    """The plant under the inputs of the FMU, where a served building has its devices."""

    def __init__(
        self, site: Site, inputs: Mapping[str, float], *, soc_pct: float, start_utc_s: float
    ) -> None:
        super().__init__(site, DeviceAssignment(), soc_pct=soc_pct, start_utc_s=start_utc_s)
        self._inputs = inputs

    def orders(self) -> dict[str, dict[str, float]]:
        """Return the orders of each asset."""
        found: dict[str, dict[str, float]] = {}
        for key, value in self._inputs.items():
            owner, _, quantity = key.partition(".")
            if quantity != PLUGGED and key not in {BASE, SUN}:
                found.setdefault(owner, {})[quantity] = value
        return found


def find_orders(asset: Asset) -> Mapping[str, float]:
    """Return the orders of an asset, each with its usual value; a role of one's own is a switched load."""
    if asset.role == "grid":
        return {}
    usual = _ORDERS.get(asset.role, _ORDERS["load"])
    limit_a = asset.number("current_max_a", usual.get("current_max_a", 0.0))
    return {**usual, "current_max_a": limit_a} if "current_max_a" in usual else usual


def export_building(path: Path, fmu: Path) -> None:
    """Write the building of a site file as an FMU.

    Raises ConfigError if the site file cannot be used, ImportError without PythonFMU, and OSError.
    """
    from pythonfmu.builder import FmuBuilder  # noqa: PLC0415 - only an export needs it

    site_file.load_site(path)
    with tempfile.TemporaryDirectory(prefix="quartier-fmu-") as place:
        folder = Path(place)
        shutil.copyfile(path, folder / SITE_NAME)
        # PythonFMU looks for the class in the script, by name.
        (folder / SCRIPT_NAME).write_text(
            "from quartier_sim.fmi.building_slave import QuartierBuilding\n\n__all__ = ['QuartierBuilding']\n"
        )
        FmuBuilder.build_FMU(
            folder / SCRIPT_NAME, dest=folder / "building.fmu", project_files=[folder / SITE_NAME]
        )
        shutil.move(folder / "building.fmu", fmu)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``quartier-hil fmu``."""
    parser.description = "Writes the plant of a site file as an FMU for co-simulation (FMI 2.0)."
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("site", type=Path, metavar="SITE.toml", help="the gateway's site file")
    parser.add_argument("fmu", type=Path, metavar="FILE.fmu", help="the file to write")
    parser.set_defaults(command=run_export, needed=())


def run_export(options: argparse.Namespace) -> int:
    """Write the FMU; returns the exit code."""
    if options.fmu.suffix != ".fmu":
        sys.stderr.write(f"quartier-hil: {options.fmu}: expected a name that ends in .fmu\n")
        return 2
    try:
        export_building(options.site, options.fmu)
    except ConfigError as error:
        sys.stderr.write("".join(f"{fault}\n" for fault in error.faults))
        return 78
    except ImportError:
        sys.stderr.write("quartier-hil: an export needs PythonFMU: pip install 'quartier-hil[fmi]'\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"quartier-hil: {error.filename or options.fmu}: {error.strerror}\n")
        return 2
    sys.stdout.write(f"{options.fmu}: written\n")
    return 0


def load_building(folder: Path) -> ExportedBuilding:
    """Load the building whose site file is in the resources of the FMU; it begins at midnight today."""
    site = site_file.load_site(folder / SITE_NAME)
    midnight = dt.datetime.now(ZoneInfo(site.site.time_zone)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return ExportedBuilding(site, start=midnight)
