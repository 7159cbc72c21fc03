"""One bus of a site on a simulated wire, in simulated time."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from quartier.commissioning.bus_planning.bus_load import PollTask
from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec, Readings
from quartier_drivers.rehearsal import Exchange, Pretence, Rehearsable

Result = TypeVar("Result")
# Not at 0: what counts from the loop's time takes 0 for never.
_START_S = 1_000.0


class _JumpingSelector(selectors.SelectSelector):
    """Nothing comes from outside: whoever would wait has waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = _START_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("all wait for something that nobody does")
        self.now_s += max(0.0, timeout)
        return super().select(0)


class SimulatedTimeLoop(asyncio.SelectorEventLoop):
    """Its time leaps to whatever is due next."""

    def __init__(self) -> None:
        self._leap = _JumpingSelector()
        super().__init__(self._leap)

    def time(self) -> float:
        """Seconds since an arbitrary start."""
        return self._leap.now_s


class SimulatedTimeClock(SiteClock):
    """The house's time as the running loop has it."""

    def __init__(self) -> None:
        super().__init__(ClockSetting(boot="rehearsal"))
        self._loop = asyncio.get_running_loop()

    def now_ns(self) -> int:
        """Nanoseconds of the loop's time."""
        return round(self._loop.time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of it."""
        await asyncio.sleep(seconds)


def run_simulated(work: Coroutine[Any, Any, Result]) -> Result:
    """Do ``work`` to its end, in no time.  For who runs in no loop."""
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        return runner.run(work)


_POLL_S = 0.5
_IDENTIFY_MAX_S = 120.0


class PlannedBus(Protocol):
    """A bus with its devices, as the site file has them (see ``daemon.assembly.bus_specs``)."""

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
class AssumedAnswers:
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
class BusEvent:
    """A line of the log: what happened to which device, at which second of the loop's time."""

    at_s: float
    name: str
    device: str


class _Log:
    """Keeps what a bus logs."""

    def __init__(self) -> None:
        self.events: list[BusEvent] = []

    def info(self, name: str, **fields: Any) -> None:
        self.events.append(BusEvent(asyncio.get_running_loop().time(), name, str(fields.get("device", ""))))

    warning = info


def can_be_simulated(wire: PlannedBus) -> bool:
    """Return whether the time of its wire can be told before there is one."""
    return isinstance(registry.door(wire.section.kind), Rehearsable)


class SimulatedBus:
    """For a ``wire`` that ``can_be_simulated``; made and used in a running leaping loop.

    ``exchanges`` is what went over the wire so far, ``events`` what was logged.
    """

    def __init__(self, wire: PlannedBus, assumed: AssumedAnswers) -> None:
        self.exchanges: list[Exchange] = []
        self.pretence = pretence = Pretence(told=self.exchanges.append)
        clock, kind = SimulatedTimeClock(), wire.section.kind
        self._line = registry.door(kind).rehearsal(wire.name, wire.section, clock, pretence)  # type: ignore[attr-defined]  # it is rehearsable
        self._devices = wire.devices
        self._doors: list[Any] = [registry.door(kind, profile.protocol) for _, profile in wire.devices]
        drivers = {}
        for door, (spec, profile) in zip(self._doors, wire.devices, strict=True):
            door.pretend(spec, profile, pretence)
            drivers[spec.name] = door.driver(self._line, spec, profile, clock)
        log = _Log()
        self.events = log.events
        self.bus = Bus(wire.name, self._line, drivers, clock, _ignore_readings, log)
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
        until_s = find_loop_time_s() + _IDENTIFY_MAX_S
        while find_loop_time_s() < until_s and not all(one.known for one in self.bus.devices.values()):  # noqa: ASYNC110 - it costs no time
            await asyncio.sleep(_POLL_S)

    @property
    def skipped_count(self) -> int:
        """Reads that were left out because the one before came too late."""
        return int(self._line.stats["skipped_count"])

    def tasks(self) -> list[PollTask]:
        """Return what its devices want of it, as far as they were met."""
        return [
            PollTask(spec.name, ask.period_s, self._line.takes_s(ask.request), ask.rests_s)
            for spec, ask in self._list_requests()
        ]

    def answers_s(self) -> dict[str, float]:
        """Return how long each device takes to begin its answer."""
        return {spec.name: self._line.answer_s(spec.unit) for spec, _ in self._devices}

    def find_periods_s(self) -> dict[tuple[int, bytes], float]:
        """Return how often each request is to be made, by its unit and key."""
        return {(ask.unit, ask.key): ask.period_s for _, ask in self._list_requests()}

    def units(self, names: Iterable[str]) -> set[int]:
        """The units behind these devices."""
        wanted = set(names)
        own = {spec.unit for spec, _ in self._devices if spec.name in wanted}
        return own | {ask.unit for spec, ask in self._list_requests() if spec.name in wanted}

    def _list_requests(self) -> list[tuple[DeviceSpec, Any]]:
        return [
            (spec, ask)
            for door, (spec, profile) in zip(self._doors, self._devices, strict=True)
            for ask in door.asks(self.bus.devices[spec.name].driver, spec, profile)
        ]


def find_loop_time_s() -> float:
    """Seconds of the running loop."""
    return asyncio.get_running_loop().time()


def _ignore_readings(_: Readings) -> None:
    """What is read is nobody's business here."""
