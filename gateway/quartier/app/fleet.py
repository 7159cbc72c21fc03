"""Every bus of the site and its task; a new site file keeps the buses that did not change."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quartier.app.assembly import Wire, release_values
from quartier.app.memory import Memory
from quartier.app.passed import Passing
from quartier.app.shares import Shares
from quartier.app.tapes import Tapes
from quartier.runtime import release
from quartier.runtime.bus import Bus
from quartier.runtime.clock import HouseClock
from quartier.runtime.directory import Directory
from quartier.runtime.fallbacks import Fallbacks
from quartier.runtime.moment import Moment
from quartier.runtime.supervisor import Failure, supervise
from quartier.runtime.witness import NOBODY, Witness
from quartier.runtime.writes import Tally
from quartier_drivers.contract import Command, Driver, Note, Readings
from quartier_drivers.registry import door

if TYPE_CHECKING:
    from quartier.app.probed import Probed
    from quartier.config.model import Site

# Real seconds for the exchange in hand when a bus is stopped; a dead device's is cut off then.
HALT_S = 0.5
# What makes two sections of a bus the same wire: with anything else changed, the devices are the same ones.
ENDPOINT = ("kind", "host", "interface", "port")


@dataclass(frozen=True, slots=True)
class Member:
    """A running bus: what it was made from, itself, and its task."""

    wire: Wire
    bus: Bus
    task: asyncio.Task[None]


class Fleet:
    """Starts, keeps and stops the buses.

    ``deliver`` takes all readings, ``tally`` counts the writes, ``tell`` is for what people should know,
    ``memory`` for what devices must know after a restart, ``fallbacks`` for what was found of theirs; buses
    that ask are in the ``moment``.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        clock: HouseClock,
        deliver: Callable[[Readings], None],
        log: Any,
        tally: Tally | None = None,
        tell: Callable[[Note], None] = lambda _note: None,
        memory: Memory | None = None,
        fallbacks: Fallbacks | None = None,
    ) -> None:
        self.tally = tally or Tally()
        self.fallbacks = fallbacks or Fallbacks()
        self.memory = memory or Memory()
        self.probes: Mapping[str, Probed] = MappingProxyType({})
        """What probes found, by asset."""
        self._tell = tell
        self.moment = Moment()
        self.witness: Witness = NOBODY
        """Hears what becomes of each write; to be set before ``follow``."""
        self._group = group
        self._clock = clock
        self._deliver = deliver
        self._log = log
        self._members: dict[str, Member] = {}
        self.points: Directory[Bus] = Directory(())
        passing = Passing(clock, lambda: self.witness, tell)
        self.shares = Shares(group, clock, passing, self._failed)
        """Who else uses our connections."""
        self.tapes = Tapes(clock, lambda: [(one.bus, one.wire.section) for one in self._members.values()])
        """What stood on the buses just now."""

    @property
    def buses(self) -> list[Bus]:
        """Every bus, in the order of the site file."""
        return [member.bus for member in self._members.values()]

    @property
    def wires(self) -> list[Wire]:
        """What the buses were made from."""
        return [member.wire for member in self._members.values()]

    def drivers(self) -> list[tuple[str, Driver]]:
        """Every device's driver, by its name."""
        return [(health.name, health.driver) for bus in self.buses for health in bus.devices.values()]

    async def follow(self, wires: Sequence[Wire]) -> AbstractSet[str]:
        """Make the fleet what ``wires`` says; a bus whose wire is the same does not miss a poll.

        Returns the points of the buses that were started.
        """
        wanted = {wire.name: wire for wire in wires}
        leaving = [member for name, member in self._members.items() if wanted.get(name) != member.wire]
        await asyncio.gather(*(self._stop(member, wanted.get(member.wire.name)) for member in leaving))
        self.memory.gather(self.drivers(), self._clock.utc_ms())  # what is on disk may be a minute old
        kept = self._members
        self._members = {
            name: kept[name] if name in kept and kept[name] not in leaving else self._start(wire)
            for name, wire in wanted.items()
        }
        self.points = Directory((bus, bus.points) for bus in self.buses)
        self.fallbacks.keep(self.points)
        started = (member.bus for name, member in self._members.items() if member is not kept.get(name))
        return Directory((bus, bus.points) for bus in started).keys()

    def share(self, site: "Site") -> None:
        """Let others use the buses, and record them, as the site file says; at once after ``follow``."""
        self.tapes.follow(site.recording)
        units = {
            name: frozenset(device.unit for device in site.devices.values() if device.bus == name)
            for name in self._members
        }
        self.shares.follow(site.shares, [(one.wire, one.bus) for one in self._members.values()], units)

    def _start(self, wire: Wire) -> Member:
        opened = door(wire.section.kind)
        line = opened.line(wire.name, wire.section, self._clock)
        drivers = {
            spec.name: door(wire.section.kind, profile.protocol).driver(line, spec, profile, self._clock)
            for spec, profile in wire.devices
        }
        for name, driver in drivers.items():
            self.memory.remind(name, driver, self._clock.utc_ms(), synced=self._clock.synced())
        infos = {point: info for driver in drivers.values() for point, info in driver.points.items()}
        safe = release_values([wire], infos)
        bus = Bus(
            wire.name,
            line,
            drivers,
            self._clock,
            self._deliver,
            self._log,
            self.tally,
            safe,
            self._tell,
            self.moment,
            self.fallbacks,
            self.witness,
        )
        work = supervise(f"bus {wire.name}", bus.run, self._clock, partial(self._report, bus))
        return Member(wire, bus, self._group.create_task(work, name=f"bus {wire.name}"))

    async def _stop(self, member: Member, successor: Wire | None) -> None:
        """Stop a bus; devices that do not stay as they are, where they are, get their safe values first."""
        await _halted([member])
        stays = successor is not None and _endpoint(successor) == _endpoint(member.wire)
        staying = successor.devices if successor is not None and stays else ()
        gone = [spec.name for spec, profile in member.wire.devices if (spec, profile) not in staying]
        for failure in await member.bus.release(gone):
            self._log.warning("release.failed", bus=member.wire.name, why=failure)
        await member.bus.close()

    def _report(self, bus: Bus, failure: Failure) -> None:
        bus.online = False
        bus.why = f"{'parked: ' * failure.parked}{type(failure.error).__name__}: {failure.error}"
        self._failed(failure)

    def _failed(self, failure: Failure) -> None:
        self._log.error(
            "task.parked" if failure.parked else "task.failed",
            task=failure.name,
            count=failure.count,
            exc_info=failure.error,
        )

    def post(self, commands: Iterable[Command], now_ns: int) -> None:
        """Put each command into the mailbox of its bus; one for a point that is not there is dropped."""
        for command in commands:
            bus = self.points.holder(command.point)
            if bus is not None:
                bus.post(command, now_ns)

    def give_back(self, points: Sequence[str]) -> None:
        """Have points given back to their devices' own control, now and once."""
        for bus in self.buses:
            bus.give_back(points)

    def report(self, now_ns: int) -> list[Readings]:
        """The own points of each bus and its devices."""
        self.tapes.age()
        return [bus.report(now_ns) for bus in self.buses]

    def silent(self) -> set[str]:
        """Owners whose every device is silent, or stands on a bus that was parked: they get DDEATH."""
        known: set[str] = set()
        heard: set[str] = set()
        for member in self._members.values():
            for health in member.bus.devices.values():
                known |= health.owners
                if not health.silent and not member.task.done():
                    heard |= health.owners
        return known - heard

    def release_table(self) -> list[release.Wire]:
        """The safe values of every output, encoded, for ``release.json``; of those that answer first."""
        return [
            release.Wire(
                member.wire.name,
                member.wire.section.model_dump(mode="json"),
                [write for health in member.bus.reachable_first() for write in health.driver.releases()],
                _left_with(member.bus),
            )
            for member in self._members.values()
        ]

    def reached(self) -> list[tuple[bool, object]]:
        """Which devices answer, and what caps stand in them: as that changes, so may the release table.

        A driver tells the latter as ``standing``, where what it writes on leaving depends on it.
        """
        healths = (health for bus in self.buses for health in bus.devices.values())
        return [(health.reachable, getattr(health.driver, "standing", None)) for health in healths]

    async def leave(self) -> list[str]:
        """Stop polling and write every safe value, all buses at once; returns what failed."""
        self.shares.close()
        await _halted(list(self._members.values()))
        failures = await asyncio.gather(*(self._left(member) for member in self._members.values()))
        return [failure for of_bus in failures for failure in of_bus]

    @staticmethod
    async def _left(member: Member) -> list[str]:
        try:
            return await member.bus.release(list(member.bus.devices))
        finally:
            await member.bus.close()


def _left_with(bus: Bus) -> dict[str, float | None]:
    """The values that points are left with: a cap that stands lower than its safe value is not raised."""
    found = dict(bus.safe)
    for point, value in bus.safe.items():
        last = bus.mailbox.outcomes.get(point)
        if value is not None and bus.points[point].on_release == "cap" and last and last.verdict == "done":
            found[point] = min(value, last.command.value)
    return found


def _endpoint(wire: Wire) -> list[Any]:
    return [getattr(wire.section, key, None) for key in ENDPOINT]


async def _halted(members: Sequence[Member]) -> None:
    """Stop polling: after the exchange in hand where that ends soon, else in the middle of it.

    An answer that nobody waited for is owed: a serial device may not be asked again until it can no
    longer come.
    """
    if not members:
        return
    for member in members:
        member.bus.halt()
    tasks = [member.task for member in members]
    busy = [member.task for member in members if member.bus.online]
    if busy:
        await asyncio.wait(busy, timeout=HALT_S)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
