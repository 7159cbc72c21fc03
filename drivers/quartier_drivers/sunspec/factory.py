"""The SunSpec protocol, which uses the lines of Modbus."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.modbus.factory import FACTORY as MODBUS
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.sunspec.driver import SunspecDriver
from quartier_drivers.sunspec.profile import SunspecProfile

if TYPE_CHECKING:
    from quartier_drivers.rehearsal import PlannedRequest, RehearsalLine, SimulatedDevices


class SunspecFactory:
    """SunSpec devices on Modbus lines."""

    def line(self, name: str, bus: Any, clock: Clock) -> ModbusLine:
        """Return the Modbus line of the bus."""
        return MODBUS.line(name, bus, clock)

    def driver(
        self, line: ModbusLine, device: DeviceSpec, profile: SunspecProfile, clock: Clock
    ) -> SunspecDriver:
        """Make the driver of one device on ``line``."""
        return SunspecDriver(line, device, profile, clock)

    def rehearsal(self, name: str, bus: Any, clock: Clock, pretence: "SimulatedDevices") -> "RehearsalLine":
        """Rehearse as Modbus does."""
        return MODBUS.rehearsal(name, bus, clock, pretence)

    def simulate(self, device: DeviceSpec, profile: SunspecProfile, pretence: "SimulatedDevices") -> None:
        """Put the models that the profile was made for into the simulated unit."""
        from quartier_drivers.sunspec.rehearsal import (  # noqa: PLC0415 - who runs rehearses nothing
            make_registers,
        )

        pretence.registers[device.unit] = make_registers(device, profile)

    def asks(
        self, driver: SunspecDriver, device: DeviceSpec, profile: SunspecProfile
    ) -> "Sequence[PlannedRequest]":
        """Return each request of the driver's plan."""
        from quartier_drivers.sunspec.rehearsal import list_planned_requests  # noqa: PLC0415 - as above

        return list_planned_requests(driver, device.unit, profile.limits)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Replay as Modbus does: the writes are complete."""
        return await MODBUS.replay(bus, writes)


FACTORY = SunspecFactory()
