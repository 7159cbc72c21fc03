"""Run the task of one bus: writes first, then the most overdue device; set silent devices aside.

States of the bus:

- *Opening*: before the line is open for the first time. Open -> *online*; LinkLost -> *lost*.
- *Online*: ``_work`` polls and writes. LinkLost -> *lost*.
- *Lost*: the line is closed. After 1 s to 60 s, or once an absent port is back -> opened again.
- *Halted*: ``run`` ends after the running exchange.

States of a device (``DeviceHealth``):

- *Unknown* (not ``known``): its next poll is ``open``. An answer -> *reachable*; a failure -> *aside*.
- *Reachable*: ``SET_ASIDE_COUNT`` exchanges in a row without an answer -> *aside*.
- *Aside*: probed, so seldom that its neighbours keep their poll rate (``device_health``). A reading ->
  *reachable*.
- *Silent* (also *aside* and *unknown*): no answer for ``SILENT_AFTER_S`` and for three polls. Its points are
  BAD (spec/failsafe.md#device-silent). ``open`` and a reading -> *reachable*.

Invariants:

- While ``run`` runs, only its task and those of ``ConcurrentExchanges`` use the line.
- Before each read it gives points back, then writes the oldest command for a reachable device. After a
  write, a device that waits too long is read.
- A device with a write of unknown outcome (``doubt``) is read before it is written again.
- No command is written after its expiry, nor to a device that is *aside*, *unknown* or in an exchange.
- The points of a device become BAD once per silence; while *online*, not because nobody polled it.
"""

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quartier.runtime.bus import device_health
from quartier.runtime.bus.concurrency import ConcurrentExchanges
from quartier.runtime.bus.device_health import PROBE_PAUSE_S, BusReport, DeviceHealth
from quartier.runtime.bus.fallback_monitor import BusHalted, FallbackMonitor, KnownFallbacks
from quartier.runtime.bus.mailbox import NO_WRITE_LISTENER, Mailbox, WriteListener
from quartier.runtime.bus.point_directory import PointDirectory
from quartier.runtime.bus.poll_schedule import BatchPlace, PollBatch, PollSchedule
from quartier.runtime.bus.relinquish import RelinquishQueue, leave_devices
from quartier.runtime.bus.write_budget import WriteBudget, WriteCounts
from quartier.runtime.bus.writer import Writer
from quartier.runtime.clock import SiteClock
from quartier_drivers.abilities import (
    ClientRequests,
    IdentityKeeper,
    NoteSource,
    PausingDriver,
    PluggableLine,
)
from quartier_drivers.contract import Command, Driver, Line, Note
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.readings import Readings

if TYPE_CHECKING:
    from quartier_drivers.abilities import ClientRequests

SET_ASIDE_COUNT = 3
REOPEN_PAUSE_S = (1.0, 60.0)
REOPEN_FOR_ORDER_S = 5.0
"""A lost bus with a waiting order is reopened this soon: its device may be back, at full power."""


SILENT_AFTER_S, SILENT_AFTER_POLLS = 15.0, 3.0
AGE_PERIOD_NS = 500_000_000
# A driver that is always due and never waits must not block the loop: other tasks run in between.
READS_PER_YIELD = 32
_NOT_OPENED = "not yet opened"


