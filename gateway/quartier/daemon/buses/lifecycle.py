"""Start, keep and stop the buses; keep release.json current."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quartier.daemon.assembly.bus_specs import BusSpec, find_release_values
from quartier.daemon.buses.recorder import BusRecorder
from quartier.daemon.buses.shares import ClientWrites, Shares
from quartier.daemon.state_files import DeviceMemory
from quartier.runtime import release
from quartier.runtime.bus.fallback_monitor import KnownFallbacks
from quartier.runtime.bus.mailbox import NO_WRITE_LISTENER, WriteListener
from quartier.runtime.bus.point_directory import PointDirectory
from quartier.runtime.bus.poll import Bus
from quartier.runtime.bus.poll_schedule import PollBatch
from quartier.runtime.bus.write_budget import WriteCounts
from quartier.runtime.clock import SiteClock
from quartier.runtime.supervisor import Failure, log_failure, supervise
from quartier_drivers.contract import Command, Driver, Line, Note
from quartier_drivers.errors import LinkLost
from quartier_drivers.readings import Readings
from quartier_drivers.registry import load_bus_protocol, load_factory

if TYPE_CHECKING:
    from quartier.commissioning.probe_results import ProbeResult
    from quartier.config.sections.site_file import SiteFile
# Real seconds that a running exchange gets to finish when a bus is stopped; then it is cancelled.
STOP_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class RunningBus:
    """A running bus: its specification, the bus itself, and its task."""

    wire: BusSpec
    bus: Bus
    task: asyncio.Task[None]


class _UnusableLine:
    """The line of a bus whose drivers could not be made; it never opens."""

    stats: Mapping[str, float] = MappingProxyType({})

    def __init__(self, error: Exception) -> None:
        self._why = f"its driver cannot be used: {type(error).__name__}: {error}"

    async def open(self) -> None:
        """Raise LinkLost with the reason."""
        raise LinkLost(self._why)

    async def close(self) -> None:
        """Do nothing."""


class BusManager:
    """Starts, keeps and stops the buses.

    ``deliver`` takes all readings.  ``counts`` counts the writes.  ``tell`` takes notes for people.
    ``memory`` holds what drivers must know after a restart.  ``fallbacks`` holds what was found of the
    devices' fallbacks.  Polled buses are batched in ``moment``.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        clock: SiteClock,
        deliver: Callable[[Readings], None],
        log: Any,
        *,
        counts: WriteCounts | None = None,
        tell: Callable[[Note], None] = lambda _note: None,
        memory: DeviceMemory | None = None,
        fallbacks: KnownFallbacks | None = None,
    ) -> None:
        self.write_counts = counts or WriteCounts()
        self.fallbacks = fallbacks or KnownFallbacks()
        self.memory = memory or DeviceMemory()
        self.probes: Mapping[str, ProbeResult] = MappingProxyType({})
        """Probe results, by asset."""
        self._tell = tell
        self.moment = PollBatch()
        self.write_listener: WriteListener = NO_WRITE_LISTENER
        """Is informed of the outcome of each write; set it before ``follow``."""
        self._group = group
        self._clock = clock
        self._deliver = deliver
        self._log = log
        self._members: dict[str, RunningBus] = {}
        self.points: PointDirectory[Bus] = PointDirectory(())
        passing = ClientWrites(clock, lambda: self.write_listener, tell)
        self.shares = Shares(group, clock, passing, log)
        """The other masters that use the connections of the gateway."""
        self.recorder = BusRecorder(
            clock, lambda: [(one.bus, one.wire.section) for one in self._members.values()]
        )
        """The most recent frames on the buses."""

    @property
    def buses(self) -> list[Bus]:
        """Every bus, in the order of the site file."""
        return [member.bus for member in self._members.values()]

    @property
    def wires(self) -> list[BusSpec]:
        """The specifications that the buses were made from."""
        return [member.wire for member in self._members.values()]

    def drivers(self) -> list[tuple[str, Driver]]:
        """Return every driver with the name of its device."""
        return [(health.name, health.driver) for bus in self.buses for health in bus.devices.values()]

    async def follow(self, wires: Sequence[BusSpec]) -> AbstractSet[str]:
        """Start and stop buses so that they match ``wires``; a bus with an equal one misses no poll.

        Returns the points of the buses that were started.
        """
        wanted = {wire.name: wire for wire in wires}
        leaving = [member for name, member in self._members.items() if wanted.get(name) != member.wire]
        await asyncio.gather(*(self._stop_bus(member, wanted.get(member.wire.name)) for member in leaving))
        self.memory.gather(self.drivers(), self._clock.utc_ms())  # the copy on disk may be a minute old
        kept = self._members
        self._members = {
            name: kept[name] if name in kept and kept[name] not in leaving else self._start(wire)
            for name, wire in wanted.items()
        }
        self.points = PointDirectory((bus, bus.points) for bus in self.buses)
        self.fallbacks.keep(self.points)
        started = (member.bus for name, member in self._members.items() if member is not kept.get(name))
        return PointDirectory((bus, bus.points) for bus in started).keys()

    def share(self, site: "SiteFile") -> None:
        """Share and record the buses as the site file says; call it directly after ``follow``."""
        self.recorder.follow(site.recording)
        units = {
            name: frozenset(device.unit for device in site.devices.values() if device.bus == name)
            for name in self._members
        }
        self.shares.follow(site.shares, [(one.wire, one.bus) for one in self._members.values()], units)

    def _start(self, wire: BusSpec) -> RunningBus:
        line: Line
        try:
            line, drivers = self._make_drivers(wire)
        except Exception as error:  # noqa: BLE001 - a driver of a third party may raise anything
            # Its bus is down; everything else runs on.
            self._log.exception("bus.unusable", bus=wire.name)
            line, drivers = _UnusableLine(error), {}
        for name, driver in drivers.items():
            self.memory.restore_driver(name, driver, self._clock.utc_ms(), synced=self._clock.is_synced())
        infos = {point: info for driver in drivers.values() for point, info in driver.points.items()}
        safe = find_release_values([wire], infos)
        bus = Bus(
            wire.name,
            line,
            drivers,
            self._clock,
            self._deliver,
            self._log,
            counts=self.write_counts,
            safe=safe,
            tell=self._tell,
            moment=self.moment,
            fallbacks=self.fallbacks,
            listener=self.write_listener,
        )
        work = supervise(f"bus {wire.name}", bus.run, self._clock, partial(self._note_failure, bus))
        return RunningBus(wire, bus, self._group.create_task(work, name=f"bus {wire.name}"))

    def _make_drivers(self, wire: BusSpec) -> tuple[Line, dict[str, Driver]]:
        line = load_factory(wire.section.kind).line(wire.name, wire.section, self._clock)
        return line, {
            spec.name: load_factory(wire.section.kind, profile.protocol).driver(
                line, spec, profile, self._clock
            )
            for spec, profile in wire.devices
        }

    async def _stop_bus(self, member: RunningBus, successor: BusSpec | None) -> None:
        """Stop a bus; first write the release values of devices that leave it or change."""
        await _stop_polling([member])
        stays = successor is not None and _find_endpoint(successor) == _find_endpoint(member.wire)
        staying = successor.devices if successor is not None and stays else ()
        gone = [spec.name for spec, profile in member.wire.devices if (spec, profile) not in staying]
        for failure in await member.bus.release(gone):
            self._log.warning("release.failed", bus=member.wire.name, why=failure)
        await member.bus.close()

    def _note_failure(self, bus: Bus, failure: Failure) -> None:
        bus.mark_down(f"{'parked: ' * failure.parked}{type(failure.error).__name__}: {failure.error}")
        log_failure(self._log, failure)

    def post(self, commands: Iterable[Command], now_ns: int) -> None:
        """Put each command into the mailbox of its bus; drop a command for an unknown point."""
        for command in commands:
            bus = self.points.find_holder(command.point)
            if bus is not None:
                bus.post(command, now_ns)

    def give_back(self, points: Sequence[str]) -> None:
        """Give points back to the control of their own devices, once and at once."""
        for bus in self.buses:
            bus.give_back(points)

    def report(self, now_ns: int) -> list[Readings]:
        """Return the own points of each bus and its devices."""
        self.recorder.drop_old()
        return [bus.report(now_ns) for bus in self.buses]

    def silent(self) -> set[str]:
        """Return owners whose devices are all silent or on a parked bus: they get DDEATH."""
        known: set[str] = set()
        heard: set[str] = set()
        for member in self._members.values():
            for health in member.bus.devices.values():
                known |= health.owners
                if not health.silent and not member.task.done():
                    heard |= health.owners
        return known - heard

    def make_release_table(self) -> list[release.BusRelease]:
        """Make the encoded release values of all outputs for ``release.json``; reachable devices first."""
        return [
            release.BusRelease(
                member.wire.name,
                member.wire.section.model_dump(mode="json"),
                [
                    write
                    for health in member.bus.devices.list_reachable_first()
                    for write in health.driver.releases()
                ],
                _find_values_left(member.bus),
            )
            for member in self._members.values()
        ]

    def find_reachability(self) -> list[tuple[bool, object]]:
        """Return for each device whether it is reachable and what limits it holds.

        If this changes, the release table may change.  A driver has the limits as ``standing`` if its release
        values depend on them.
        """
        healths = (health for bus in self.buses for health in bus.devices.values())
        return [(health.reachable, getattr(health.driver, "standing", None)) for health in healths]

    async def leave(self) -> list[str]:
        """Stop polling and write every release value, on all buses at once; return the failures as text."""
        self.shares.close()
        await _stop_polling(list(self._members.values()))
        failures = await asyncio.gather(*(self._release_bus(member) for member in self._members.values()))
        return [failure for of_bus in failures for failure in of_bus]

    @staticmethod
    async def _release_bus(member: RunningBus) -> list[str]:
        try:
            return await member.bus.release(list(member.bus.devices))
        finally:
            await member.bus.close()


