"""Several requests of one device in one go: between two of them no task is woken.

What each of them brought is told one by one, in the order in which it came.
"""

from collections import deque
from collections.abc import Callable, Sequence
from operator import attrgetter

from quartier_drivers.contract import Clock, Readings
from quartier_drivers.errors import LinkLost, NoReply, WireError
from quartier_drivers.modbus.frame import Answer
from quartier_drivers.modbus.jobs import Job
from quartier_drivers.modbus.line import Line, Talk

# So many requests are made in one go at most: other devices of the bus wait meanwhile.
MOST = 8
_DUE = attrgetter("due_ns")


class Streak:
    """The goes of one device.

    ``begin`` is told that a job's request goes out at a time, ``judge`` says what an answer means that came
    at a time.  Without ``is_urgent`` there are none.
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        begin: Callable[[Job, int], None],
        judge: Callable[[Job, Answer, int], Readings],
    ) -> None:
        self.is_urgent: Callable[[], bool] | None = None
        self._line = line
        self._clock = clock
        self._begin = begin
        self._judge = judge
        self._told: deque[Readings | WireError] = deque()

    @property
    def more(self) -> bool:
        """Whether something of the last go is still to be told."""
        return len(self._told) > 0

    def due(self, jobs: Sequence[Job], now_ns: int) -> list[Job]:
        """Those that are due, the most overdue first; none where they may not be made in one go."""
        if self.is_urgent is None or self.is_urgent():
            return []
        return sorted([job for job in jobs if job.due_ns <= now_ns], key=_DUE)[:MOST]

    async def make(self, jobs: Sequence[Job], now_ns: int) -> None:
        """Make the requests of these jobs; ``next`` tells of each of them."""
        heard: list[tuple[Job, Answer, int]] = []
        failure: WireError | None = None
        try:
            await self._line.converse(self._talk(jobs, now_ns, heard))
        except (NoReply, LinkLost) as error:
            failure = error
        for job, answer, taken_ns in heard:
            try:
                self._told.append(self._judge(job, answer, taken_ns))
            except NoReply as absent:
                self._told.append(absent)
        if failure is not None:
            self._told.append(failure)

    def next(self) -> Readings:
        """What the next request of the last go brought.  Raises NoReply or LinkLost where it failed."""
        told = self._told.popleft()
        if isinstance(told, WireError):
            raise told
        return told

    def clear(self) -> None:
        """Forget what is still to be told."""
        self._told.clear()

    def _talk(self, jobs: Sequence[Job], now_ns: int, heard: list[tuple[Job, Answer, int]]) -> Talk[None]:
        assert self.is_urgent is not None
        for job in jobs:  # as little as can be between an answer and the next request
            self._begin(job, now_ns)
            answer = yield job.request
            now_ns = self._clock.now_ns()
            heard.append((job, answer, now_ns))
            if answer.exception or self.is_urgent():
                return
