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
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.readings import Readings
from quartier_drivers.rehearsal import RehearsalFactory, SimulatedDevices, SimulatedExchange

Result = TypeVar("Result")
# Not at 0: users of the loop's time take 0 for never.
_START_S = 1_000.0


class _JumpingSelector(selectors.SelectSelector):
    """A selector without external events: it jumps to the end of each wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = _START_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("all wait for something that nobody does")
        self.now_s += max(0.0, timeout)
        return super().select(0)


class SimulatedTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next due event."""

    def __init__(self) -> None:
        self._jumping_selector = _JumpingSelector()
        super().__init__(self._jumping_selector)

    def time(self) -> float:
        """Return seconds since an arbitrary start."""
        return self._jumping_selector.now_s


class SimulatedTimeClock(SiteClock):
    """Site clock with the time of the running loop."""

    def __init__(self) -> None:
        super().__init__(ClockSetting(boot="rehearsal"))
        self._loop = asyncio.get_running_loop()

    def now_ns(self) -> int:
        """Return the loop's time in nanoseconds."""
        return round(self._loop.time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of the loop's time."""
        await asyncio.sleep(seconds)


def run_simulated(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` to its end without real waiting. Call it outside of any loop."""
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        return runner.run(work)


_POLL_S = 0.5
_IDENTIFY_MAX_S = 120.0


class PlannedBus(Protocol):
    """A bus with its devices from the site file (see ``daemon.assembly.bus_specs``)."""

    @property
    def name(self) -> str:
        """Return the name of the bus."""
        ...

    @property
    def section(self) -> Any:
        """Return its checked section of the site file."""
        ...

    @property
    def devices(self) -> Sequence[tuple[DeviceSpec, Any]]:
        """Return each device with its profile."""
        ...


@dataclass(frozen=True, slots=True)
class AssumedAnswers:
    """Assumed times until devices start an answer: ``answers_s`` by name, ``answer_s`` for the others.

    None: the time of the profile, or else the calculated time of the wire.
    """

    answer_s: float | None = None
    answers_s: Mapping[str, float] = field(default_factory=dict)

    def of(self, device: str, profile: Any) -> float | None:
        """Return the time of one device in s; None if none is given."""
        profile_answer_s: float | None = getattr(profile.limits, "answer_s", None)
        return self.answers_s.get(device, profile_answer_s if self.answer_s is None else self.answer_s)


@dataclass(frozen=True, slots=True)
class BusEvent:
    """A log entry: what happened to which device, at which second of the loop's time."""

    at_s: float
    name: str
    device: str


class _Log:
    """Stores the log entries of a bus."""

    def __init__(self) -> None:
        self.events: list[BusEvent] = []

    def info(self, name: str, **fields: Any) -> None:
        self.events.append(BusEvent(asyncio.get_running_loop().time(), name, str(fields.get("device", ""))))

    warning = info


def can_be_simulated(wire: PlannedBus) -> bool:
    """Return whether the timing of its wire can be calculated in advance."""
    return isinstance(registry.load_factory(wire.section.kind), RehearsalFactory)


class SimulatedBus:
    """A simulated bus for a ``wire`` that ``can_be_simulated``; use it in a running SimulatedTimeLoop.

    ``exchanges`` are the exchanges on the wire so far, ``events`` the log entries.
    """

    def __init__(self, wire: PlannedBus, assumed: AssumedAnswers) -> None:
        self.exchanges: list[SimulatedExchange] = []
        self.simulated_devices = pretence = SimulatedDevices(report_exchange=self.exchanges.append)
        clock, kind = SimulatedTimeClock(), wire.section.kind
        self._line = registry.load_factory(kind).rehearsal(wire.name, wire.section, clock, pretence)  # type: ignore[attr-defined]  # it is rehearsable
        self._devices = wire.devices
        self._factories: list[Any] = [
            registry.load_factory(kind, profile.protocol) for _, profile in wire.devices
        ]
        drivers = {}
        for factory, (spec, profile) in zip(self._factories, wire.devices, strict=True):
            factory.simulate(spec, profile, pretence)
            drivers[spec.name] = factory.driver(self._line, spec, profile, clock)
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

    async def wait_until_identified(self) -> None:
        """Wait until every device is identified, or cannot be."""
        until_s = find_loop_time_s() + _IDENTIFY_MAX_S
        while find_loop_time_s() < until_s and not all(one.known for one in self.bus.devices.values()):  # noqa: ASYNC110 - it costs no time
            await asyncio.sleep(_POLL_S)

    @property
    def skips_count(self) -> int:
        """Return the number of reads skipped because the one before came too late."""
        return int(self._line.stats["skipped_count"])

    def tasks(self) -> list[PollTask]:
        """Return the requests of its devices, as far as they are identified."""
        return [
            PollTask(spec.name, ask.period_s, self._line.takes_s(ask.request), ask.rests_s)
            for spec, ask in self._list_requests()
        ]

    def answers_s(self) -> dict[str, float]:
        """Return how long each device takes to start its answer, in s."""
        return {spec.name: self._line.answer_s(spec.unit) for spec, _ in self._devices}

    def find_periods_s(self) -> dict[tuple[int, bytes], float]:
        """Return the period of each request in s, by its unit and key."""
        return {(ask.unit, ask.key): ask.period_s for _, ask in self._list_requests()}

    def units(self, names: Iterable[str]) -> set[int]:
        """Return the units of these devices."""
        wanted = set(names)
        own = {spec.unit for spec, _ in self._devices if spec.name in wanted}
        return own | {ask.unit for spec, ask in self._list_requests() if spec.name in wanted}

    def _list_requests(self) -> list[tuple[DeviceSpec, Any]]:
        return [
            (spec, ask)
            for factory, (spec, profile) in zip(self._factories, self._devices, strict=True)
            for ask in factory.asks(self.bus.devices[spec.name].driver, spec, profile)
        ]


def find_loop_time_s() -> float:
    """Return the time of the running loop in s."""
    return asyncio.get_running_loop().time()


def _ignore_readings(_: Readings) -> None:
    """Ignore all readings."""