def _find_values_left(bus: Bus) -> dict[str, float | None]:
    """Find the values that points keep after release: a limit below its release value is not raised."""
    found = dict(bus.safe)
    for point, value in bus.safe.items():
        last = bus.mailbox.outcomes.get(point)
        if value is not None and bus.points[point].on_release == "cap" and last and last.verdict == "done":
            found[point] = min(value, last.command.value)
    return found


def _find_endpoint(wire: BusSpec) -> tuple[str, ...]:
    """Return what two sections of the same wire have in common: whatever else changed, the devices stay."""
    kind = wire.section.kind
    return kind, *load_bus_protocol(kind).find_endpoint(wire.section)


async def _stop_polling(members: Sequence[RunningBus]) -> None:
    """Stop polling after the running exchange if it ends soon, else in the middle of it.

    An answer that nobody waited for may still arrive: a serial device may not be polled again until it can no
    longer come.
    """
    if not members:
        return
    for member in members:
        member.bus.halt()
    tasks = [member.task for member in members]
    busy = [member.task for member in members if member.bus.online]
    if busy:
        await asyncio.wait(busy, timeout=STOP_TIMEOUT_S)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


class ReleaseFile:
    """The release file that was last written, and whether it is still there unchanged.

    A full disk is no reason to stop control: it is logged once, and the write is tried again.  A file that
    somebody deleted or changed is written again too.
    """

    def __init__(self, runtime_dir: Path, log: Any) -> None:
        self._runtime_dir = runtime_dir
        self._log = log
        self._table: list[release.BusRelease] = []
        self._stamps: list[object] = []
        self._fault = ""
        self._reached: list[tuple[bool, object]] = []

    @property
    def fault(self) -> str:
        """The reason that the file cannot be written now; empty if it can."""
        return self._fault

    def follow(self, fleet: BusManager) -> None:
        """Write the file again if devices came or went, or if the limits in them changed."""
        if fleet.find_reachability() != self._reached:
            self.keep(fleet)

    def keep(self, fleet: BusManager) -> None:
        """Write the file if the table changed, or if somebody removed or changed the file."""
        self._reached = fleet.find_reachability()
        table = fleet.make_release_table()
        if table == self._table and release.find_stamps(self._runtime_dir) == self._stamps:
            return
        try:
            release.save_release(self._runtime_dir, table)
            self._stamps = release.find_stamps(self._runtime_dir)
        except OSError as error:
            if not self._fault:
                self._log.error("release.not_kept", folder=str(self._runtime_dir), why=str(error))
            self._fault = str(error)
        else:
            self._table, self._fault = table, ""
