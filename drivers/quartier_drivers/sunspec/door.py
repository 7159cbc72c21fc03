"""The SunSpec protocol, which uses the lines of Modbus."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.modbus.door import DOOR as MODBUS
from quartier_drivers.modbus.line import Line
from quartier_drivers.sunspec.driver import SunspecDriver
from quartier_drivers.sunspec.profile import SunspecProfile

if TYPE_CHECKING:
    from quartier_drivers.rehearsal import Ask, Pretence, Stage


class SunspecDoor:
    """SunSpec devices on Modbus lines."""

    def line(self, name: str, bus: Any, clock: Clock) -> Line:
        """Return the Modbus line of the bus."""
        return MODBUS.line(name, bus, clock)

    def driver(self, line: Line, device: DeviceSpec, profile: SunspecProfile, clock: Clock) -> SunspecDriver:
        """Make the driver of one device on ``line``."""
        return SunspecDriver(line, device, profile, clock)

    def rehearsal(self, name: str, bus: Any, clock: Clock, pretence: "Pretence") -> "Stage":
        """Rehearse as Modbus does."""
        return MODBUS.rehearsal(name, bus, clock, pretence)

    def pretend(self, device: DeviceSpec, profile: SunspecProfile, pretence: "Pretence") -> None:
        """Put the models that the profile was made for into the simulated unit."""
        from quartier_drivers.sunspec.pretended import registers  # noqa: PLC0415 - who runs rehearses nothing

        pretence.registers[device.unit] = registers(device, profile)

    def asks(self, driver: SunspecDriver, device: DeviceSpec, profile: SunspecProfile) -> "Sequence[Ask]":
        """Return each request of the driver's plan."""
        from quartier_drivers.sunspec.planned import asks  # noqa: PLC0415 - as above

        return asks(driver, device.unit, profile.limits)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Replay as Modbus does: the writes are complete."""
        return await MODBUS.replay(bus, writes)


DOOR = SunspecDoor()
