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
    with a member that could bring its turn forward says so with ``changed``.
    """

    def __init__(self, members: Sequence[M]) -> None:
        self._members = members
        self._places = {id(member): place for place, member in enumerate(members)}
        self._dues = [member.due_ns for member in members]
        # What a member said before stays in the heap until it comes to its head, which it may never do.
        self._most = 2 * len(members) + _SPARE
        self._heap: list[tuple[int, int]] = []
        self._begin()

    def first(self) -> tuple[int, M] | None:
        """Who is due first, the earlier member among equals, and when; None where there is nobody."""
        heap, dues = self._heap, self._dues
        while heap:
            known_ns, place = heap[0]
            if known_ns != dues[place]:
                heapq.heappop(heap)  # it was told anew since
                continue
            member = self._members[place]
            due_ns = member.due_ns
            if due_ns != known_ns:
                dues[place] = due_ns
                heapq.heapreplace(heap, (due_ns, place))
            if heap[0] == (due_ns, place):
                return due_ns, member
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
            self._dues[place] = due_ns
            heapq.heappush(self._heap, (due_ns, place))
            if len(self._heap) > self._most:
                self._begin()

    def _begin(self) -> None:
        self._heap = [(due_ns, place) for place, due_ns in enumerate(self._dues)]
        heapq.heapify(self._heap)
