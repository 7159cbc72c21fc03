"""Tracks which setpoints of a device were written with its timer, and whether the timer still runs."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from quartier_drivers.modbus.frame import Request
from quartier_drivers.modbus.served import Served


class Timed:
    """Keeps them by name until they are relinquished, or the device is opened anew.

    ``is_urgent`` returns whether something else waits for the bus.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.is_urgent: Callable[[], bool] = lambda: False
        self._now_ns = now_ns
        self._written_ns: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._written_ns

    async def write(
        self, one: Served, requests: Sequence[Request], send: Callable[[Request], Awaitable[None]]
    ) -> None:
        """Make the writes of ``orders.setpoint`` in order.

        A timer that comes last is not restarted if something is urgent: a device that needs a pause after
        each write would keep it waiting.
        """
        *others, last = requests
        for request in others:
            await send(request)
        if others and self.runs(one) and _is_timer(one, last) and self.is_urgent():
            return
        await send(last)
        self.wrote(one.name)

    def wrote(self, name: str) -> None:
        """Note that the device accepted a setpoint, and its timer with it."""
        self._written_ns[name] = self._now_ns()

    def runs(self, one: Served) -> bool:
        """Return whether at least half of its time is left; it is computed, not read."""
        fallback = one.point.write.fallback if one.point.write else None
        if fallback is None or fallback.after_s is None or one.name not in self._written_ns:
            return False
        return self._now_ns() - self._written_ns[one.name] <= fallback.after_s / 2 * 1e9

    def drop(self, names: Collection[str] = ()) -> None:
        """Forget these setpoints, or all if empty: after a release it is unknown what runs."""
        for name in names or list(self._written_ns):
            self._written_ns.pop(name, None)


def _is_timer(one: Served, request: Request) -> bool:
    fallback = one.point.write.fallback if one.point.write else None
    place = fallback.address if fallback else None
    return place is not None and place.number == request.address
