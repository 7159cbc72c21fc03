"""Several requests of one device in one go: no task is woken between two of them.

Their readings are returned one by one, in the order in which they came.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

from quartier_drivers.contract import Clock, Readings
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.frame import Answer
from quartier_drivers.modbus.go import Go
from quartier_drivers.modbus.jobs import Job
from quartier_drivers.modbus.line import Line

# Most requests in one go: other devices of the bus wait meanwhile.
MOST = 8
_DUE = attrgetter("due_ns")


class Streak:
    """The goes of one device.

    ``begin`` is called with the times at which the requests of the first jobs were sent, ``read`` decodes
    data received at a time, ``fail`` handles an exception.  ``told`` is what is still to be returned of the
    last go: its readings, and then the failure that ended it.  There are no goes until ``allow`` was called.
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        begin: Callable[[Sequence[Job], Sequence[int]], None],
        read: Callable[[Job, bytes, int], Readings],
        fail: Callable[[Job, Answer], Readings],
    ) -> None:
        self._is_urgent: Callable[[], bool] | None = None
        self._line = line
        self._clock = clock
        self._begin = begin
        self._read = read
        self._fail = fail
        self.told: deque[Readings | NoReply | LinkLost] = deque()
        self._jobs: Sequence[Job] = ()
        self._go: Go | None = None

    def allow(self, is_urgent: Callable[[], bool] | None) -> None:
        """Allow goes until ``is_urgent``; None: each request is made alone."""
        self._is_urgent, self._go = is_urgent, None

    def due(self, jobs: Sequence[Job], now_ns: int) -> list[Job]:
        """Return the due jobs, the most overdue first; empty if they may not be made in one go."""
        if self._is_urgent is None or self._is_urgent():
            return []
        return sorted([job for job in jobs if job.due_ns <= now_ns], key=_DUE)[:MOST]

    async def make(self, jobs: Sequence[Job], now_ns: int) -> NoReply | LinkLost | None:
        """Make the requests of these jobs; return the failure that ended the go, which is raised last."""
        go = self._go
        if go is None or go.refusal is not None or self._jobs != jobs:
            assert self._is_urgent is not None
            go = self._go = Go([job.request for job in jobs], self._clock.now_ns, self._is_urgent)
            self._jobs = jobs
        else:  # mostly the same are due again
            go.again()
        failure: NoReply | LinkLost | None = None
        try:
            await self._line.make(go)
        except (NoReply, LinkLost) as error:
            failure = error
        finally:
            asked_ns = [now_ns, *go.taken_ns]  # each when the one before was answered
            if go.is_over:
                asked_ns.pop()
            self._begin(jobs, asked_ns)
        self._tell(jobs, go)
        if failure is not None:
            self.told.append(failure)
        return failure

    def next(self) -> Readings:
        """Return the readings of the next request of the last go.

        Raises NoReply or LinkLost if it failed.
        """
        told = self.told.popleft()
        if isinstance(told, Readings):
            return told
        raise told

    def rest(self) -> Iterator[Readings]:
        """Yield all that is still to be returned; raises as ``next``."""
        told = self.told
        while told:
            one = told.popleft()
            if not isinstance(one, Readings):
                raise one
            yield one

    def _tell(self, jobs: Sequence[Job], go: Go) -> None:
        told, read = self.told, self._read
        for job, data, taken_ns in zip(jobs, go.answers, go.taken_ns, strict=False):
            told.append(read(job, data, taken_ns))
        if go.refusal is not None:
            try:
                told.append(self._fail(jobs[len(go.answers)], go.refusal))
            except NoReply as absent:
                told.append(absent)
