"""Run the task of one bus: writes first, then the most overdue device; set silent devices aside.

States of the bus:

- *Opening*: before the line is open for the first time. Open -> *online*; LinkLost -> *lost*.
- *Online*: ``_work`` polls and writes. LinkLost -> *lost*.
- *Lost*: the line is closed. After 1 s to 60 s, or once an absent port is back -> opened again.
- *Halted*: ``run`` ends after the running exchange.

The states of a device are in ``bus_devices``.

Invariants:

- While ``run`` runs, only its task and those of ``ConcurrentExchanges`` use the line.
- Before each read it gives points back, then writes the oldest command for a reachable device. After a
  write, a device that waits too long is read.
- A device with a write of unknown outcome (``doubt``) is read before it is written again.
- No command is written after its expiry, nor to a device that is *aside*, *unknown* or in an exchange.
- The points of a device become BAD once per silence; while *online*, not because nobody polled it.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from quartier.runtime.bus.bus_devices import BusDevices
from quartier.runtime.bus.concurrency import ConcurrentExchanges
from quartier.runtime.bus.device_health import NOT_OPENED, PROBE_PAUSE_S, BusReport, DeviceHealth, LineHealth
from quartier.runtime.bus.fallback_monitor import BusHalted, FallbackMonitor, KnownFallbacks
from quartier.runtime.bus.idle_time import IdleTime
from quartier.runtime.bus.mailbox import NO_WRITE_LISTENER, Mailbox, WriteListener
from quartier.runtime.bus.point_directory import PointDirectory
from quartier.runtime.bus.poll_schedule import PollBatch
from quartier.runtime.bus.relinquish import RelinquishQueue
from quartier.runtime.bus.write_budget import WriteBudget, WriteCounts
from quartier.runtime.bus.writer import Writer
from quartier.runtime.clock import SiteClock
from quartier_drivers.abilities import IdentityKeeper, NoteSource, PausingDriver, PluggableLine
from quartier_drivers.contract import Command, Driver, Line, Note
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.readings import Readings

REOPEN_PAUSE_S = (1.0, 60.0)
REOPEN_FOR_ORDER_S = 5.0
"""A lost bus with a waiting order is reopened this soon: its device may be back, at full power."""


AGE_PERIOD_NS = 500_000_000
# A driver that is always due and never waits must not block the loop: other tasks run in between.
READS_PER_YIELD = 32


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
        *,
        counts: WriteCounts | None = None,
        safe: Mapping[str, float | None] = MappingProxyType({}),
        tell: Callable[[Note], None] = lambda _note: None,
        moment: PollBatch | None = None,
        fallbacks: KnownFallbacks | None = None,
        listener: WriteListener = NO_WRITE_LISTENER,
    ) -> None:
        self.name = name
        self.mailbox = Mailbox(listener)
        self._health = LineHealth()
        self._halted = False
        self.line = line
        self.recorder: IdentityKeeper | None = None
        """The recording of the line."""
        self._clock = clock
        self._deliver = deliver
        self._log = log
        self._exchanges = ConcurrentExchanges(line, self._reschedule)
        self.devices = BusDevices(name, drivers, self._exchanges, clock, log)
        self._schedule = self.devices.schedule
        served = tuple(self.devices.values())
        self.points = PointDirectory((health, health.driver.points) for health in served)
        self.safe = safe
        """The release values of points; None: nothing is written, or the device knows its own."""
        self._budget = WriteBudget(counts or WriteCounts(), self.points, safe)
        self._relinquish_queue = RelinquishQueue(served, self._budget, clock, log, listener)
        self._fallback_monitor = FallbackMonitor(fallbacks or KnownFallbacks(), served, clock, log, tell)
        self._writer = Writer(
            self.mailbox, self._budget, self._relinquish_queue, self._fallback_monitor, clock, log
        )
        self._opening: DeviceHealth | None = None
        """The device that is being opened: nothing else may be sent to it meanwhile."""
        for health in served:
            health.listen(partial(self._reschedule, health))
            if health.batching_driver is not None:
                health.batching_driver.go_on(self._is_urgent)
            if isinstance(health.driver, PausingDriver):
                health.driver.on_pause(partial(self._serve_others, health))
        self._noting = [one for one in (line, *drivers.values()) if isinstance(one, NoteSource)]
        self._tell = tell
        self._age_again_ns = clock.now_ns()
        self.account = BusReport(name, line, self.devices, self._age_again_ns)
        self._batch_place = (moment or PollBatch()).make_place()
        self.gaps = IdleTime(self.mailbox, self.account, self._exchanges, self._batch_place, clock)

    @property
    def online(self) -> bool:
        """True while the line is open."""
        return self._health.online

    @property
    def why(self) -> str:
        """The reason that the line is not open; empty while it is."""
        return self._health.why

    async def run(self) -> None:
        """Poll and write until halted or cancelled."""
        self.devices.start()
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
        self._schedule.restart()
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
                await self._exchanges.run(one, partial(self._relinquish, one), writes=True)
        command = self.mailbox.take(self._is_writable_now, self._clock.now_ns())
        if command is None:
            return False
        health = self.points.find_holder(command.point)
        assert health is not None, command.point  # only commands for reachable points were taken
        await self._exchanges.run(health, partial(self._write, command, health), writes=True)
        self._schedule.update_due_time(health)
        starved = self._schedule.find_starved(self._clock.now_ns())
        if starved is not None and self._exchanges.admits(starved):
            await self._poll_device(starved)
        return True

    async def _write(self, command: Command, health: DeviceHealth) -> None:
        started_ns = self._clock.now_ns()
        try:
            await self._writer.write(command, health)
        except NoReply as silence:
            self.devices.note_failure(health, str(silence), started_ns)

    async def _relinquish(self, health: DeviceHealth) -> None:
        started_ns = self._clock.now_ns()
        try:
            await self._relinquish_queue.give_back(health)
        except NoReply as silence:
            self.devices.note_failure(health, str(silence), started_ns)
        except LinkLost as lost:
            self.devices.note_failure(health, str(lost), started_ns)
            raise

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
            self.devices.note_failure(health, str(silence), started_ns)
        self._schedule.update_due_time(health)

    async def _serve_between(self) -> None:
        while await self._write_next():
            pass
        first = self._schedule.first()
        if first is not None and first[0] <= self._clock.now_ns() and self._exchanges.admits(first[1]):
            await self._poll_device(first[1])
        if self._halted:
            raise BusHalted

    async def _serve_others(self, opening: DeviceHealth) -> None:
        """Make all waiting writes and the most overdue read between two exchanges of an opening.

        Raises LinkLost.
        """
        if self._opening is not None:  # an opening inside another one's pause has none itself
            return
        self._opening = opening
        try:
            while await self._write_next():
                pass
            others = (one for one in self.devices.values() if one is not opening and one.reachable)
            first = min(others, key=lambda one: one.due_ns, default=None)
            if first is not None and first.due_ns <= self._clock.now_ns():
                await self._read(first)
        finally:
            self._opening = None

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
        return one is not self._opening and self._exchanges.has_room(one)

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
            self.devices.note_failure(health, str(silence), started_ns)
            return
        except LinkLost as lost:
            # A device that breaks the connection whenever it is polled must not be the first to be polled
            # again.
            self.devices.note_failure(health, str(lost), started_ns)
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

    def _note_answer(self, health: DeviceHealth) -> None:
        self._health.was_useful = True
        self.devices.note_answer(health)

    def _expire_silent_devices(self) -> None:
        """Make the points of a silent device BAD, once."""
        now_ns = self._clock.now_ns()
        self._age_again_ns = now_ns + AGE_PERIOD_NS
        self.mailbox.expire(now_ns)
        self._report_notes()
        for health in self.devices.expire_silent(now_ns, online=self.online):
            self._deliver(health.make_bad_readings(now_ns))

    def _note_online(self) -> None:
        lost_ns = self._health.note_open()
        if lost_ns is not None:
            self._log.info("bus.back", bus=self.name)
            self.devices.note_line_back(lost_ns)
        self.account.start_period(self._clock.now_ns())

    def _note_offline(self, why: str) -> bool:
        """Note the loss, logged once; return whether the bus had been of use.

        An endpoint that accepts a connection and closes it is treated as lost, so that it is not reopened too
        often.
        """
        was_useful = self._health.online and self._health.was_useful
        self.devices.note_line_lost(why)
        if self._health.note_lost(why, self._clock.now_ns()):
            self._log.warning("bus.lost", bus=self.name, why=why)
        return was_useful

    def mark_down(self, why: str) -> None:
        """Note that the task of the bus failed: nothing polls it."""
        self._health.online, self._health.why = False, why

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
        return not self.online and self.why != NOT_OPENED

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
        leaving = [health for health in self.devices.list_reachable_first() if health.name in names]
        return await self._relinquish_queue.leave(leaving, at_once=self._exchanges.is_wide)

    async def close(self) -> None:
        """Close the line."""
        await self.line.close()
