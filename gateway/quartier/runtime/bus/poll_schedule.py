"""Find the most overdue device; let several buses report their readings together."""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

# Real seconds that news waits at most for buses that still ask: a slow device holds up nobody's.
BATCH_WAIT_MAX_S = 0.001


class PollBatch:
    """Counts who asks.

    ``tell``, where there is somebody to tell, is called when news came and nobody asks any more, or its
    patience ends.
    """

    def __init__(self, tell: Callable[[], None] | None = None) -> None:
        self.tell = tell
        self._asking_count = 0
        self._timer: asyncio.TimerHandle | None = None

    def make_seat(self) -> "BatchSeat":
        """A place for one bus."""
        return BatchSeat(self._change_count)

    def _change_count(self, step: int) -> None:
        self._asking_count += step
        if not self._asking_count and self._timer is not None:
            self._notify()

    def news(self) -> None:
        """Something new is known."""
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


class BatchSeat:
    """A bus's place in the moment; it counts while it is taken."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self._count = count
        self._is_taken = False

    def take(self) -> None:
        """The bus has something to ask now."""
        if not self._is_taken:
            self._is_taken = True
            self._count(1)

    def leave(self) -> None:
        """It has nothing more to ask now."""
        if self._is_taken:
            self._is_taken = False
            self._count(-1)


class Schedulable(Protocol):
    """Somebody who is due at a time, ns of any monotonic clock."""

    @property
    def due_ns(self) -> int:
        """Return when its turn is."""
        ...

    @property
    def reachable(self) -> bool:
        """Return whether it answers, so that a turn of it costs no time-out."""
        ...


MemberT = TypeVar("MemberT", bound=Schedulable)
# Writes go before reads; who waits longer than this because of them has a turn between two.
STARVATION_NS = 2_000_000_000
_HEAP_SPARE_COUNT = 16


class PollSchedule(Generic[MemberT]):
    """Keeps when each member was due when last asked; only who seems to be next is asked again.

    By itself a member's time may only move on (its line rests after an exchange).  Whoever does something
    with a member that could bring its turn forward says so with ``changed``, or ``served`` where that was its
    turn: of those that are due at the same time the one comes first whose turn was longest ago.
    """

    def __init__(self, members: Sequence[MemberT]) -> None:
        self._members = members
        self._places = {id(member): place for place, member in enumerate(members)}
        self._dues = [member.due_ns for member in members]
        # While a line rests all who wait are due when it ends: without these the first always won.
        self._turns = [0] * len(members)
        self._count = 0
        # What a member said before stays in the heap until it comes to its head, which it may never do.
        self._most = 2 * len(members) + _HEAP_SPARE_COUNT
        self._heap: list[tuple[int, int, int]] = []
        self._rebuild_heap()

    def first(self) -> tuple[int, MemberT] | None:
        """Return who is due first, and when; None where there is nobody."""
        heap, dues, turns = self._heap, self._dues, self._turns
        asked: set[int] = set()
        while heap:
            known_ns, turn, place = heap[0]
            if known_ns != dues[place] or turn != turns[place]:
                heapq.heappop(heap)  # it was told anew since
                continue
            member = self._members[place]
            if place in asked:  # now is later each time: two who say it would pass it to each other for ever
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
        """Who answers and was passed over longest, for more than ``STARVATION_NS``; None where nobody was."""
        before_ns = now_ns - STARVATION_NS
        waiting = [member for member in self._members if member.reachable and member.due_ns < before_ns]
        return min(waiting, key=lambda member: member.due_ns, default=None)

    def changed(self, member: MemberT) -> None:
        """Its turn may have come nearer."""
        place = self._places[id(member)]
        due_ns = member.due_ns
        if due_ns != self._dues[place]:
            self._set_due(place, due_ns)

    def served(self, member: MemberT) -> None:
        """It had its turn."""
        place = self._places[id(member)]
        self._count += 1
        self._turns[place] = self._count
        self._set_due(place, member.due_ns)

    def _set_due(self, place: int, due_ns: int) -> None:
        self._dues[place] = due_ns
        heapq.heappush(self._heap, (due_ns, self._turns[place], place))
        if len(self._heap) > self._most:
            self._rebuild_heap()

    def _rebuild_heap(self) -> None:
        self._heap = [
            (due_ns, turn, place)
            for place, (due_ns, turn) in enumerate(zip(self._dues, self._turns, strict=True))
        ]
        heapq.heapify(self._heap)
