"""One bus of a site as the daemon runs it, on a pretended wire and in leaping time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from quartier.rehearsal.loop import LeapingClock
from quartier.rehearsal.work import Task
from quartier.runtime.bus.poll import Bus
from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec, Readings
from quartier_drivers.rehearsal import Exchange, Pretence, Rehearsable

_LOOK_S = 0.5
_MEETING_MAX_S = 120.0


class Wire(Protocol):
    """A bus with its devices, as the site file has them (see ``app.assembly``)."""

    @property
    def name(self) -> str:
        """Of the bus."""
        ...

    @property
    def section(self) -> Any:
        """Its checked section of the site file."""
        ...

    @property
    def devices(self) -> Sequence[tuple[DeviceSpec, Any]]:
        """Each with its profile."""
        ...


@dataclass(frozen=True, slots=True)
class Assumed:
    """How long devices take to begin an answer: those in ``answers_s`` by name, the others ``answer_s``.

    None: as their profile says, or else as the wire's arithmetic has it.
    """

    answer_s: float | None = None
    answers_s: Mapping[str, float] = field(default_factory=dict)

    def of(self, device: str, profile: Any) -> float | None:
        """That of one device; None: nobody says."""
        said: float | None = getattr(profile.limits, "answer_s", None)
        return self.answers_s.get(device, said if self.answer_s is None else self.answer_s)


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the log: what happened to which device, at which second of the loop's time."""

    at_s: float
    name: str
    device: str


class _Log:
    """Keeps what a bus logs."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def info(self, name: str, **fields: Any) -> None:
        self.events.append(Event(asyncio.get_running_loop().time(), name, str(fields.get("device", ""))))

    warning = info


def is_rehearsable(wire: Wire) -> bool:
    """Whether the time of its wire can be told before there is one."""
    return isinstance(registry.door(wire.section.kind), Rehearsable)


class Performance:
    """For a ``wire`` that ``is_rehearsable``; made and used in a running leaping loop.

    ``exchanges`` is what went over the wire so far, ``events`` what was logged.
    """

    def __init__(self, wire: Wire, assumed: Assumed) -> None:
        self.exchanges: list[Exchange] = []
        self.pretence = pretence = Pretence(told=self.exchanges.append)
        clock, kind = LeapingClock(), wire.section.kind
        self._line = registry.door(kind).rehearsal(wire.name, wire.section, clock, pretence)  # type: ignore[attr-defined]  # it is rehearsable
        self._devices = wire.devices
        self._doors: list[Any] = [registry.door(kind, profile.protocol) for _, profile in wire.devices]
        drivers = {}
        for door, (spec, profile) in zip(self._doors, wire.devices, strict=True):
            door.pretend(spec, profile, pretence)
            drivers[spec.name] = door.driver(self._line, spec, profile, clock)
        log = _Log()
        self.events = log.events
        self.bus = Bus(wire.name, self._line, drivers, clock, _ignore, log)
        for spec, profile in wire.devices:
            answer_s = assumed.of(spec.name, profile)
            if answer_s is not None:
                pretence.answers_s.update(dict.fromkeys(self.units([spec.name]), answer_s))

    async def through(self, script: Callable[[], Awaitable[None]]) -> None:
        """Run the bus for as long as ``script`` takes."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.bus.run())
            await script()
            self.bus.halt()

    async def met(self) -> None:
        """Until every device has said who it is, or cannot."""
        until_s = now_s() + _MEETING_MAX_S
        while now_s() < until_s and not all(one.known for one in self.bus.devices.values()):  # noqa: ASYNC110 - it costs no time
            await asyncio.sleep(_LOOK_S)

    @property
    def skipped_count(self) -> int:
        """Reads that were left out because the one before came too late."""
        return int(self._line.stats["skipped_count"])

    def tasks(self) -> list[Task]:
        """What its devices want of it, as far as they were met."""
        return [
            Task(spec.name, ask.period_s, self._line.takes_s(ask.request), ask.rests_s)
            for spec, ask in self._asks()
        ]

    def answers_s(self) -> dict[str, float]:
        """How long each device takes to begin its answer."""
        return {spec.name: self._line.answer_s(spec.unit) for spec, _ in self._devices}

    def periods_s(self) -> dict[tuple[int, bytes], float]:
        """How often each request is to be made, by its unit and key."""
        return {(ask.unit, ask.key): ask.period_s for _, ask in self._asks()}

    def units(self, names: Iterable[str]) -> set[int]:
        """The units behind these devices."""
        wanted = set(names)
        own = {spec.unit for spec, _ in self._devices if spec.name in wanted}
        return own | {ask.unit for spec, ask in self._asks() if spec.name in wanted}

    def _asks(self) -> list[tuple[DeviceSpec, Any]]:
        return [
            (spec, ask)
            for door, (spec, profile) in zip(self._doors, self._devices, strict=True)
            for ask in door.asks(self.bus.devices[spec.name].driver, spec, profile)
        ]


def now_s() -> float:
    """Seconds of the running loop."""
    return asyncio.get_running_loop().time()


def _ignore(_: Readings) -> None:
    """What is read is nobody's business here."""
