"""The door of the OPC UA room: lines and drivers for a site, and releases without one."""

from collections.abc import Mapping, Sequence
from typing import Any

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.opcua import release_writes
from quartier_drivers.opcua.bus_section import OpcuaBus
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.driver import OpcuaDriver
from quartier_drivers.opcua.profile import OpcuaProfile


class OpcuaFactory:
    """OPC UA servers."""

    def line(self, name: str, bus: OpcuaBus, clock: Clock) -> OpcuaLine:
        """A line for the bus ``name`` whose checked site-file section is ``bus``."""
        return OpcuaLine(name, bus, clock)

    def driver(self, line: OpcuaLine, device: DeviceSpec, profile: OpcuaProfile, clock: Clock) -> OpcuaDriver:
        """A driver for one device on ``line``."""
        return OpcuaDriver(line, device, profile, clock)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make the encoded writes of ``releases``; one line per write that failed (see ``safe``)."""
        return await release_writes.write_release(bus, writes)


FACTORY = OpcuaFactory()
