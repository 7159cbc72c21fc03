"""Devices of one bus that are asked at the same time: who answers does not wait for who is silent.

Most lines are asked one thing at a time, and what is begun is waited for.  A ``Wide`` one is asked by lanes:
a task for each device that is asked, so many at most on the bus and behind one trunk.  Who may be silent
never takes the last quarter of them.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from quartier.runtime.health import Health
from quartier.runtime.supervisor import ended_well
from quartier_drivers.abilities import Wide
from quartier_drivers.contract import Line
from quartier_drivers.errors import LinkLost

# Of the lanes this share is left to those who answer.
_KEPT_SHARE = 0.25
_BUS = ""


@dataclass(frozen=True, slots=True)
class _Errand:
    """What a lane is taken for."""

    health: Health
    trunk: str
    is_doubtful: bool
    writes: bool


class Lanes:
    """What is under way on one bus; ``freed`` hears who may be asked again."""

    def __init__(self, line: Line, freed: Callable[[Health], None]) -> None:
        self._widths = line.lanes if isinstance(line, Wide) else None
        self._freed = freed
        self._group: asyncio.TaskGroup | None = None
        self._errands: dict[asyncio.Task[bool], _Errand] = {}
        self._taken: Counter[str] = Counter()
        self._doubted: Counter[str] = Counter()
        self._turned_away: list[Health] = []
        self._failure: Exception | None = None

    @property
    def is_wide(self) -> bool:
        """Whether devices are asked at the same time."""
        return self._widths is not None

    @property
    def is_asking(self) -> bool:
        """Whether somebody is asked from whom an answer is expected."""
        return self._taken[_BUS] > self._doubted[_BUS]

    @property
    def free_share(self) -> float:
        """How much of the bus is not asked anything, 0 to 1."""
        return 1.0 if self._widths is None else 1.0 - self._taken[_BUS] / self._widths[0]

    def has_room(self, health: Health) -> bool:
        """Whether there is a lane for this device, which is not asked now."""
        if self._widths is None:
            return True
        is_doubtful, trunk = _is_doubtful(health), health.trunk
        of_bus, of_trunk = self._widths
        if not self._fits(_BUS, of_bus, is_doubtful=is_doubtful):
            return False
        return not trunk or self._fits(trunk, of_trunk, is_doubtful=is_doubtful)

    def _fits(self, trunk: str, most: int, *, is_doubtful: bool) -> bool:
        if self._taken[trunk] >= most:
            return False
        return not is_doubtful or self._doubted[trunk] < max(1, int(most * (1.0 - _KEPT_SHARE)))

    def admits(self, health: Health) -> bool:
        """Whether it may be asked now; who may not is held until somebody else has his answer."""
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
            if not await ended_well(work, failures.append):
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
        self, health: Health, errand: Callable[[], Awaitable[None]], *, writes: bool = False
    ) -> None:
        """Do this for a device: at once, or in a lane of its own, and then ``check`` raises what it does."""
        if self._widths is None:
            await errand()
            return
        assert self._group is not None  # lanes are used by work that goes through them
        begun = _Errand(health, health.trunk, _is_doubtful(health), writes)
        health.held = True
        self._count(begun, 1)
        task = self._group.create_task(ended_well(errand, self._failed), name=f"device {health.name}")
        self._errands[task] = begun
        task.add_done_callback(self._done)

    def _failed(self, error: Exception) -> None:
        self._failure = self._failure or error

    def check(self) -> None:
        """Raise what a lane has failed with: a lost line, or a fault of a door."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def neighbours(self, health: Health, devices: Iterable[Health]) -> tuple[list[Health], int]:
        """Who has less time where this one is asked in vain, itself too, and how many are asked at once."""
        if self._widths is None:
            return list(devices), 1
        trunk = health.trunk
        if not trunk:
            return [health], 1
        return [one for one in devices if one.trunk == trunk], self._widths[1]

    def _done(self, task: "asyncio.Task[bool]") -> None:
        errand = self._errands.pop(task)
        self._count(errand, -1)
        freed, self._turned_away = [errand.health, *self._turned_away], []
        for health in freed:
            health.held = False
        for health in freed:
            self._freed(health)

    def _count(self, errand: _Errand, step: int) -> None:
        for trunk in {_BUS, errand.trunk}:
            self._taken[trunk] += step
            self._doubted[trunk] += step * errand.is_doubtful


def _is_doubtful(health: Health) -> bool:
    """Whether it may well be silent."""
    return not health.reachable or health.failures_count > 0
