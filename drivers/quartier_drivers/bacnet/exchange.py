"""Requests that wait for their answer: by device and invoke ID, each no longer than the bus is patient."""

import asyncio

from quartier_drivers.bacnet.address import Host
from quartier_native.bacnet import ABORT, COMPLEX_ACK, ERROR, REJECT, SEGMENT, SIMPLE_ACK, Heard

ANSWERS = frozenset((SIMPLE_ACK, COMPLEX_ACK, ERROR, REJECT, ABORT, SEGMENT))
"""What may answer a confirmed request; a segment is one that we never accept."""
REFUSALS = frozenset((ERROR, REJECT, ABORT))
INVOKE_IDS = 128
"""Ours are 0..127; the others are left to the library, which asks nobody."""

Key = tuple[Host, bytes, int]
"""Host, the network and MAC behind it (empty: itself), invoke ID."""
Answer = tuple[bytes, Heard]
"""A datagram, and what its heads say."""


class Waiters:
    """The answers that are waited for, and what came too late."""

    def __init__(self) -> None:
        self._waiting: dict[Key, asyncio.Future[Answer]] = {}
        self._next: dict[tuple[Host, bytes], int] = {}
        self.late_count = 0

    def begin(self, host: Host, source: bytes) -> tuple[int, asyncio.Future[Answer]]:
        """An invoke ID that nobody waits with for this device, and the answer to come.

        Raises BlockingIOError where all are waited with.
        """
        first = self._next.get((host, source), 0)
        for step in range(INVOKE_IDS):
            number = (first + step) % INVOKE_IDS
            if (host, source, number) not in self._waiting:
                self._next[host, source] = (number + 1) % INVOKE_IDS
                waiter = asyncio.get_running_loop().create_future()
                self._waiting[host, source, number] = waiter
                return number, waiter
        raise BlockingIOError("128 requests to one device wait for an answer")

    def end(self, host: Host, source: bytes, number: int) -> None:
        """Nobody waits any more."""
        self._waiting.pop((host, source, number), None)

    def settle(self, host: Host, source: bytes, number: int, answer: Answer) -> bool:
        """Return whether the answer is one of ours: waited for, or too late."""
        if not 0 <= number < INVOKE_IDS:
            return False
        waiter = self._waiting.get((host, source, number))
        if waiter is None or waiter.done():
            self.late_count += 1
        else:
            waiter.set_result(answer)
        return True

    def fail(self, error: Exception) -> None:
        """The network is gone: nobody needs to wait for the end of his time."""
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(error)
