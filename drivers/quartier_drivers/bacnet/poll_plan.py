"""Plan the reads of a device: pack points into requests, choose the next one, handle refusals."""

from collections.abc import Iterable, Mapping, Sequence

from quartier_drivers.bacnet.codec.answers import PreparedRead, ReadAnswer
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused
from quartier_drivers.bacnet.network.peer import BacnetDevice
from quartier_drivers.bacnet.network.property_reads import (
    estimate_size,
    find_answer_size,
    pack_refs,
    split_refs,
)
from quartier_drivers.bacnet.read_jobs import PRESENT_VALUE_ID, PointMeaning, ReadJob, make_flags_ref
from quartier_drivers.contract import Clock, PointInfo
from quartier_drivers.readings import NO_READINGS, Quality, Reading, Readings, Value, make_readings
from quartier_native.bacnet import Ref

_S = 1_000_000_000
# Refused points are retried, rarely.
_AGAIN_S = 600
_ZERO: Mapping[str, Value] = {"float": 0.0, "int": 0, "bool": False, "text": ""}


class PollPlan:
    """The reads of one device.

    ``points`` describe its points; ``phase_ns`` is the offset of its reads from whole multiples of a period.
    """

    def __init__(
        self,
        peer: BacnetDevice,
        points: Mapping[str, PointInfo],
        clock: Clock,
        phase_ns: int,
        *,
        status_flags: bool,
    ) -> None:
        self._peer = peer
        self._points = points
        self._clock = clock
        self._phase_ns = phase_ns
        self._status_flags = status_flags
        self._meanings: Sequence[PointMeaning] = ()
        self._jobs: list[ReadJob] = []
        self._refused: dict[str, int] = {}  # point -> when it is asked for again
        self._absent_refs: set[Ref] = set()  # status flags that the device does not have
        self._urgent: set[str] = set()

    @property
    def requests_count(self) -> int:
        """Return the number of requests that read everything once."""
        return len(self._jobs)

    @property
    def last_values(self) -> dict[str, Value]:
        """The last good values."""
        return {name: value for job in self._jobs for name, value in job.columns.last_values.items()}

    @property
    def points_to_read(self) -> list[PointMeaning]:
        """The points to read: all but the write-only and the refused ones."""
        return [
            one
            for one in self._meanings
            if one.name not in self._refused and self._points[one.name].read_back
        ]

    @property
    def due_ns(self) -> int | None:
        """Return when the next read is due; None if nothing is read."""
        if self._urgent and self._jobs:
            return self._clock.now_ns()
        dues = [job.due_ns for job in self._jobs] + list(self._refused.values())
        return min(dues, default=None)

    def begin(self, meanings: Sequence[PointMeaning]) -> None:
        """Read these points from now on, also those that were refused before; due at once."""
        self._meanings = tuple(meanings)
        self._refused.clear()
        self._absent_refs.clear()
        self._plan(self.last_values)

    def end(self) -> None:
        """Stop all reads."""
        self._jobs.clear()
        self._refused.clear()
        self._urgent.clear()

    def read_back(self, name: str, settle_s: float) -> None:
        """Make the read-back of a written point due: at once, or ``settle_s`` later.

        ``settle_s`` is how long the device may still show the old value.
        """
        if not settle_s:
            self._urgent.add(name)
            return
        due_ns = self._clock.now_ns() + int(settle_s * _S)
        for job in self._jobs:
            if name in job.names:
                job.due_ns = min(job.due_ns, due_ns)

    def next(self, now_ns: int) -> ReadJob | None:
        """Return the most urgent read that is due; None if there is none."""
        if self._refused and min(self._refused.values()) <= now_ns:
            self._refused.clear()
            self._plan(self.last_values)
        if self._urgent:
            urgent = next((job for job in self._jobs if not self._urgent.isdisjoint(job.names)), None)
            if urgent is not None:
                return urgent
            self._urgent.clear()
        soonest = min(self._jobs, key=lambda job: job.due_ns, default=None)
        return soonest if soonest is not None and soonest.due_ns <= now_ns else None

    def reschedule(self, job: ReadJob, now_ns: int) -> int:
        """Move a read to the next moment of its grid; return how many moments have passed unused.

        After an early read-back the grid stays.
        """
        self._urgent.difference_update(job.names)
        return 0 if job.due_ns > now_ns else job.move_on(now_ns, self._phase_ns)

    def late(self, job: ReadJob) -> None:
        """Keep the read-backs of a read that failed."""
        self._urgent.update(name for name in job.names if self._points[name].writable)

    def catch_up(self) -> None:
        """Begin the grids of overdue reads anew: the device answers again."""
        now_ns = self._clock.now_ns()
        for job in self._jobs:
            job.due_ns = max(job.due_ns, now_ns)

    def _plan(self, known: Mapping[str, Value]) -> None:
        classes: dict[float, list[PointMeaning]] = {}
        for one in self.points_to_read:
            classes.setdefault(self._points[one.name].period_s, []).append(one)
        self._jobs = []
        now_ns, bears = self._clock.now_ns(), self._peer.capabilities
        for period_s, own in classes.items():
            packs = pack_refs(
                list(dict.fromkeys(one.ref for one in own)),
                request_max=bears.apdu_max,
                answer_max=self._peer.answer_max,
                size_of=self._size,
                refs_max=bears.properties_max if bears.multiple else 1,
            )
            for pack in packs:
                self._enlist(own, pack, period_s, now_ns, known)

    def _size(self, ref: Ref) -> int:
        """Return the estimated octets of a value and of the status flags that are read with it."""
        return estimate_size(ref) + sum(
            find_answer_size(one, estimate_size(one)) for one in self._flags((ref,))
        )

    def _flags(self, refs: Iterable[Ref]) -> list[Ref]:
        """Return the status flags to be read together with present values."""
        if not (self._status_flags and self._peer.capabilities.multiple):
            return []
        found = [make_flags_ref(ref) for ref in refs if ref.property_id == PRESENT_VALUE_ID]
        return [ref for ref in found if ref not in self._absent_refs]

    def _enlist(
        self,
        meanings: Sequence[PointMeaning],
        pack: Sequence[Ref],
        period_s: float,
        due_ns: int,
        known: Mapping[str, Value],
    ) -> None:
        refs = tuple(dict.fromkeys(one for ref in pack for one in (ref, *self._flags((ref,)))))
        own = [one for one in meanings if one.ref in pack]
        read = PreparedRead(refs, self._peer.route, answer_max=self._peer.answer_max)
        self._jobs.append(ReadJob(own, read, period_s, due_ns, known))

    def handle_refusal(self, job: ReadJob, denied: DeviceRefused) -> Readings:
        """Ask for less, or in another way, or not at all, after the device refused a whole request.

        Return the readings that result from it.
        """
        now_ns = self._clock.now_ns()
        if denied.is_passing:
            return job.columns.make_bad_readings(str(denied), now_ns)
        if denied.is_no_service and job.read.is_multiple:
            self._peer.capabilities.multiple = False
            self._plan(self.last_values)
            return NO_READINGS
        known, meanings = job.columns.last_values, job.columns.meanings
        values = list(dict.fromkeys(one.ref for one in meanings))
        if len(job.refs) == 1:
            return self._refuse(job, str(denied), known)
        self._jobs.remove(job)
        if len(values) == 1:  # its status flags were too much
            self._absent_refs |= set(job.refs) - set(values)
        for pack in split_refs(values):
            self._enlist(meanings, pack, job.period_ns / _S, now_ns, known)
        return NO_READINGS

    def note_missing_properties(self, job: ReadJob, answer: ReadAnswer) -> None:
        """Retry properties that the device does not have rarely; no longer read such status flags."""
        gone = set()
        for place, ref in enumerate(job.refs):
            denial = answer.denial(place)
            if denial is not None and denial.is_gone:
                gone.add(ref)
        if not gone:
            return
        self._absent_refs |= gone
        again_ns = self._clock.now_ns() + _AGAIN_S * _S
        self._refused |= {one.name: again_ns for one in job.columns.meanings if one.ref in gone}
        self._plan(self.last_values)

    def _refuse(self, job: ReadJob, why: str, known: Mapping[str, Value]) -> Readings:
        self._jobs.remove(job)
        now_ns = self._clock.now_ns()
        names = job.names
        self._refused |= dict.fromkeys(names, now_ns + _AGAIN_S * _S)
        rows = (
            Reading(name, known.get(name, _ZERO[self._points[name].kind]), Quality.BAD, now_ns, why)
            for name in names
        )
        return make_readings(rows, now_ns)
