"""The buses that ask in one moment: what they bring is told once, when the last of them has its answers."""

import asyncio
from collections.abc import Callable

# Real seconds that news waits at most for buses that still ask: a slow device holds up nobody's.
PATIENCE_S = 0.001


class Moment:
    """Counts who asks.

    ``tell``, where there is somebody to tell, is called when news came and nobody asks any more, or its
    patience ends.
    """

    def __init__(self, tell: Callable[[], None] | None = None) -> None:
        self.tell = tell
        self._asking_count = 0
        self._timer: asyncio.TimerHandle | None = None

    def seat(self) -> "Seat":
        """A place for one bus."""
        return Seat(self._count)

    def _count(self, step: int) -> None:
        self._asking_count += step
        if not self._asking_count and self._timer is not None:
            self._ring()

    def news(self) -> None:
        """Something new is known."""
        if self.tell is None:
            return
        if not self._asking_count:
            self.tell()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._ring)

    def _ring(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.tell is not None:
            self.tell()


class Seat:
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