class Bus:
    """One wire or endpoint with its devices; only the bus talks to them.  While it polls it is in ``moment``.

    ``listener`` is informed of the outcome of each write.
    """

    def __init__(
        self,
        name: str,
        line: Line,
        drivers: Mapping[str, Driver],
        clock: SiteClock,
        deliver: Callable[[Readings], None],
        log: Any,
        counts: WriteCounts | None = None,
        safe: Mapping[str, float | None] = MappingProxyType({}),
        tell: Callable[[Note], None] = lambda _note: None,
        moment: PollBatch | None = None,
        fallbacks: KnownFallbacks | None = None,
        listener: WriteListener = NO_WRITE_LISTENER,
    ) -> None:
        self.name = name
        self.mailbox = Mailbox(listener)
        self.online = False
        self.why = _NOT_OPENED
        self._is_loss_reported, self._lost_ns = False, 0
        self._halted = False
        self.line = line
        self.recorder: IdentityKeeper | None = None
        """The recording of the line."""
        self._clock = clock
        self._deliver = deliver
        self._log = log
        now_ns = clock.now_ns()
        self.devices = {
            device: DeviceHealth(device, driver, since_good_ns=now_ns, probe_ns=now_ns)
            for device, driver in drivers.items()
        }
        self.points = PointDirectory((health, health.driver.points) for health in self.devices.values())
        self.safe = safe
        """The release values of points; None: nothing is written, or the device knows its own."""
        self._budget = WriteBudget(counts or WriteCounts(), self.points, safe)
        served = tuple(self.devices.values())
        self._listener = listener
        self._relinquish_queue = RelinquishQueue(
            served, self._budget, clock, log, self._note_failure, listener
        )
        self._fallback_monitor = FallbackMonitor(fallbacks or KnownFallbacks(), served, clock, log, tell)
        self._writer = Writer(
            self.mailbox,
            self._budget,
            self._relinquish_queue,
            self._fallback_monitor,
            clock,
            log,
            self._note_failure,
        )
        self._yield_points = YieldPoints(served, self._write_next, self._read, clock.now_ns)
        self._was_useful = False
        self._schedule = PollSchedule(served)
        self._exchanges = ConcurrentExchanges(line, self._reschedule)
        for health in served:
            health.listen(partial(self._reschedule, health))
            if health.batching_driver is not None:
                health.batching_driver.go_on(self._is_urgent)
        self._noting = [one for one in (line, *drivers.values()) if isinstance(one, NoteSource)]
        self._tell = tell
        self._age_again_ns = now_ns
        self.account = BusReport(name, line, self.devices, now_ns)
        self._batch_place = (moment or PollBatch()).make_place()
        self.gaps = IdleTime(self.mailbox, self.account, self._exchanges, self._batch_place, clock)

    async def run(self) -> None:
        """Poll and write until halted or cancelled."""
        for health in self.devices.values():
            health.since_good_ns = self._clock.now_ns()
        pause_s = REOPEN_PAUSE_S[0]
        while not self._halted:
            try:
                await self.line.open()
                self._note_online()
                await self._exchanges.through(self._work, self.line.close)
            except LinkLost as lost:
                if self._note_offline(str(lost)):
                    pause_s = REOPEN_PAUSE_S[0]
            else:
                return
            finally:
                self._batch_place.leave()
                await self.line.close()
            # Half of the pause is random, so that the buses do not all reopen at once after a restart.
            is_back = await self._wait_to_reopen(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
            pause_s = REOPEN_PAUSE_S[0] if is_back else min(2 * pause_s, REOPEN_PAUSE_S[1])

    async def _wait_to_reopen(self, seconds: float) -> bool:
        """Wait in steps, as devices become silent meanwhile; return whether an absent port came back.

        The wait ends early if the port is back or, after ``REOPEN_FOR_ORDER_S``, if an order waits.
        """
        started_ns = self._clock.now_ns()
        until_ns, wanted_ns = (started_ns + int(each_s * 1e9) for each_s in (seconds, REOPEN_FOR_ORDER_S))
        self._expire_silent_devices()
        while (left_ns := until_ns - self._clock.now_ns()) > 0:
            await self._clock.sleep(min(left_ns, AGE_PERIOD_NS) / 1e9)
            self._expire_silent_devices()
            if isinstance(self.line, PluggableLine) and self.line.is_back():
                return True
            if self.mailbox.is_waiting and self._clock.now_ns() >= wanted_ns:
                break
        return False

    async def _work(self) -> None:
        self._schedule = PollSchedule(tuple(self.devices.values()))
        reads_count = 0
        while not self._halted:
            self._exchanges.check()
            now_ns = self._clock.now_ns()
            if now_ns >= self._age_again_ns:
                self._expire_silent_devices()
            if await self._write_next():
                continue
            # Read the due time first, then the clock: a driver that returns "now" means the time of the call.
            first = self._schedule.first()
            now_ns = self._clock.now_ns()
            is_idle = first is None or first[0] > now_ns
            if (
                self._fallback_monitor.is_due(now_ns)
                if is_idle
                else self._fallback_monitor.is_overdue(now_ns)
            ):
                await self._check_fallback()
            elif first is None or is_idle:
                await self.gaps.use(None if first is None else first[0] - now_ns)
            elif self._exchanges.admits(first[1]):
                due_ns, health = first
                if not health.aside:  # a silent device is not waited for
                    self.account.late(now_ns - due_ns)
                    self._batch_place.take()
                await self._poll_device(health)
                reads_count += 1
                if reads_count % READS_PER_YIELD == 0:
                    await self._clock.sleep(0)

    async def _write_next(self) -> bool:
        """Write the oldest command for a reachable device, then read a starved one.

        Returns whether it wrote.
        """
        for one in self._relinquish_queue.ready():
            if self._exchanges.admits(one):
                await self._exchanges.run(one, partial(self._relinquish_queue.make, one), writes=True)
        command = self.mailbox.take(self._is_writable_now, self._clock.now_ns())
        if command is None:
            return False
        health = self.points.find_holder(command.point)
        assert health is not None, command.point  # only commands for reachable points were taken
        await self._exchanges.run(health, partial(self._writer.write, command, health), writes=True)
        self._schedule.update_due_time(health)
        starved = self._schedule.find_starved(self._clock.now_ns())
        if starved is not None and self._exchanges.admits(starved):
            await self._poll_device(starved)
        return True

    async def _poll_device(self, health: DeviceHealth) -> None:
        """Read a device, and wait for it or let it use a slot."""
        await self._exchanges.run(health, partial(self._read, health))
        self._schedule.note_served(health)

    async def _check_fallback(self) -> None:
        """Check one fallback; waiting writes and a due read go between its exchanges."""
        found = self._fallback_monitor.next()
        if found is None:
            return
        health, point = found
        started_ns = self._clock.now_ns()
        self._batch_place.leave()
        try:
            await self._fallback_monitor.look(health, point, self._serve_between)
        except BusHalted:
            pass
        except NoReply as silence:
            self._note_failure(health, str(silence), started_ns)
        self._schedule.update_due_time(health)

    async def _serve_between(self) -> None:
        while await self._write_next():
            pass
        first = self._schedule.first()
        if first is not None and first[0] <= self._clock.now_ns() and self._exchanges.admits(first[1]):
            await self._poll_device(first[1])
        if self._halted:
            raise BusHalted

    def _reschedule(self, health: DeviceHealth) -> None:
        """Poll a device sooner: it sent something by itself, or may be polled again."""
        self._schedule.update_due_time(health)
        self.mailbox.wake()

    def _is_urgent(self) -> bool:
        """Return whether something waits that goes before any read."""
        return self.mailbox.is_waiting or self._halted or bool(self._relinquish_queue.waiting)

    def _report_notes(self) -> None:
        """Pass on the notes of line and drivers for people."""
        for one in self._noting:
            for note in one.notes():
                log = self._log.info if note.is_good else self._log.warning
                log(note.code, bus=self.name, why=note.text, **note.data)
                self._tell(note)

    def _is_writable_now(self, point: str) -> bool:
        """Return whether a point may be written now.

        A device in doubt is read before it is written again, so that an unknown write is settled first.
        """
        one = self.points.find_holder(point)
        if one is None or one.doubt or one.held or not one.reachable:
            return False
        return one is not self._yield_points.opening and self._exchanges.has_room(one)

    async def _read(self, health: DeviceHealth) -> None:
        started_ns = self._clock.now_ns()
        try:
            if not health.known:
                health.identity = await self._open_device(health)
                health.known = True
                self._fallback_monitor.schedule_checks(health)
                if health.is_unreadable:
                    self._note_answer(health)
                return  # a device without identity was not asked at all: its first reading is the proof
            self._process_readings(health, await health.driver.read(), started_ns)
            for readings in (
                health.batching_driver.rest() if health.batching_driver else ()
            ):  # before anything is written
                self._process_readings(health, readings, started_ns)
        except NoReply as silence:
            self._note_failure(health, str(silence), started_ns)
            return
        except LinkLost as lost:
            # A device that breaks the connection whenever it is polled must not be the first to be polled
            # again.
            self._note_failure(health, str(lost), started_ns)
            raise

    async def _open_device(self, health: DeviceHealth) -> Mapping[str, str]:
        """Have a device identify itself; the exchange is kept in the recording of the line."""
        tape = self.recorder
        since = 0 if tape is None else tape.next_number
        identity = await health.driver.open()
        if tape is not None and tape is self.recorder:
            tape.keep_identity(health.name, since)
        return identity

    def _process_readings(self, health: DeviceHealth, readings: Readings, started_ns: int) -> None:
        if readings or not health.aside:
            self._note_answer(health)
        else:  # nothing was due, so this proves nothing
            health.probe_ns = max(health.driver.due_ns, started_ns + int(PROBE_PAUSE_S[0] * 1e9))
        health.doubt = False
        if readings:
            self._deliver(readings)
            self.mailbox.compare_readings(readings, self.points, self._clock.now_ns())
            self._budget.note_readings(readings)

    def _note_failure(self, health: DeviceHealth, why: str, started_ns: int) -> None:
        now_ns = self._clock.now_ns()
        health.note_failure(why)
        if health.failures_count < SET_ASIDE_COUNT and not health.aside:
            return
        if not health.aside:
            health.aside = True
            health.pause_s = PROBE_PAUSE_S[0]
            self._log.warning("device.aside", device=health.name, bus=self.name, why=why)
        others, width = self._exchanges.find_neighbours(health, self.devices.values())
        cost_s = (now_ns - started_ns) / 1e9 / width
        changed = device_health.delay_probes(health, others, now_ns, cost_s)
        health.pause_s = min(2 * health.pause_s, PROBE_PAUSE_S[1])
        for one in changed:
            self._schedule.update_due_time(one)

    def _note_answer(self, health: DeviceHealth) -> None:
        self._was_useful = True
        if health.aside or health.silent:
            self._log.info("device.back", device=health.name, bus=self.name)
        now_ns = self._clock.now_ns()
        hopes_count = device_health.QUICK_PROBES_COUNT if self._exchanges.is_wide else 0
        for other in device_health.probe_common_failures(health, self.devices.values(), now_ns, hopes_count):
            self._schedule.update_due_time(other)
        health.note_answer(now_ns)

    def _expire_silent_devices(self) -> None:
        """Make the points of a silent device BAD, once (spec/failsafe.md#device-silent)."""
        now_ns = self._clock.now_ns()
        self._age_again_ns = now_ns + AGE_PERIOD_NS
        self.mailbox.expire(now_ns)
        self._report_notes()
        for health in self.devices.values():
            limit_s = max(SILENT_AFTER_S, SILENT_AFTER_POLLS * health.period_s)
            if health.silent or now_ns - health.since_good_ns <= limit_s * 1e9:
                continue
            if not health.aside and (health.is_unreadable or health.driver.due_ns > now_ns + limit_s * 1e9):
                continue  # nothing is polled (all was refused): it is not silent, only useless
            if self.online and health.known and not health.failures_count:
                continue  # it was not polled: our own delay is not its silence, and control sees the age
            health.silent = True
            health.known = False  # the next one to answer may be another device: identify it
            health.aside = True
            self._log.warning(
                "device.silent", device=health.name, bus=self.name, after_s=limit_s, why=health.why
            )
            self._schedule.update_due_time(health)
            self._deliver(health.make_bad_readings(now_ns))

    def _note_online(self) -> None:
        if self._is_loss_reported:
            self._log.info("bus.back", bus=self.name)
            device_health.probe_after_reopening(self.devices.values(), self._lost_ns, self._clock.now_ns())
        self.online, self.why, self._is_loss_reported, self._was_useful = True, "", False, False
        self.account.start_period(self._clock.now_ns())

    def _note_offline(self, why: str) -> bool:
        """Note the loss, logged once; return whether the bus had been of use.

        An endpoint that accepts a connection and closes it is treated as lost, so that it is not reopened too
        often.
        """
        was, self.online, self.why = self.online and self._was_useful, False, why
        for health in self.devices.values():
            health.why = why
        if not self._is_loss_reported:
            self._log.warning("bus.lost", bus=self.name, why=why)
            self._is_loss_reported, self._lost_ns = True, self._clock.now_ns()
        return was

    def report(self, now_ns: int) -> Readings:
        """Return the own points of the bus and its devices since the last report."""
        return self.account.report(now_ns, online=self.online)

    @property
    def counts(self) -> Mapping[str, float]:
        """The line's counts since it was made: requests, retries, time-outs and others."""
        return self.line.stats

    @property
    def is_down(self) -> bool:
        """True if it is lost or could not be opened; False while it is opened for the first time."""
        return not self.online and self.why != _NOT_OPENED

    @property
    def not_relinquished(self) -> Mapping[str, str]:
        """Points that their device refused to take back, with its message."""
        return self._relinquish_queue.refused

    def post(self, command: Command, now_ns: int) -> None:
        """Put a command into the slot of its point; cancel a pending relinquish of that point."""
        self._relinquish_queue.drop(command.point)
        self.mailbox.post([command], now_ns)

    def give_back(self, points: Iterable[str]) -> None:
        """Give points back to the control of their own devices, before anything else is written.

        Commands that still wait for these points are withdrawn.
        """
        mine = {point for point in points if point in self.points}
        if mine:
            self.mailbox.withdraw(mine, self._clock.now_ns(), "given back to the device")
            self._relinquish_queue.add(mine)
            self.mailbox.wake()

    def halt(self) -> None:
        """End ``run`` after the running exchange, so that no answer is outstanding before release values."""
        self._halted = True
        self.mailbox.wake()

    async def release(self, names: Sequence[str]) -> list[str]:
        """Write the release values of these devices; continue after a failure and return all failures.

        Reachable devices come first: the time for leaving is short, and silence costs most of it.
        """
        leaving = [health for health in self.list_reachable_first() if health.name in names]
        at_once = self._exchanges.is_wide
        return await leave_devices(leaving, self._listener, self._budget, self._clock, at_once=at_once)

    def list_reachable_first(self) -> list[DeviceHealth]:
        """Return the devices, reachable ones first."""
        return sorted(self.devices.values(), key=lambda health: not health.reachable)

    async def close(self) -> None:
        """Close the line."""
        await self.line.close()


# The longest rest in s, unless the bus is woken: without anything due, and with something due.
REST_MAX_S, REST_DUE_MAX_S = 60.0, 1.0


class IdleTime:
    """The idle time of a bus; ``client_requests`` come from other masters on the line (None: no masters)."""

    def __init__(
        self,
        mailbox: Mailbox,
        account: BusReport,
        slots: ConcurrentExchanges,
        place: BatchPlace,
        clock: SiteClock,
    ) -> None:
        self.client_requests: ClientRequests | None = None
        self._mailbox = mailbox
        self._account = account
        self._exchanges = slots
        self._batch_place = place
        self._clock = clock

    async def use(self, gap_ns: int | None) -> None:
        """Use a gap in which nothing is due (None: no end).  Raises LinkLost by a request of a client."""
        if not self._exchanges.is_asking:
            self._batch_place.leave()
        rest_s = REST_MAX_S if gap_ns is None else min(gap_ns / 1e9, REST_DUE_MAX_S)
        if self.client_requests is not None:
            if await self.client_requests.serve(gap_ns):
                return
            rest_s = min(rest_s, self.client_requests.again_s)
        before_ns, share = self._clock.now_ns(), self._exchanges.free_share
        await self._mailbox.wait(rest_s / self._clock.rate)
        self._account.add_idle_time(int(share * (self._clock.now_ns() - before_ns)))


class YieldPoints:
    """Lets waiting writes and a due read go between two exchanges of an opening.

    ``opening`` is the device that is being opened: nothing else may be sent to it meanwhile.
    """

    def __init__(
        self,
        devices: Sequence[DeviceHealth],
        wrote: Callable[[], Awaitable[bool]],
        read: Callable[[DeviceHealth], Awaitable[None]],
        now_ns: Callable[[], int],
    ) -> None:
        self.opening: DeviceHealth | None = None
        self._devices = devices
        self._write_next = wrote
        self._read = read
        self._now_ns = now_ns
        for health in devices:
            if isinstance(health.driver, PausingDriver):
                health.driver.on_pause(partial(self.serve_others, health))

    async def serve_others(self, health: DeviceHealth) -> None:
        """Make all waiting writes, then the most overdue read.  Raises LinkLost."""
        if self.opening is not None:  # an opening inside another one's yield point has none itself
            return
        self.opening = health
        try:
            while await self._write_next():
                pass
            others = (one for one in self._devices if one is not health and one.reachable)
            first = min(others, key=lambda one: one.due_ns, default=None)
            if first is not None and first.due_ns <= self._now_ns():
                await self._read(first)
        finally:
            self.opening = None
