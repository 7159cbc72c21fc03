"""The door of the Modbus room: lines and drivers for a site, and releases without one."""

from collections.abc import Mapping, Sequence
from typing import Any

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.modbus import safe
from quartier_drivers.modbus.bus import RtuBus, TcpBus
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.line import Line
from quartier_drivers.modbus.link import link
from quartier_drivers.profile import RegisterProfile as Profile


class ModbusDoor:
    """Modbus TCP and RTU."""

    def line(self, name: str, bus: TcpBus | RtuBus, clock: Clock) -> Line:
        """A line for the bus ``name`` whose checked site-file section is ``bus``."""
        return link(name, bus, clock)

    def driver(self, line: Line, device: DeviceSpec, profile: Profile, clock: Clock) -> ModbusDriver:
        """A driver for one device on ``line``."""
        return ModbusDriver(line, device, profile, clock)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make the encoded writes of ``releases``; one line per write that failed (see ``safe``)."""
        return await safe.replay(bus, writes)


DOOR = ModbusDoor()
