"""What the district is told of its commands once it is on disk: who is killed afterwards still knows it.

Control follows a command at once and waits for nothing; only the word about it waits, for the task that keeps
what control knows.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from quartier.control.orders.running_commands import COMMAND_TYPE
from quartier.control.requests import Ack, InstructionStatus
from quartier.house.now import Now

# Of the 5 s in which ACCEPTED is owed: where the disk refuses, or hangs, it is said all the same.
PATIENCE_S = 2.0
# Of real time: a fast clock gives a disk no less than this.
PATIENCE_FLOOR_S = 1.0


class Pledges:
    """Answers to commands in their order, held back from an ACCEPTED on; ``say`` passes one on.

    ``rung`` is set while something waits that nobody has begun to keep.
    """

    def __init__(self, say: Callable[[Ack], None], rate: float = 1.0) -> None:
        self.rung = asyncio.Event()
        self.count = 0
        """How many were ever held back: to be read before what is kept is gathered."""
        self._say = say
        self._patience_ns = int(max(PATIENCE_S, PATIENCE_FLOOR_S * rate) * 1e9)
        self._held: deque[tuple[Ack, int]] = deque()

    def answer(self, acks: Iterable[Ack], now: Now) -> None:
        """Say them; of commands, what was accepted and all that follows it only once it is kept."""
        for ack in acks:
            if ack.type == COMMAND_TYPE and (self._held or ack.status == InstructionStatus.ACCEPTED):
                self._held.append((ack, now.ns + self._patience_ns))
                self.count += 1
                self.rung.set()
            else:
                self._say(ack)

    def kept(self, count: int) -> None:
        """All that was held back when ``count`` was read is on disk."""
        while self._held and self.count - len(self._held) < count:
            self._say(self._held.popleft()[0])

    def look(self, now: Now) -> None:
        """Say what has waited too long: its sender is owed an answer whatever the disk does."""
        while self._held and now.ns >= self._held[0][1]:
            self._say(self._held.popleft()[0])
