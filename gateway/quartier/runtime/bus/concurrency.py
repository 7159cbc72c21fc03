"""Ask several devices of one bus at the same time, within limits per bus and per trunk.

Most lines are asked one thing at a time, and what is begun is waited for.  A ``Wide`` one is asked by lanes:
a task for each device that is asked, so many at most on the bus and behind one trunk.  Who may be silent
never takes the last quarter of them.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.supervisor import run_once
from quartier_drivers.abilities import Wide
from quartier_drivers.contract import Line
from quartier_drivers.errors import LinkLost

# Of the lanes this share is left to those who answer.
_RESERVED_SHARE = 0.25
_WHOLE_BUS = ""


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What a lane is taken for."""

    health: DeviceHealth
    trunk: str
    is_doubtful: bool
    writes: bool


class ConcurrentExchanges:
    """What is under way on one bus; ``freed`` hears who may be asked again."""

    def __init__(self, line: Line, freed: Callable[[DeviceHealth], None]) -> None:
        self._widths = line.lanes if isinstance(line, Wide) else None
        self._freed = freed
        self._group: asyncio.TaskGroup | None = None
        self._errands: dict[asyncio.Task[bool], _Exchange] = {}
        self._taken: Counter[str] = Counter()
        self._doubted: Counter[str] = Counter()
        self._turned_away: list[DeviceHealth] = []
        self._failure: Exception | None = None

    @property
    def is_wide(self) -> bool:
        """Return whether devices are asked at the same time."""
        return self._widths is not None

    @property
    def is_asking(self) -> bool:
        """Return whether somebody is asked from whom an answer is expected."""
        return self._taken[_WHOLE_BUS] > self._doubted[_WHOLE_BUS]

    @property
    def free_share(self) -> float:
        """Return how much of the bus is not asked anything, 0 to 1."""
        return 1.0 if self._widths is None else 1.0 - self._taken[_WHOLE_BUS] / self._widths[0]

    def has_room(self, health: DeviceHealth) -> bool:
        """Return whether there is a lane for this device, which is not asked now."""
        if self._widths is None:
            return True
        is_doubtful, trunk = _is_doubtful(health), health.find_trunk
        of_bus, of_trunk = self._widths
        if not self._has_free_lane(_WHOLE_BUS, of_bus, is_doubtful=is_doubtful):
            return False
        return not trunk or self._has_free_lane(trunk, of_trunk, is_doubtful=is_doubtful)

    def _has_free_lane(self, trunk: str, most: int, *, is_doubtful: bool) -> bool:
        if self._taken[trunk] >= most:
            return False
        return not is_doubtful or self._doubted[trunk] < max(1, int(most * (1.0 - _RESERVED_SHARE)))

    def admits(self, health: DeviceHealth) -> bool:
        """Return whether it may be asked now; who may not is held until somebody else has his answer."""
        if self.has_room(health):
            return True
        health.held = True
        self._turned_away.append(health)
        return False

    async def through(
        self, work: Callable[[], Awaitable[None]], close: Callable[[], Awaitable[None]]
    ) -> None:
        """Do ``work``, which may use the lanes; nothing is under way when it ends, or raises.

        Where it raises the line is closed at once: what was read ends, what was written finds out that its
        fate is unknown.  A line that is lost after ``work`` has ended is nobody's any more.
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
        for task, errand in self._errands.items():
            if not errand.writes:
                task.cancel()

    async def run(
        self, health: DeviceHealth, errand: Callable[[], Awaitable[None]], *, writes: bool = False
    ) -> None:
        """Do this for a device: at once, or in a lane of its own, and then ``check`` raises what it does."""
        if self._widths is None:
            await errand()
            return
        assert self._group is not None  # lanes are used by work that goes through them
        begun = _Exchange(health, health.find_trunk, _is_doubtful(health), writes)
        health.held = True
        self._change_count(begun, 1)
        task = self._group.create_task(run_once(errand, self._note_error), name=f"device {health.name}")
        self._errands[task] = begun
        task.add_done_callback(self._finish)

    def _note_error(self, error: Exception) -> None:
        self._failure = self._failure or error

    def check(self) -> None:
        """Raise what a lane has failed with: a lost line, or a fault of a door."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def find_neighbours(
        self, health: DeviceHealth, devices: Iterable[DeviceHealth]
    ) -> tuple[list[DeviceHealth], int]:
        """Who has less time where this one is asked in vain, itself too, and how many are asked at once."""
        if self._widths is None:
            return list(devices), 1
        trunk = health.find_trunk
        if not trunk:
            return [health], 1
        return [one for one in devices if one.find_trunk == trunk], self._widths[1]

    def _finish(self, task: "asyncio.Task[bool]") -> None:
        errand = self._errands.pop(task)
        self._change_count(errand, -1)
        freed, self._turned_away = [errand.health, *self._turned_away], []
        for health in freed:
            health.held = False
        for health in freed:
            self._freed(health)

    def _change_count(self, errand: _Exchange, step: int) -> None:
        for trunk in {_WHOLE_BUS, errand.trunk}:
            self._taken[trunk] += step
            self._doubted[trunk] += step * errand.is_doubtful


def _is_doubtful(health: DeviceHealth) -> bool:
    """Return whether it may well be silent."""
    return not health.reachable or health.failures_count > 0
