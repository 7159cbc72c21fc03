"""How much of a bus's time its devices want: by scan class, and all in all.  Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Task:
    """A request of ``device``, made every ``period_s``.

    It takes the bus ``takes_s``; after that the device wants to be left alone for ``rests_s``.
    """

    device: str
    period_s: float
    takes_s: float
    rests_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ScanClass:
    """What is asked every ``period_s``: ``work_s`` of the bus's time each time.

    ``slack_s`` is what a period leaves when all that is asked as often or more often has had its time;
    below 0 where that is more than there is.
    """

    period_s: float
    requests_count: int
    work_s: float
    slack_s: float

    @property
    def use_pct(self) -> float:
        """Of the bus's time."""
        return 100.0 * self.work_s / self.period_s


@dataclass(frozen=True, slots=True)
class Load:
    """What a bus has to do.  ``cycle_s`` is how long it takes to ask everything once, in one go."""

    cycle_s: float
    use_pct: float
    classes: tuple[ScanClass, ...]

    @property
    def short(self) -> ScanClass | None:
        """The fastest class that cannot have its time."""
        return next((one for one in self.classes if one.slack_s < 0), None)


def load(tasks: Sequence[Task]) -> Load:
    """What these make of a bus."""
    classes = []
    used = 0.0
    for period_s, own in groupby(sorted(tasks, key=attrgetter("period_s")), key=attrgetter("period_s")):
        takes_s = [task.takes_s for task in own]
        used += sum(takes_s) / period_s
        classes.append(ScanClass(period_s, len(takes_s), sum(takes_s), period_s * (1.0 - used)))
    return Load(cycle_s(tasks), 100.0 * used, tuple(classes))


def cycle_s(tasks: Iterable[Task]) -> float:
    """Until each was made once: the bus's own time, or longer where one device wants its rests."""
    known = tuple(tasks)
    alone_s = (
        sum(task.takes_s + task.rests_s for task in known if task.device == name) for name in _devices(known)
    )
    return max([sum(task.takes_s for task in known), *alone_s])


def use(tasks: Iterable[Task]) -> float:
    """The share of a bus's time that they want; above 1: more than there is."""
    return sum(task.takes_s / task.period_s for task in tasks)


def weary(tasks: Sequence[Task]) -> dict[str, float]:
    """Devices that cannot be asked so often for their rests' sake: which share of their time that takes."""
    found = {
        name: sum((task.takes_s + task.rests_s) / task.period_s for task in tasks if task.device == name)
        for name in _devices(tasks)
    }
    return {name: share for name, share in found.items() if share > 1}


def _devices(tasks: Iterable[Task]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(task.device for task in tasks))
