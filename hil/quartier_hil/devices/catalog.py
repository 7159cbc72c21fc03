"""The simulated devices by the name of the profile that reads them."""

from collections.abc import Callable, Mapping
from typing import Any

from quartier_hil.devices.actor import Device
from quartier_hil.devices.bacnet.ventilation import VentilationUnit
from quartier_hil.devices.em24 import Em24
from quartier_hil.devices.gx import Gx
from quartier_hil.devices.ioboard import IoBoard
from quartier_hil.devices.opcua.heat import HeatSubstation
from quartier_hil.devices.opcua.terminal import WasteTerminal
from quartier_hil.devices.p30 import P30
from quartier_hil.devices.relayboard import RelayBoard
from quartier_hil.devices.sdm630 import Sdm630
from quartier_hil.devices.sunspec.meter import SunSpecMeter
from quartier_hil.devices.sunspec.solar import SolarInverter
from quartier_hil.devices.sunspec.storage import BatteryInverter

DEVICES: Mapping[str, Callable[..., Device]] = {
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


def make(profile: str, **settings: Any) -> Device:
    """A device that answers as ``profile`` (``"eastron/sdm630"``) reads; ``settings`` are its class's.

    Raises KeyError for a profile without a simulated device, TypeError for a setting it lacks.
    """
    return DEVICES[profile](**settings)
