"""A GPIO line as a device: inputs of a profile, read one by one."""

from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quartier_drivers import register_codec
from quartier_drivers.contract import Clock, Command, DeviceSpec, PointInfo
from quartier_drivers.device_profile.loading import RegisterProfile
from quartier_drivers.device_profile.schema import Point
from quartier_drivers.errors import Refused
from quartier_drivers.gpio.bus_section import GpioBus
from quartier_drivers.gpio.chip import GpioChip
from quartier_drivers.readings import BOOL, NO_READINGS, QUALITIES, Layout, Readings

_IDLE_NS = 60_000_000_000


@dataclass(slots=True)
class _GpioInput:
    """A point, the line behind it, and when it is due."""

    layout: Layout
    offset: int
    decode: register_codec.Decoder
    period_ns: int
    due_ns: int


class GpioDriver:
    """One device of a GPIO chip: its unit is a line, ``discrete:n`` the n-th line from there."""

    def __init__(self, chip: GpioChip, device: DeviceSpec, profile: RegisterProfile, clock: Clock) -> None:
        self._chip = chip
        self._device = device
        self._profile = profile
        self._clock = clock
        owned = {
            f"{owner}.{quantity}": (quantity, point)
            for part, owner in device.owners.items()
            for quantity, point in profile.parts.get(part, {}).items()
            if part not in device.points or quantity in device.points[part]
        }
        self._inputs = [self._input(name, quantity, point) for name, (quantity, point) in owned.items()]
        self._points = {
            name: PointInfo(name, "bool", f"line {self._line(point)}", profile.scan[point.scan])
            for name, (_, point) in owned.items()
        }

    @property
    def points(self) -> Mapping[str, PointInfo]:
        """Every input this device serves, by full name."""
        return self._points

    @property
    def due_ns(self) -> int:
        """Return when ``read`` wants to be called next (monotonic)."""
        now_ns = self._clock.now_ns()
        return min((one.due_ns for one in self._inputs), default=now_ns + _IDLE_NS)

    async def open(self) -> Mapping[str, str]:
        """The profile's maker, the chip's label as model, the line's name as serial.

        Raises NoReply or LinkLost.
        """
        found = await self._chip.read_description(self._device.unit)
        return {"maker": self._profile.head.maker, "model": self._profile.head.model} | dict(found)

    async def read(self) -> Readings:
        """Read the most overdue input; nothing when none is due.  Raises NoReply or LinkLost."""
        now_ns = self._clock.now_ns()
        one = min(self._inputs, key=lambda one: one.due_ns, default=None)
        if one is None or one.due_ns > now_ns:
            return NO_READINGS
        # To the next point of its grid; those that have passed already are skipped.
        one.due_ns += ((now_ns - one.due_ns) // one.period_ns + 1) * one.period_ns
        value, quality = one.decode((int(await self._chip.value(one.offset)),), 0)
        known = 0.0 if value is None else float(value)
        return Readings(one.layout, array("d", [known]), bytes([QUALITIES.index(quality)]), now_ns)

    async def write(self, command: Command) -> None:
        """Lines are inputs.  Raises Refused."""
        raise Refused(f"{command.point} cannot be written")

    async def release(self, points: Collection[str] = ()) -> None:
        """Nothing was taken, nothing is given back."""

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """No writes."""
        return ()

    async def close(self) -> None:
        """Forget the device; the chip stays open for the others."""
        self._inputs.clear()

    def _line(self, point: Point) -> int:
        return self._device.unit + point.address.number

    def _input(self, name: str, quantity: str, point: Point) -> _GpioInput:
        return _GpioInput(
            Layout((name,), bytes([BOOL])),
            self._line(point),
            register_codec.make_decoder(quantity, point),
            int(self._profile.scan[point.scan] * 1e9),
            self._clock.now_ns(),
        )


class GpioFactory:
    """Lines of Linux GPIO chips, as inputs."""

    def line(self, name: str, bus: GpioBus, clock: Clock) -> GpioChip:
        """The chip of the bus ``name`` whose checked site-file section is ``bus``."""
        del clock
        return GpioChip(name, bus)

    def driver(
        self, line: GpioChip, device: DeviceSpec, profile: RegisterProfile, clock: Clock
    ) -> GpioDriver:
        """A driver for one device on ``line``."""
        return GpioDriver(line, device, profile, clock)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """There is nothing to write to an input; each write fails."""
        del bus
        return [f"{write['point']}: cannot be written" for write in writes]


FACTORY = GpioFactory()
