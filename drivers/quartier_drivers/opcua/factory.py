"""The OPC UA factory: makes lines and drivers for a site, and makes releases without one."""

from collections.abc import Mapping, Sequence
from typing import Any

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.opcua import release_writes
from quartier_drivers.opcua.bus_section import OpcuaBus
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.driver import OpcuaDriver
from quartier_drivers.opcua.profile import OpcuaProfile


class OpcuaFactory:
    """The factory for OPC UA servers."""

    def line(self, name: str, bus: OpcuaBus, clock: Clock) -> OpcuaLine:
        """Make the line of the bus ``name``; ``bus`` is its checked section of the site file."""
        return OpcuaLine(name, bus, clock)

    def driver(self, line: OpcuaLine, device: DeviceSpec, profile: OpcuaProfile, clock: Clock) -> OpcuaDriver:
        """Make the driver of one device on ``line``."""
        return OpcuaDriver(line, device, profile, clock)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make the encoded writes of ``releases``; return one line of text per failed write."""
        return await release_writes.write_release(bus, writes)


FACTORY = OpcuaFactory()
