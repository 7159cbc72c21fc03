"""The Modbus protocol: lines and drivers for a site, and releases without one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.device_profile.loading import RegisterProfile as Profile
from quartier_drivers.modbus import release_writes
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.modbus.wire.line import ModbusLine

if TYPE_CHECKING:
    from quartier_drivers.rehearsal import PlannedRequest, RehearsalLine, SimulatedDevices


class ModbusFactory:
    """Modbus TCP and RTU."""

    def line(self, name: str, bus: TcpBus | RtuBus, clock: Clock) -> ModbusLine:
        """Make the line of the bus ``name``; ``bus`` is its checked section of the site file."""
        return make_line(name, bus, clock)

    def driver(self, line: ModbusLine, device: DeviceSpec, profile: Profile, clock: Clock) -> ModbusDriver:
        """Make the driver of one device on ``line``."""
        return ModbusDriver(line, device, profile, clock)

    def rehearsal(
        self, name: str, bus: TcpBus | RtuBus, clock: Clock, pretence: "SimulatedDevices"
    ) -> "RehearsalLine":
        """Make a line for the bus that needs no wire."""
        from quartier_drivers.modbus.rehearsal import (  # noqa: PLC0415 - who runs rehearses nothing
            make_rehearsal_line,
        )

        return make_rehearsal_line(name, bus, clock, pretence)

    def simulate(self, device: DeviceSpec, profile: Profile, pretence: "SimulatedDevices") -> None:
        """Do nothing: no plan depends on the contents of its registers."""

    def asks(self, driver: ModbusDriver, device: DeviceSpec, profile: Profile) -> "Sequence[PlannedRequest]":
        """Return each request of the driver's plan."""
        del device
        from quartier_drivers.modbus.rehearsal import list_planned_requests  # noqa: PLC0415 - as above

        return list_planned_requests(driver.jobs, profile.limits)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make the encoded writes of ``releases``.

        Return one line of text per failed write.
        """
        return await release_writes.write_release(bus, writes)


FACTORY = ModbusFactory()
