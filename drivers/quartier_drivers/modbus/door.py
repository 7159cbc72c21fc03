"""The door of the Modbus room: lines and drivers for a site, and releases without one."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.bus import RtuBus, TcpBus
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.line import Line, LoopClock
from quartier_drivers.modbus.link import link
from quartier_drivers.modbus.replay import replayed
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
        """Make the encoded writes of ``releases``; one line per write that failed.

        A line that cannot be opened fails them all at once.  Once a unit was silent, its other writes wait
        until all the other units have had theirs.
        """
        section: TcpBus | RtuBus = TypeAdapter(TcpBus | RtuBus).validate_python(dict(bus))
        line = link("release", section, LoopClock())
        try:
            await line.open()
            return await replayed(line, writes)
        except LinkLost as error:
            return [f"{write['point']}: {error}" for write in writes]
        finally:
            await line.close()


DOOR = ModbusDoor()
