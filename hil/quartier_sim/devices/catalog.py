"""The simulated devices by the name of the profile that reads them."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from quartier_sim.bacnet.building_controllers import VentilationUnit
from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus.energy_meters import Em24, Sdm630
from quartier_sim.modbus.io_boards import IoBoard, RelayBoard
from quartier_sim.modbus.keba_p30 import P30
from quartier_sim.modbus.victron_gx import Gx
from quartier_sim.opcua.plants import HeatSubstation, WasteTerminal
from quartier_sim.sunspec.battery_inverter import BatteryInverter
from quartier_sim.sunspec.measurements import SunSpecMeter
from quartier_sim.sunspec.pv_inverter import SolarInverter

DEVICE_CLASSES: Mapping[str, Callable[..., Device]] = {
    "carlo-gavazzi/em24": Em24,
    "eastron/sdm630": Sdm630,
    "keba/p30": P30,
    "quartier/ventilation_bacnet": VentilationUnit,
    "rig/heat_substation": HeatSubstation,
    "rig/waste_terminal": WasteTerminal,
    "sunspec/battery": BatteryInverter,
    "sunspec/inverter": SolarInverter,
    "sunspec/meter": SunSpecMeter,
    "victron/gx": Gx,
    "waveshare/io8": IoBoard,
    "waveshare/relay8": RelayBoard,
}


def make_device(profile: str, **settings: Any) -> Device:
    """A device that answers as ``profile`` (``"eastron/sdm630"``) reads; ``settings`` are its class's.

    Raises KeyError for a profile without a simulated device, TypeError for a setting it lacks.
    """
    return DEVICE_CLASSES[profile](**settings)


def find_profiles_folder() -> Path:
    """Return the folder of the profiles of the rig's own boxes."""
    return Path(str(files("quartier_sim"))) / "profiles"
