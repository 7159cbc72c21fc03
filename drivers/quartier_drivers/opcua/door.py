"""The door of the OPC UA room: lines and drivers for a site, and releases without one."""

from collections.abc import Mapping, Sequence
from typing import Any

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.opcua import safe
from quartier_drivers.opcua.bus import OpcuaBus
from quartier_drivers.opcua.driver import OpcuaDriver
from quartier_drivers.opcua.line import Line
from quartier_drivers.opcua.profile import OpcuaProfile


class OpcuaDoor:
    """OPC UA servers."""

    def line(self, name: str, bus: OpcuaBus, clock: Clock) -> Line:
        """A line for the bus ``name`` whose checked site-file section is ``bus``."""
        return Line(name, bus, clock)

    def driver(self, line: Line, device: DeviceSpec, profile: OpcuaProfile, clock: Clock) -> OpcuaDriver:
        """A driver for one device on ``line``."""
        return OpcuaDriver(line, device, profile, clock)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make the encoded writes of ``releases``; one line per write that failed (see ``safe``)."""
        return await safe.replay(bus, writes)


DOOR = OpcuaDoor()
