"""The door for SunSpec devices, which stand on the lines of Modbus."""

from collections.abc import Mapping, Sequence
from typing import Any

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.modbus.door import DOOR as MODBUS
from quartier_drivers.modbus.line import Line
from quartier_drivers.sunspec.driver import SunspecDriver
from quartier_drivers.sunspec.profile import SunspecProfile


class SunspecDoor:
    """SunSpec devices on Modbus lines."""

    def line(self, name: str, bus: Any, clock: Clock) -> Line:
        """The Modbus line for the bus."""
        return MODBUS.line(name, bus, clock)

    def driver(self, line: Line, device: DeviceSpec, profile: SunspecProfile, clock: Clock) -> SunspecDriver:
        """A driver for one device on ``line``."""
        return SunspecDriver(line, device, profile, clock)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """As Modbus does: the writes say it all."""
        return await MODBUS.replay(bus, writes)


DOOR = SunspecDoor()
