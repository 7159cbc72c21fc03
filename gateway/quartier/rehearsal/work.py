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
    room_s: float
    """The same of the device that is asked most, its rests included, where that is less."""

    @property
    def use_pct(self) -> float:
        """Of the bus's time."""
        return 100.0 * self.work_s / self.period_s


@dataclass(frozen=True, slots=True)
class Load:
    """What a bus has to do.  ``cycle_s`` is how long it takes to ask everything once, in one go.

    ``use_pct`` is of the bus's time.  ``busiest`` is the device with the largest share of its own time,
    its rests included: ``busiest_pct``.
    """

    cycle_s: float
    use_pct: float
    classes: tuple[ScanClass, ...]
    busiest: str = ""
    busiest_pct: float = 0.0

    @property
    def taken_pct(self) -> float:
        """What is taken of the time of the bus, or of its busiest device with its rests: the larger."""
        return max(self.use_pct, self.busiest_pct)

    @property
    def short(self) -> ScanClass | None:
        """The fastest class that cannot have its time."""
        return next((one for one in self.classes if one.slack_s < 0), None)


def load(tasks: Sequence[Task]) -> Load:
    """What these make of a bus."""
    classes = []
    used, shares = 0.0, dict.fromkeys(_devices(tasks), 0.0)
    for period_s, own in groupby(sorted(tasks, key=attrgetter("period_s")), key=attrgetter("period_s")):
        asked = list(own)
        work_s = sum(task.takes_s for task in asked)
        used += work_s / period_s
        for task in asked:
            shares[task.device] += (task.takes_s + task.rests_s) / period_s
        slack_s, room_s = (period_s * (1.0 - share) for share in (used, max(used, *shares.values())))
        classes.append(ScanClass(period_s, len(asked), work_s, slack_s, room_s))
    busiest = max(shares, key=shares.__getitem__, default="")
    return Load(cycle_s(tasks), 100.0 * used, tuple(classes), busiest, 100.0 * shares.get(busiest, 0.0))


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
