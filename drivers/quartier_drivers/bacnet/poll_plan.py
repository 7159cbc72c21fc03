"""Which read of a device is due next: its points packed into requests, and what becomes of those it says no
to.
"""

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
# What was refused is asked for again, seldom.
_AGAIN_S = 600
_ZERO: Mapping[str, Value] = {"float": 0.0, "int": 0, "bool": False, "text": ""}


class PollPlan:
    """The reads of one device.  ``points`` are what is known of its points, ``phase_ns`` how far past whole
    periods.
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
        self._without: set[Ref] = set()  # status flags that the device does not have
        self._urgent: set[str] = set()

    @property
    def requests_count(self) -> int:
        """Return how many requests it takes to read everything once."""
        return len(self._jobs)

    @property
    def known(self) -> dict[str, Value]:
        """The last good values."""
        return {name: value for job in self._jobs for name, value in job.columns.known.items()}

    @property
    def wanted(self) -> list[PointMeaning]:
        """The points that are read: all but the write-only and the refused ones."""
        return [
            one
            for one in self._meanings
            if one.name not in self._refused and self._points[one.name].read_back
        ]

    @property
    def due_ns(self) -> int | None:
        """Return when the next read is due; None where nothing is read."""
        if self._urgent and self._jobs:
            return self._clock.now_ns()
        dues = [job.due_ns for job in self._jobs] + list(self._refused.values())
        return min(dues, default=None)

    def begin(self, meanings: Sequence[PointMeaning]) -> None:
        """These points from now on, with all that was refused before; due at once."""
        self._meanings = tuple(meanings)
        self._refused.clear()
        self._without.clear()
        self._plan(self.known)

    def end(self) -> None:
        """Nothing is read any more."""
        self._jobs.clear()
        self._refused.clear()
        self._urgent.clear()

    def read_back(self, name: str, settle_s: float) -> None:
        """A point was written: read it at once; where the device may show the old value for a while, after
        that.
        """
        if not settle_s:
            self._urgent.add(name)
            return
        due_ns = self._clock.now_ns() + int(settle_s * _S)
        for job in self._jobs:
            if name in job.names:
                job.due_ns = min(job.due_ns, due_ns)

    def next(self, now_ns: int) -> ReadJob | None:
        """The read that is most urgent, if one is due."""
        if self._refused and min(self._refused.values()) <= now_ns:
            self._refused.clear()
            self._plan(self.known)
        if self._urgent:
            urgent = next((job for job in self._jobs if not self._urgent.isdisjoint(job.names)), None)
            if urgent is not None:
                return urgent
            self._urgent.clear()
        soonest = min(self._jobs, key=lambda job: job.due_ns, default=None)
        return soonest if soonest is not None and soonest.due_ns <= now_ns else None

    def started(self, job: ReadJob, now_ns: int) -> int:
        """To the next point of its grid; returns how many have passed already.  Read back early, the grid
        stays.
        """
        self._urgent.difference_update(job.names)
        return 0 if job.due_ns > now_ns else job.move_on(now_ns, self._phase_ns)

    def late(self, job: ReadJob) -> None:
        """It brought nothing: what was to be read back of it still is."""
        self._urgent.update(name for name in job.names if self._points[name].writable)

    def catch_up(self) -> None:
        """The device is back: the grids of those that waited for it begin anew."""
        now_ns = self._clock.now_ns()
        for job in self._jobs:
            job.due_ns = max(job.due_ns, now_ns)

    def _plan(self, known: Mapping[str, Value]) -> None:
        classes: dict[float, list[PointMeaning]] = {}
        for one in self.wanted:
            classes.setdefault(self._points[one.name].period_s, []).append(one)
        self._jobs = []
        now_ns, bears = self._clock.now_ns(), self._peer.bears
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
        """Octets of a value, and of the status flags that are read with it."""
        return estimate_size(ref) + sum(
            find_answer_size(one, estimate_size(one)) for one in self._flags((ref,))
        )

    def _flags(self, refs: Iterable[Ref]) -> list[Ref]:
        """The status flags to be read beside present values."""
        if not (self._status_flags and self._peer.bears.multiple):
            return []
        found = [make_flags_ref(ref) for ref in refs if ref.property_id == PRESENT_VALUE_ID]
        return [ref for ref in found if ref not in self._without]

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

    def narrowed(self, job: ReadJob, denied: DeviceRefused) -> Readings:
        """After a no to the whole: less is asked for, or otherwise, or not at all; what that leaves to be
        told.
        """
        now_ns = self._clock.now_ns()
        if denied.is_passing:
            return job.columns.failed(str(denied), now_ns)
        if denied.is_no_service and job.read.is_multiple:
            self._peer.bears.multiple = False
            self._plan(self.known)
            return NO_READINGS
        known, meanings = job.columns.known, job.columns.meanings
        values = list(dict.fromkeys(one.ref for one in meanings))
        if len(job.refs) == 1:
            return self._refuse(job, str(denied), known)
        self._jobs.remove(job)
        if len(values) == 1:  # its status flags were too much
            self._without |= set(job.refs) - set(values)
        for pack in split_refs(values):
            self._enlist(meanings, pack, job.period_ns / _S, now_ns, known)
        return NO_READINGS

    def missed(self, job: ReadJob, told: ReadAnswer) -> None:
        """What the device says it does not have is asked for again seldom, status flags no more."""
        gone = set()
        for place, ref in enumerate(job.refs):
            denial = told.denial(place)
            if denial is not None and denial.is_gone:
                gone.add(ref)
        if not gone:
            return
        self._without |= gone
        again_ns = self._clock.now_ns() + _AGAIN_S * _S
        self._refused |= {one.name: again_ns for one in job.columns.meanings if one.ref in gone}
        self._plan(self.known)

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
