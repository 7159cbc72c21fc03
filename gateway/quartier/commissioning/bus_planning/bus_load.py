"""Share of a bus's time that its devices need, and remedies."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

UTILISATION_MAX = 0.8
"""A remedy leaves a fifth of the time for orders, repeated requests and silent devices."""


USUAL_PERIODS_S = (
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    3.0,
    5.0,
    10.0,
    15.0,
    20.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    1800.0,
    3600.0,
)
BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


@dataclass(frozen=True, slots=True)
class PollTask:
    """A request to ``device``, made every ``period_s``.

    It occupies the bus for ``takes_s``; after that the device needs a rest of ``rests_s``.
    """

    device: str
    period_s: float
    takes_s: float
    rests_s: float = 0.0


PollTasks = Sequence[PollTask]


def list_remedies(tasks: PollTasks, baud: int | None, at_baud: Callable[[int], PollTasks]) -> Iterator[str]:
    """Yield remedies, each sufficient alone; ``baud`` None: the bus has none.

    ``at_baud`` returns the tasks at another baud rate.
    """
    period_s = find_longer_period_s(tasks)
    if period_s is not None:
        yield f"a period of {period_s:g} s ({_format_utilisation(_lengthen_periods(tasks, period_s))})"
    if baud is not None:
        faster = [(one, at_baud(one)) for one in BAUD_RATES if one > baud]
        fitting = next(((one, then) for one, then in faster if _is_feasible(then)), None)
        if fitting is not None:
            yield f"{fitting[0]} baud, at every device too ({_format_utilisation(fitting[1])})"
    moved = find_movable_devices(tasks)
    if moved:
        left = [task for task in tasks if task.device not in moved]
        yield f"move {_join_names(moved)} to another bus ({_format_utilisation(left)})"


def find_longer_period_s(tasks: PollTasks) -> float | None:
    """Return the shortest usual period that works as a minimum for all requests; None if there is none."""
    return next((one for one in USUAL_PERIODS_S if _is_feasible(_lengthen_periods(tasks, one))), None)


def find_movable_devices(tasks: PollTasks) -> tuple[str, ...]:
    """Return the fewest devices to move to another bus, so that both buses work; empty if there are none."""
    shares: dict[str, float] = {}
    for task in tasks:
        shares[task.device] = shares.get(task.device, 0.0) + find_utilisation([task])
    left, moved = list(tasks), list[str]()
    for name in sorted(shares, key=shares.__getitem__, reverse=True):
        if _is_feasible(left):
            break
        moved.append(name)
        left = [task for task in left if task.device != name]
    theirs = [task for task in tasks if task.device in moved]
    return (
        tuple(name for name in shares if name in moved)
        if left and _is_feasible(left) and _is_feasible(theirs)
        else ()
    )


def _lengthen_periods(tasks: PollTasks, period_s: float) -> list[PollTask]:
    return [replace(task, period_s=max(task.period_s, period_s)) for task in tasks]


def _is_feasible(tasks: PollTasks) -> bool:
    return find_utilisation(tasks) <= UTILISATION_MAX and not find_overloaded_devices(tasks)


def _format_utilisation(tasks: PollTasks) -> str:
    return f"{100 * find_utilisation(tasks):.0f} %"


def _join_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True, slots=True)
class ScanClass:
    """Requests made every ``period_s``; they take ``work_s`` of the bus's time each time.

    ``slack_s`` is what is left of a period after all requests of this and faster classes; below 0 if there is
    not enough time.
    """

    period_s: float
    requests_count: int
    work_s: float
    slack_s: float
    room_s: float
    """Slack of the device that is asked most, with its rests, if that is smaller."""

    @property
    def use_pct(self) -> float:
        """Return the share of the bus's time in percent."""
        return 100.0 * self.work_s / self.period_s


@dataclass(frozen=True, slots=True)
class BusLoad:
    """Load of a bus. ``cycle_s`` is the time to make every request once without pause.

    ``use_pct`` is the share of the bus's time. ``busiest`` is the device with the largest share of its own
    time, with its rests: ``busiest_pct``.
    """

    cycle_s: float
    use_pct: float
    classes: tuple[ScanClass, ...]
    busiest: str = ""
    busiest_pct: float = 0.0

    @property
    def load_pct(self) -> float:
        """Return the used share of the bus's time, or of its busiest device with its rests: the larger."""
        return max(self.use_pct, self.busiest_pct)

    @property
    def short(self) -> ScanClass | None:
        """Return the fastest class without enough time; None if all have enough."""
        return next((one for one in self.classes if one.slack_s < 0), None)


def find_bus_load(tasks: Sequence[PollTask]) -> BusLoad:
    """Return the load of a bus with these requests."""
    classes = []
    used, shares = 0.0, dict.fromkeys(_list_devices(tasks), 0.0)
    for period_s, own in groupby(sorted(tasks, key=attrgetter("period_s")), key=attrgetter("period_s")):
        asked = list(own)
        work_s = sum(task.takes_s for task in asked)
        used += work_s / period_s
        for task in asked:
            shares[task.device] += (task.takes_s + task.rests_s) / period_s
        slack_s, room_s = (period_s * (1.0 - share) for share in (used, max(used, *shares.values())))
        classes.append(ScanClass(period_s, len(asked), work_s, slack_s, room_s))
    busiest = max(shares, key=shares.__getitem__, default="")
    return BusLoad(
        find_cycle_s(tasks), 100.0 * used, tuple(classes), busiest, 100.0 * shares.get(busiest, 0.0)
    )


def find_cycle_s(tasks: Iterable[PollTask]) -> float:
    """Return the time to make each request once, or longer if the rests of one device need more, in s."""
    known = tuple(tasks)
    alone_s = (
        sum(task.takes_s + task.rests_s for task in known if task.device == name)
        for name in _list_devices(known)
    )
    return max([sum(task.takes_s for task in known), *alone_s])


def find_utilisation(tasks: Iterable[PollTask]) -> float:
    """Return the share of the bus's time that the requests need; above 1: more than there is."""
    return sum(task.takes_s / task.period_s for task in tasks)


def find_overloaded_devices(tasks: Sequence[PollTask]) -> dict[str, float]:
    """Return devices that cannot be asked so often because of their rests, with the share of their time."""
    found = {
        name: sum((task.takes_s + task.rests_s) / task.period_s for task in tasks if task.device == name)
        for name in _list_devices(tasks)
    }
    return {name: share for name, share in found.items() if share > 1}


def _list_devices(tasks: Iterable[PollTask]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(task.device for task in tasks))
