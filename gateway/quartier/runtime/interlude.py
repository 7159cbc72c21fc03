"""What goes in between while a device is opened: that takes seconds on a slow line, an order may not."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from quartier.runtime.health import Health
from quartier_drivers.abilities import Patient


class Interlude:
    """Lets others write, and read what is due, between two exchanges of an opening.

    ``opening`` is who is being opened: nothing else may be asked of it meanwhile.
    """

    def __init__(
        self,
        devices: Sequence[Health],
        wrote: Callable[[], Awaitable[bool]],
        read: Callable[[Health], Awaitable[None]],
        now_ns: Callable[[], int],
    ) -> None:
        self.opening: Health | None = None
        self._devices = devices
        self._wrote = wrote
        self._read = read
        self._now_ns = now_ns
        for health in devices:
            if isinstance(health.driver, Patient):
                health.driver.on_pause(partial(self.turn, health))

    async def turn(self, health: Health) -> None:
        """All writes that wait, then the most overdue read.  Raises LinkLost."""
        if self.opening is not None:  # one that is opened in somebody's interlude has none of its own
            return
        self.opening = health
        try:
            while await self._wrote():
                pass
            others = (one for one in self._devices if one is not health and one.reachable)
            first = min(others, key=lambda one: one.due_ns, default=None)
            if first is not None and first.due_ns <= self._now_ns():
                await self._read(first)
        finally:
            self.opening = None
