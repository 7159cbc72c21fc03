"""A SunSpec device behind the five verbs: found by its models, then polled as any device of registers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from quartier_drivers.contract import (
    NOTHING,
    Clock,
    Command,
    DeviceSpec,
    PointInfo,
    Quality,
    Reading,
    Readings,
    Value,
    columns,
)
from quartier_drivers.errors import Refused
from quartier_drivers.modbus.door import DOOR as MODBUS
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.line import Line
from quartier_drivers.points import word
from quartier_drivers.profile import RegisterProfile
from quartier_drivers.schema import Address
from quartier_drivers.sunspec import device
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import Registers
from quartier_drivers.sunspec.schema import Taken
from quartier_drivers.sunspec.survey import Survey

_ZERO: Mapping[str, Value] = {"float": 0.0, "int": 0, "bool": False, "text": ""}
_IDLE_NS = 60_000_000_000


class _Polled(ModbusDriver):
    """What is read of the device, by registers."""

    def know(self, powers: Mapping[tuple[int, Address], int | None]) -> None:
        """Take over scale registers that were read already, so that no point waits for its own."""
        self._powers = dict(powers)
        self._start()


class SunspecDriver:
    """One SunSpec device on a Modbus line."""

    def __init__(self, line: Line, spec: DeviceSpec, profile: SunspecProfile, clock: Clock) -> None:
        self._line = line
        self._spec = spec
        self._profile = profile
        self._clock = clock
        self._registers = Registers(line, spec.unit, profile.limits)
        self._survey = Survey(self._registers, profile.bases, clock)
        self._polled: _Polled | None = None
        self._missing: list[Reading] = []
        self._points = {name: self._info(name, taken) for name, taken in self._taken()}

    @property
    def points(self) -> Mapping[str, PointInfo]:
        """Every point of the profile that somebody owns, by full name; known without the wire."""
        return self._points

    @property
    def due_ns(self) -> int:
        """When ``read`` wants to be called next (monotonic)."""
        if self._missing:
            return self._clock.now_ns()
        return self._clock.now_ns() + _IDLE_NS if self._polled is None else self._polled.due_ns

    async def open(self) -> Mapping[str, str]:
        """Find its models and say who it is.  Raises NoReply or LinkLost."""
        chain = await self._survey.chain()
        names = {name for _, taken in self._taken() for sum_ in taken.source for name in sum_}
        found = await device.met(self._registers, chain, names)
        parts = {part: device.points(found, self._profile, part) for part in self._spec.owners}
        self._polled = _Polled(self._line, self._spec, self._registers_of(parts), self._clock)
        self._polled.know({(self._spec.unit, at): power for at, power in device.powers(found).items()})
        now_ns = self._clock.now_ns()
        self._missing = [
            Reading(name, _ZERO[info.kind], Quality.BAD, now_ns, "the device has none")
            for name, info in self._points.items()
            if name not in self._polled.points
        ]
        head = self._profile.head
        return {"maker": head.maker, "model": head.model, **found.identity}

    async def read(self) -> Readings:
        """Make the most overdue request of the plan, at most one; empty when none is due.

        Raises NoReply or LinkLost.
        """
        if self._missing:
            news, self._missing = self._missing, []
            return columns(news, self._clock.now_ns())
        return NOTHING if self._polled is None else await self._polled.read()

    async def write(self, command: Command) -> None:
        """Write one point.  Raises Refused, NoReply, LinkLost or Expired."""
        raise Refused(f"{command.point} cannot be written")

    async def release(self, points: Collection[str] = ()) -> None:
        """Give points (absent: all) back to the device's own control."""

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """The same as writes encoded for the wire, JSON-ready, for ``Door.replay``."""
        return ()

    async def close(self) -> None:
        """Forget the device; the line stays open for the others."""
        if self._polled is not None:
            await self._polled.close()
        self._polled = None
        self._missing.clear()

    def _taken(self) -> Iterator[tuple[str, Taken]]:
        """Every quantity that somebody owns and wants, by full name."""
        for part, owner in self._spec.owners.items():
            asked = self._spec.points.get(part)
            for quantity, taken in self._profile.parts.get(part, {}).items():
                if asked is None or quantity in asked:
                    yield f"{owner}.{quantity}", taken

    def _info(self, name: str, taken: Taken) -> PointInfo:
        names = [one for sum_ in taken.source for one in sum_]
        return PointInfo(
            name,
            cast("Any", word(name.partition(".")[2]).kind),
            f"{self._spec.unit}/{'|'.join(str(one) for one in names)}",
            self._profile.scan[taken.scan],
            taken.low,
            taken.high,
        )

    def _registers_of(self, parts: Mapping[str, Any]) -> RegisterProfile:
        profile, limits = self._profile, self._profile.limits
        limits = limits.model_copy(update={"block_max": min(limits.block_max, self._registers.block_max)})
        return RegisterProfile(profile.name, profile.head, profile.scan, parts, limits, {}, {})


class SunspecDoor:
    """SunSpec devices on Modbus lines."""

    def line(self, name: str, bus: Any, clock: Clock) -> Line:
        """The Modbus line for the bus."""
        return MODBUS.line(name, bus, clock)

    def driver(self, line: Line, device: DeviceSpec, profile: SunspecProfile, clock: Clock) -> SunspecDriver:
        """A driver for one device on ``line``."""
        return SunspecDriver(line, device, profile, clock)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """As Modbus does: the writes say it all."""
        return await MODBUS.replay(bus, writes)


DOOR = SunspecDoor()
