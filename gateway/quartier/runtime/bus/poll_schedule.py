"""Find the most overdue device; let several buses report their readings together."""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

# Real seconds for which news waits at most for buses that still poll: a slow device delays nobody else.
BATCH_WAIT_MAX_S = 0.001


class PollBatch:
    """Batches the news of buses that poll at the same time.

    ``tell`` is called when there is news and no bus polls any more, or after ``BATCH_WAIT_MAX_S``.
    """

    def __init__(self, tell: Callable[[], None] | None = None) -> None:
        self.tell = tell
        self._asking_count = 0
        self._timer: asyncio.TimerHandle | None = None

    def make_place(self) -> "BatchPlace":
        """Make the place of one bus."""
        return BatchPlace(self._change_count)

    def _change_count(self, step: int) -> None:
        self._asking_count += step
        if not self._asking_count and self._timer is not None:
            self._notify()

    def note_readings(self) -> None:
        """Note that there are new readings."""
        if self.tell is None:
            return
        if not self._asking_count:
            self.tell()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_WAIT_MAX_S, self._notify)

    def _notify(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.tell is not None:
            self.tell()


class BatchPlace:
    """The place of a bus in the batch; it counts while it is taken."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self._count = count
        self._is_taken = False

    def take(self) -> None:
        """Note that the bus has something to poll now."""
        if not self._is_taken:
            self._is_taken = True
            self._count(1)

    def leave(self) -> None:
        """Note that the bus has nothing more to poll now."""
        if self._is_taken:
            self._is_taken = False
            self._count(-1)


class Schedulable(Protocol):
    """A member that is due at a time, in ns of any monotonic clock."""

    @property
    def due_ns(self) -> int:
        """The time at which it is due."""
        ...

    @property
    def reachable(self) -> bool:
        """True if it answers, so that polling it costs no time-out."""
        ...


MemberT = TypeVar("MemberT", bound=Schedulable)
# Writes go before reads; a member that waits longer than this because of them is read between two.
STARVATION_NS = 2_000_000_000
_HEAP_SPARE_COUNT = 16


class PollSchedule(Generic[MemberT]):
    """Keeps the last known due time of each member; only the member that seems to be next is queried again.

    By itself a member's due time may only become later (its line rests after an exchange).  Code that may
    make it earlier calls ``update_due_time``, or ``note_served`` if it polled the member.  Of members that
    are due at the same time, the one that was served longest ago comes first.
    """

    def __init__(self, members: Sequence[MemberT]) -> None:
        self._members = members
        self._places = {id(member): place for place, member in enumerate(members)}
        self._dues: list[int] = []
        # While a line rests, all that wait are due when the rest ends: without these the first would always
        # win.
        self._serve_numbers: list[int] = []
        self._count = 0
        # Old entries of a member stay in the heap until they reach its head, which may never happen.
        self._most = 2 * len(members) + _HEAP_SPARE_COUNT
        self._heap: list[tuple[int, int, int]] = []
        self.restart()

    def restart(self) -> None:
        """Query the due times of all members again, and forget who was served when."""
        self._dues = [member.due_ns for member in self._members]
        self._serve_numbers = [0] * len(self._members)
        self._count = 0
        self._rebuild_heap()

    def first(self) -> tuple[int, MemberT] | None:
        """Return the due time and the member that is due first; None if there are no members."""
        heap, dues, turns = self._heap, self._dues, self._serve_numbers
        asked: set[int] = set()
        while heap:
            known_ns, turn, place = heap[0]
            if known_ns != dues[place] or turn != turns[place]:
                heapq.heappop(heap)  # it was changed since
                continue
            member = self._members[place]
            if place in asked:  # "now" grows with each call: two such members would alternate for ever
                return known_ns, member
            due_ns = member.due_ns
            if due_ns != known_ns:
                dues[place] = due_ns
                heapq.heapreplace(heap, (due_ns, turn, place))
            if heap[0] == (due_ns, turn, place):
                return due_ns, member
            asked.add(place)
        return None

    def find_starved(self, now_ns: int) -> MemberT | None:
        """Return the reachable member that is overdue longest, by more than ``STARVATION_NS``; else None."""
        before_ns = now_ns - STARVATION_NS
        waiting = [member for member in self._members if member.reachable and member.due_ns < before_ns]
        return min(waiting, key=lambda member: member.due_ns, default=None)

    def update_due_time(self, member: MemberT) -> None:
        """Update a member whose due time may be earlier now."""
        place = self._places[id(member)]
        due_ns = member.due_ns
        if due_ns != self._dues[place]:
            self._set_due(place, due_ns)

    def note_served(self, member: MemberT) -> None:
        """Note that a member was served."""
        place = self._places[id(member)]
        self._count += 1
        self._serve_numbers[place] = self._count
        self._set_due(place, member.due_ns)

    def _set_due(self, place: int, due_ns: int) -> None:
        self._dues[place] = due_ns
        heapq.heappush(self._heap, (due_ns, self._serve_numbers[place], place))
        if len(self._heap) > self._most:
            self._rebuild_heap()

    def _rebuild_heap(self) -> None:
        self._heap = [
            (due_ns, turn, place)
            for place, (due_ns, turn) in enumerate(zip(self._dues, self._serve_numbers, strict=True))
        ]
        heapq.heapify(self._heap)
