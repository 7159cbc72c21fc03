"""Whose turn it is on a bus: the most overdue device, found without asking all of them."""

import heapq
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Member(Protocol):
    """Somebody who is due at a time, ns of any monotonic clock."""

    @property
    def due_ns(self) -> int:
        """When its turn is."""
        ...

    @property
    def reachable(self) -> bool:
        """Whether it answers, so that a turn of it costs no time-out."""
        ...


M = TypeVar("M", bound=Member)
# Writes go before reads; who waits longer than this because of them has a turn between two.
STARVED_NS = 2_000_000_000
_SPARE = 16


class Rota(Generic[M]):
    """Keeps when each member was due when last asked; only who seems to be next is asked again.

    By itself a member's time may only move on (its line rests after an exchange).  Whoever does something
    with a member that could bring its turn forward says so with ``changed``, or ``served`` where that was its
    turn: of those that are due at the same time the one comes first whose turn was longest ago.
    """

    def __init__(self, members: Sequence[M]) -> None:
        self._members = members
        self._places = {id(member): place for place, member in enumerate(members)}
        self._dues = [member.due_ns for member in members]
        # While a line rests all who wait are due when it ends: without these the first always won.
        self._turns = [0] * len(members)
        self._count = 0
        # What a member said before stays in the heap until it comes to its head, which it may never do.
        self._most = 2 * len(members) + _SPARE
        self._heap: list[tuple[int, int, int]] = []
        self._begin()

    def first(self) -> tuple[int, M] | None:
        """Who is due first, and when; None where there is nobody."""
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

    def starved(self, now_ns: int) -> M | None:
        """Who answers and was passed over longest, for more than ``STARVED_NS``; None where nobody was."""
        before_ns = now_ns - STARVED_NS
        waiting = [member for member in self._members if member.reachable and member.due_ns < before_ns]
        return min(waiting, key=lambda member: member.due_ns, default=None)

    def changed(self, member: M) -> None:
        """Its turn may have come nearer."""
        place = self._places[id(member)]
        due_ns = member.due_ns
        if due_ns != self._dues[place]:
            self._tell(place, due_ns)

    def served(self, member: M) -> None:
        """It had its turn."""
        place = self._places[id(member)]
        self._count += 1
        self._turns[place] = self._count
        self._tell(place, member.due_ns)

    def _tell(self, place: int, due_ns: int) -> None:
        self._dues[place] = due_ns
        heapq.heappush(self._heap, (due_ns, self._turns[place], place))
        if len(self._heap) > self._most:
            self._begin()

    def _begin(self) -> None:
        self._heap = [
            (due_ns, turn, place)
            for place, (due_ns, turn) in enumerate(zip(self._dues, self._turns, strict=True))
        ]
        heapq.heapify(self._heap)
