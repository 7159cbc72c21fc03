"""The driver of a Modbus device: plans the reads of its profile, reads, writes and relinquishes.

States of the device:

- *Aside* (``_aside``): not asked since ``open``, silent, or repeatedly reported absent by a Modbus gateway.
  No request is late, and requests go one by one. An answer -> *answering*: all grids start again from now.
- *Answering*: due requests may go in one batch. NoReply, LinkLost or absence -> *aside*.

States of a request (``ReadJob``):

- *Planned* (in ``_jobs``): due at the points of its grid; missed points are skipped and counted.
- *Urgent* (a key in ``_urgent``): read back after a write, before all others.
- *Refused* (in ``_refusals``): the device refused it and it cannot be divided. Its points are BAD. It is
  tried every 10 min, within 1 min after a silence; an answer -> everything is planned anew.

Invariants:

- A request is in ``_jobs`` or in ``_refusals``, never in both; ``_next`` is the one that is due first.
- A write that needs a scale register is refused until that register was read and valid.
- The device's timer is written before the setpoint, unless it runs (spec/failsafe.md#rule-5).
- A write that was tried makes its read-back due, whatever its outcome: only a reading shows the value.
- A release writes no limit higher than one known to be in force in the device (spec/failsafe.md#rule-5).
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from quartier_drivers import register_codec
from quartier_drivers.contract import ArmedFallback, Clock, Command, DeviceSpec, PointInfo, do_nothing
from quartier_drivers.device_profile.loading import RegisterProfile as Profile
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.modbus import write_requests
from quartier_drivers.modbus.arming import FallbackArming, SingleRequests
from quartier_drivers.modbus.frames import Answer, Request, render_exception
from quartier_drivers.modbus.read_jobs import ReadBatch, ReadJob, list_asked_ns
from quartier_drivers.modbus.read_layout import RequestLayout, find_shared_plan, make_owners
from quartier_drivers.modbus.release_writes import run_release_steps
from quartier_drivers.modbus.request_plan import split_block
from quartier_drivers.modbus.served_points import SCALE_KEY, PointInfos, ServedPoint, ServedPoints
from quartier_drivers.modbus.wire.line import GATEWAY_EXCEPTIONS, ModbusLine
from quartier_drivers.modbus.write_requests import RunningTimers, StandingLimits
from quartier_drivers.readings import NO_READINGS, Quality, Reading, Readings, Value, make_readings

_S = 1_000_000_000
# Exceptions after which a smaller request may succeed: function, address, value.
_REFUSALS = (1, 2, 3)
_ZERO: Mapping[str, Value] = {"float": 0.0, "int": 0, "bool": False, "text": ""}
_IDLE_S = 60
# This many answers in a row that the unit is absent make a device silent; fewer concern a service of it.
_ABSENT_MAX = 3
_DUE = attrgetter("due_ns")
# A device that has just started may refuse what it serves later: refused requests are repeated, rarely, and
# sooner after a silence.
_AGAIN_S, _AGAIN_SILENT_S = 600, 60


class ModbusDriver:
    """One device on a Modbus line.  Good readings contain the raw content only if ``shows_raw``."""

    def __init__(
        self, line: ModbusLine, device: DeviceSpec, profile: Profile, clock: Clock, *, shows_raw: bool = False
    ) -> None:
        self._line, self._stats = line, line.stats
        self._device = device
        self._profile = profile
        self._clock = clock
        self._shows_raw = shows_raw
        self._shape = find_shared_plan(device, profile, line.request_cost)
        self._owners = make_owners(device)
        self._served = ServedPoints(device, profile)
        self._points = PointInfos(self._served, profile)
        self._powers: dict[tuple[int, Address], int | None] = {}
        self._acknowledged: list[Reading] = []
        self._urgent: set[str] = set()  # by their names in the shape, as the keys of jobs are
        self._jobs: list[ReadJob] = []
        self._refusals: list[ReadJob] = []
        self._next: ReadJob | None = None
        self._aside = True
        self._absent_count = 0
        self._single_requests = SingleRequests(line, device, profile.limits)
        self._standing = StandingLimits(self._writable)
        self._timed = RunningTimers(clock.now_ns)
        self._batch = ReadBatch(clock)
        self.skipped_count = 0
        """Number of reads left out because the one before was more than a period late."""
        self._start()

    @property
    def points(self) -> Mapping[str, PointInfo]:
        """Every point that this device serves, by full name."""
        return self._points

    @property
    def standing(self) -> tuple[float | None, ...]:
        """The limits in force in the device, as far as known: a release writes none that is higher."""
        return self._standing.values

    @property
    def jobs(self) -> Sequence[ReadJob]:
        """The requests that read everything once."""
        return self._jobs

    @property
    def read_points(self) -> frozenset[str]:
        """The points that requests still ask for: all but the write-only and the refused ones."""
        return frozenset(name for job in self._jobs for name in job.names)

    @property
    def due_ns(self) -> int:
        """Return when ``read`` is to be called next (monotonic ns), the device's pauses included."""
        if self._acknowledged or self._batch.results:
            return self._clock.now_ns()
        ready_ns = self._line.ready_ns
        if self._urgent and (urgent := self._urgent_job()) is not None:
            return max(self._clock.now_ns(), ready_ns(urgent.unit))
        soonest = self._next
        if soonest is None:
            return self._clock.now_ns() + _IDLE_S * _S
        if ready_ns(soonest.unit) <= soonest.due_ns:
            return soonest.due_ns
        return min(max(job.due_ns, ready_ns(job.unit)) for job in (*self._jobs, *self._refusals))

    @property
    def more(self) -> bool:
        """Return whether more readings of the last batch wait to be returned."""
        return len(self._batch.results) > 0

    def rest(self) -> Iterator[Readings]:
        """Yield the other readings of the last batch; raise NoReply or LinkLost for a failed request."""
        return self._batch.rest()

    def go_on(self, is_urgent: Callable[[], bool] | None) -> None:
        """Let ``read`` make all due requests until ``is_urgent``; ``rest`` returns their readings."""
        self._timed.is_urgent = is_urgent or self._timed.is_urgent
        if not self._profile.limits.pause_s:
            self._batch.allow(is_urgent)

    async def open(self) -> Mapping[str, str]:
        """Return the identity from the profile and from the device's identity registers.

        Also reads the scale registers that writes need, and plans again, including refused requests.
        Raises NoReply or LinkLost.
        """
        identity = {"maker": self._profile.head.maker, "model": self._profile.head.model}
        for key, source in self._profile.identity.items():
            text = await self._single_requests.read_text(source)
            if text:
                identity[key] = text
        powers: dict[tuple[int, Address], int | None] = {}
        for one in self._writable:
            place = one.point.scale_address
            if place is not None:
                answer = await self._single_requests.fetch(one.unit, place, 1)
                if not answer.exception:
                    powers[one.unit, place] = register_codec.decode_power(answer.values)
        self._timed.drop()
        self._powers = powers  # it may be another device: the other scales are read again
        self._start()
        return identity

    def know(self, powers: Mapping[tuple[int, Address], int | None]) -> None:
        """Take over scale registers that were read already, so that no point waits for its own."""
        self._powers = dict(powers)
        self._start()

    async def read(self) -> Readings:
        """Make at most one request, the most overdue of the plan; empty if none is due.

        Raises NoReply or LinkLost.
        """
        if self._acknowledged:
            news, self._acknowledged = self._acknowledged, []
            return make_readings(news, self._clock.now_ns())
        if self._batch.results:
            return self._batch.next()
        job = (self._urgent and self._urgent_job()) or self._next
        now_ns = self._clock.now_ns()
        if job is None or (job.due_ns > now_ns and not self._urgent & job.keys):
            return NO_READINGS
        if job in self._refusals:
            await self._ask_again(job, now_ns)
            return NO_READINGS
        if not self._urgent and not self._aside and len(due := self._batch.due(self._jobs, now_ns)) > 1:
            await self._read_together(due, now_ns)
            self._set_next()
            return self._batch.next()
        self._begin((job,), (now_ns,))
        self._set_next()
        answer = await self._ask(job)
        self._urgent -= job.keys
        now_ns = self._clock.now_ns()
        return (
            self._make_failure_readings(job, answer)
            if answer.exception
            else self._make_readings(job, answer.data, now_ns)
        )

    async def write(self, command: Command) -> None:
        """Write one point, after its timer in the device unless that runs; the read-back becomes due at once.

        Raises Refused (by the device or its profile), NoReply or LinkLost (outcome unknown) or Expired.
        """
        one = self._served.get(command.point)
        if one is None or one.point.write is None:
            raise Refused(f"{command.point} cannot be written")
        power = self._power(one)
        if power is None:
            raise Refused(f"{command.point}: its scale register has not been read")
        try:
            limits = self._profile.limits
            requests = write_requests.make_setpoint(
                one, command.value, power, limits, is_timed=self._timed.runs(one)
            )
        except ValueError as error:
            raise Refused(f"{command.point}: {error}") from error
        try:
            send = partial(self._single_requests.send, one.name, expires_ns=command.expires_ns)
            await self._timed.write(one, requests, send)
            self._standing.note_order(one.name, command.value)
        finally:
            if one.point.write.confirm == "read":
                self._read_back(one.name)
        if one.point.write.confirm == "none":
            self._acknowledge(one, command.value)

    async def release(self, points: Collection[str] = ()) -> None:
        """Relinquish points (empty: all) to the device's own control, as ``on_release`` says.

        Goes on after a failed write, unless the bus is lost twice in a row; raises the first failure.
        """
        self._timed.drop(points)
        await run_release_steps(
            self._leaving([one for one in self._writable if not points or one.name in points])
        )

    def _leaving(self, writable: Sequence[ServedPoint]) -> Iterator[Callable[[], Awaitable[None]]]:
        for one in writable:
            if one.name in self._standing:
                yield partial(self._standing.look, one, self._power(one), self._single_requests.fetch)
            yield from (
                partial(self._single_requests.send, one.name, request)
                for request in self._make_release_requests(one)
            )

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """Return the writes of ``release``, wire-encoded and JSON-ready, for ``ProtocolFactory.replay``."""
        return [
            write_requests.dump_write(one.name, request)
            for one in self._writable
            for request in self._make_release_requests(one)
        ]

    def _make_release_requests(self, one: ServedPoint) -> list[Request]:
        cap = self._standing.least(one.name, self._device.caps.get(one.name))
        return write_requests.make_release(one, cap, self._power(one), self._profile.limits)

    async def arm(
        self,
        points: Collection[str] = (),
        *,
        writes: bool,
        between: Callable[[], Awaitable[None]] = do_nothing,
    ) -> Sequence[ArmedFallback]:
        """Return the state of the fallbacks in the device; with ``writes`` they are written first."""
        arming = FallbackArming(
            self._single_requests.fetch, self._single_requests.send, self._profile.limits, between
        )
        wanted = [one for one in self._writable if not points or one.name in points]
        found = [await arming.arm(one, writes=writes, runs=one.name in self._timed) for one in wanted]
        return [armed for armed in found if armed is not None]

    async def close(self) -> None:
        """Forget the device; the line stays open for the others."""
        self._jobs.clear()
        self._refusals.clear()
        self._next = None
        self._urgent.clear()
        self._acknowledged.clear()
        self._batch.results.clear()

    def _start(self) -> None:
        self._refusals.clear()
        self._enlist(self._shape.sheets, self._last_values)
        self._aside = True

    def _enlist(self, sheets: Sequence[RequestLayout], known: Mapping[str, Value]) -> None:
        now_ns = self._clock.now_ns()
        self._jobs = [
            ReadJob(sheet, self._owners, now_ns, self._powers, known, shows_raw=self._shows_raw)
            for sheet in sheets
        ]
        self._set_next()

    @property
    def _writable(self) -> list[ServedPoint]:
        return [self._served[self._owners.name(key)] for key in self._shape.writable]

    @property
    def _last_values(self) -> dict[str, Value]:
        return {name: value for job in self._jobs for name, value in job.last_values.items()}

    def _set_next(self) -> None:
        jobs = (*self._jobs, *self._refusals) if self._refusals else self._jobs
        self._next = min(jobs, key=_DUE, default=None)

    def _urgent_job(self) -> ReadJob | None:
        return next((job for job in self._jobs if self._urgent & job.keys), None)

    def _begin(self, jobs: Sequence[ReadJob], asked_ns: Sequence[int]) -> None:
        """Move the jobs to the next points of their grids; points that have passed are skipped and counted.

        They are not counted while the device is silent or was not asked yet, or the bus was lost: then nobody
        is late.
        """
        for job, now_ns in zip(jobs, asked_ns, strict=False):
            if job.due_ns > now_ns:  # read back early: the grid stays
                continue
            skipped = job.move_on(now_ns, self._device.phase_ns)
            if skipped and not self._aside and job.connects_count == self._stats["connects_count"]:
                self.skipped_count += skipped
                self._line.count("skipped_count", skipped)

    async def _read_together(self, jobs: Sequence[ReadJob], now_ns: int) -> None:
        """Make the requests of several jobs; the batch returns their readings, and then what ended it."""
        sequence, results = self._batch.prepare(jobs), self._batch.results
        failure: NoReply | LinkLost | None = None
        try:
            await self._line.make(sequence)
        except (NoReply, LinkLost) as error:
            failure = error
        finally:
            self._begin(jobs, list_asked_ns(sequence, now_ns))
        for job, data, taken_ns in zip(jobs, sequence.answers, sequence.taken_ns, strict=False):
            results.append(self._make_readings(job, data, taken_ns))
        if sequence.refusal is not None:
            try:
                results.append(self._make_failure_readings(jobs[len(sequence.answers)], sequence.refusal))
            except NoReply as absent:
                results.append(absent)
        if failure is not None:
            results.append(failure)
            self._note_failure(failure)

    async def _ask(self, job: ReadJob) -> Answer:
        try:
            answer = await self._single_requests.ask(job.request)
        except (NoReply, LinkLost) as error:
            self._note_failure(error)
            raise
        self._single_requests.is_silent = False
        if self._aside:
            # The other jobs have waited: their grids start again from now.
            self._aside = False
            now_ns = self._clock.now_ns()
            for other in self._jobs:
                other.due_ns = max(other.due_ns, now_ns)
            for refused in self._refusals:  # it may have restarted
                refused.due_ns = min(refused.due_ns, now_ns + _AGAIN_SILENT_S * _S)
            self._set_next()
        return answer

    def _note_failure(self, error: NoReply | LinkLost) -> None:
        self._aside = True
        self._single_requests.is_silent = isinstance(error, NoReply)

    async def _ask_again(self, job: ReadJob, now_ns: int) -> None:
        """Try a refused request; if it is served now, everything is planned anew, as after ``open``."""
        job.due_ns = now_ns + _AGAIN_S * _S
        self._set_next()
        answer = await self._ask(job)
        self._urgent -= job.keys
        if not answer.exception:
            self._start()

    def _make_failure_readings(self, job: ReadJob, answer: Answer) -> Readings:
        job.connects_count = self._stats["connects_count"]
        self._check_absence(answer)
        if answer.exception in _REFUSALS:
            return self._narrow_request(job)
        return job.make_bad_readings(render_exception(answer), self._clock.now_ns())

    def _check_absence(self, answer: Answer) -> None:
        """Handle the answer of a Modbus gateway that our device is absent: the same as silence."""
        self._absent_count = self._absent_count + 1 if answer.exception in GATEWAY_EXCEPTIONS else 0
        if self._absent_count >= min(_ABSENT_MAX, len(self._jobs) or 1):
            self._aside = True
            raise NoReply(f"{self._device.name}: {render_exception(answer)}")

    def _narrow_request(self, job: ReadJob) -> Readings:
        """After a refusal ask for less, or give up on what cannot be divided."""
        known, now_ns = self._last_values, self._clock.now_ns()
        self._jobs.remove(job)
        smaller = split_block(job.sheet.block)
        if len(smaller) > 1:
            jobs = self._jobs
            self._enlist([RequestLayout(block, self._shape.served_points) for block in smaller], known)
            self._jobs = jobs + self._jobs
            self._set_next()
            return NO_READINGS
        job.due_ns = now_ns + _AGAIN_S * _S
        self._refusals.append(job)
        self._set_next()
        names = sorted({self._owners.name(key.removeprefix(SCALE_KEY)) for key in job.keys})
        return make_readings((self._make_refused_reading(name, known, now_ns) for name in names), now_ns)

    def _make_refused_reading(self, name: str, known: Mapping[str, Value], now_ns: int) -> Reading:
        last = known.get(name, _ZERO[self._served[name].kind])
        return Reading(name, last, Quality.BAD, now_ns, "refused")

    def _make_readings(self, job: ReadJob, data: bytes, now_ns: int) -> Readings:
        job.connects_count = self._stats["connects_count"]
        self._absent_count = 0
        if powers := job.powers(data):
            self._rescale(powers)
        return self._standing.note_readings(job.make_readings(data, now_ns))

    def _rescale(self, powers: Mapping[tuple[int, Address], int | None]) -> None:
        """Make all jobs take over the scale registers that changed."""
        if all(place in self._powers and self._powers[place] == power for place, power in powers.items()):
            return
        self._powers |= powers
        for job in self._jobs:
            job.refit(self._powers, {})

    def _power(self, one: ServedPoint) -> int | None:
        place = one.point.scale_address
        return 0 if place is None else self._powers.get((one.unit, place))

    def _read_back(self, name: str) -> None:
        """Make the read-back due at once, or after the time in which the device may show the old value."""
        settle_ns, key = int(self._profile.limits.settle_s * _S), self._owners.key(name)
        if not settle_ns:
            self._urgent.add(key)
            return
        due_ns = self._clock.now_ns() + settle_ns
        for job in self._jobs:
            if key in job.keys:
                job.settled_ns, job.due_ns = due_ns, min(job.due_ns, due_ns)
        self._set_next()

    def _acknowledge(self, one: ServedPoint, value: float) -> None:
        """Report a write-only register as acknowledged: it cannot be read back."""
        held: Value = value != 0 if one.kind == "bool" else value
        now_ns = self._clock.now_ns()
        self._acknowledged.append(Reading(one.name, held, Quality.GOOD, now_ns, "acknowledged"))
