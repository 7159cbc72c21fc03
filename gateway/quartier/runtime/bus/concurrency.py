"""Poll several devices of one bus at the same time, within limits per bus and per trunk.

Most lines carry one exchange at a time, and each one is awaited.  A ``Wide`` line has slots: each device that
is polled gets a task of its own, up to a maximum on the bus and behind one trunk.  Devices that may be silent
never take the last quarter of the slots.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.supervisor import run_once
from quartier_drivers.abilities import ConcurrentLine
from quartier_drivers.contract import Line
from quartier_drivers.errors import LinkLost

# This share of the slots is reserved for devices that answer.
_RESERVED_SHARE = 0.25
_WHOLE_BUS = ""


@dataclass(frozen=True, slots=True)
class _Exchange:
    """The use of one slot."""

    health: DeviceHealth
    trunk: str
    is_doubtful: bool
    writes: bool


class ConcurrentExchanges:
    """The exchanges under way on one bus; ``freed`` is called with each device that may be polled again."""

    def __init__(self, line: Line, freed: Callable[[DeviceHealth], None]) -> None:
        self._widths = line.concurrency if isinstance(line, ConcurrentLine) else None
        self._freed = freed
        self._group: asyncio.TaskGroup | None = None
        self._exchanges: dict[asyncio.Task[bool], _Exchange] = {}
        self._taken: Counter[str] = Counter()
        self._doubted: Counter[str] = Counter()
        self._turned_away: list[DeviceHealth] = []
        self._failure: Exception | None = None

    @property
    def is_wide(self) -> bool:
        """True if devices are polled at the same time."""
        return self._widths is not None

    @property
    def is_asking(self) -> bool:
        """True while an exchange is under way with a device that is expected to answer."""
        return self._taken[_WHOLE_BUS] > self._doubted[_WHOLE_BUS]

    @property
    def free_share(self) -> float:
        """The share of the slots that is free, 0 to 1."""
        return 1.0 if self._widths is None else 1.0 - self._taken[_WHOLE_BUS] / self._widths[0]

    def has_room(self, health: DeviceHealth) -> bool:
        """Return whether a slot is free for this device, which is not polled now."""
        if self._widths is None:
            return True
        is_doubtful, trunk = _is_doubtful(health), health.find_trunk
        of_bus, of_trunk = self._widths
        if not self._has_free_slot(_WHOLE_BUS, of_bus, is_doubtful=is_doubtful):
            return False
        return not trunk or self._has_free_slot(trunk, of_trunk, is_doubtful=is_doubtful)

    def _has_free_slot(self, trunk: str, most: int, *, is_doubtful: bool) -> bool:
        if self._taken[trunk] >= most:
            return False
        return not is_doubtful or self._doubted[trunk] < max(1, int(most * (1.0 - _RESERVED_SHARE)))

    def admits(self, health: DeviceHealth) -> bool:
        """Return whether the device may be polled now; if not, hold it until another exchange ends."""
        if self.has_room(health):
            return True
        health.held = True
        self._turned_away.append(health)
        return False

    async def through(
        self, work: Callable[[], Awaitable[None]], close: Callable[[], Awaitable[None]]
    ) -> None:
        """Run ``work``, which may use the slots; no exchange is under way when it returns or raises.

        If it raises, the line is closed at once: reads are cancelled, and writes find that their outcome is
        unknown.  A line that is lost after ``work`` has ended is ignored.
        """
        if self._widths is None:
            await work()
            return
        failures: list[Exception] = []
        async with asyncio.TaskGroup() as self._group:
            if not await run_once(work, failures.append):
                self._drop_reads()
                await close()
        if failures:
            self._failure = None
            raise failures[0]
        with suppress(LinkLost):
            self.check()

    def _drop_reads(self) -> None:
        for task, exchange in self._exchanges.items():
            if not exchange.writes:
                task.cancel()

    async def run(
        self, health: DeviceHealth, exchange: Callable[[], Awaitable[None]], *, writes: bool = False
    ) -> None:
        """Run an exchange for a device, at once or in a slot of its own; ``check`` then raises its error."""
        if self._widths is None:
            await exchange()
            return
        assert self._group is not None  # slots are used only inside ``through``
        begun = _Exchange(health, health.find_trunk, _is_doubtful(health), writes)
        health.held = True
        self._change_count(begun, 1)
        task = self._group.create_task(run_once(exchange, self._note_error), name=f"device {health.name}")
        self._exchanges[task] = begun
        task.add_done_callback(self._finish)

    def _note_error(self, error: Exception) -> None:
        self._failure = self._failure or error

    def check(self) -> None:
        """Raise the first error of a slot: a lost line, or a fault of a driver."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def find_neighbours(
        self, health: DeviceHealth, devices: Iterable[DeviceHealth]
    ) -> tuple[list[DeviceHealth], int]:
        """Return the devices that lose time if this one does not answer, and how many are asked at once.

        The device itself is included.
        """
        if self._widths is None:
            return list(devices), 1
        trunk = health.find_trunk
        if not trunk:
            return [health], 1
        return [one for one in devices if one.find_trunk == trunk], self._widths[1]

    def _finish(self, task: "asyncio.Task[bool]") -> None:
        exchange = self._exchanges.pop(task)
        self._change_count(exchange, -1)
        freed, self._turned_away = [exchange.health, *self._turned_away], []
        for health in freed:
            health.held = False
        for health in freed:
            self._freed(health)

    def _change_count(self, exchange: _Exchange, step: int) -> None:
        for trunk in {_WHOLE_BUS, exchange.trunk}:
            self._taken[trunk] += step
            self._doubted[trunk] += step * exchange.is_doubtful


def _is_doubtful(health: DeviceHealth) -> bool:
    """Return whether the device may be silent."""
    return not health.reachable or health.failures_count > 0
