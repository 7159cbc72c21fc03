"""The Modbus protocol: lines and drivers for a site, and releases without one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.modbus import safe
from quartier_drivers.modbus.bus import RtuBus, TcpBus
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.line import Line
from quartier_drivers.modbus.link import link
from quartier_drivers.profile import RegisterProfile as Profile

if TYPE_CHECKING:
    from quartier_drivers.rehearsal import Ask, Pretence, Stage


class ModbusDoor:
    """Modbus TCP and RTU."""

    def line(self, name: str, bus: TcpBus | RtuBus, clock: Clock) -> Line:
        """Make the line of the bus ``name``; ``bus`` is its checked section of the site file."""
        return link(name, bus, clock)

    def driver(self, line: Line, device: DeviceSpec, profile: Profile, clock: Clock) -> ModbusDriver:
        """Make the driver of one device on ``line``."""
        return ModbusDriver(line, device, profile, clock)

    def rehearsal(self, name: str, bus: TcpBus | RtuBus, clock: Clock, pretence: "Pretence") -> "Stage":
        """Make a line for the bus that needs no wire."""
        from quartier_drivers.modbus.rehearsed import rehearsal  # noqa: PLC0415 - who runs rehearses nothing

        return rehearsal(name, bus, clock, pretence)

    def pretend(self, device: DeviceSpec, profile: Profile, pretence: "Pretence") -> None:
        """Do nothing: no plan depends on the contents of its registers."""

    def asks(self, driver: ModbusDriver, device: DeviceSpec, profile: Profile) -> "Sequence[Ask]":
        """Return each request of the driver's plan."""
        del device
        from quartier_drivers.modbus.rehearsed import asks  # noqa: PLC0415 - as above

        return asks(driver.jobs, profile.limits)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make the encoded writes of ``releases``.

        Return one line of text per failed write (see ``safe``).
        """
        return await safe.replay(bus, writes)


DOOR = ModbusDoor()
