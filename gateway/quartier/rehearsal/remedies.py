"""What can be done where a bus has more to do than it has time for.  Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from quartier.rehearsal.work import Task, use, weary

COMFORT = 0.8
"""A remedy leaves a fifth of the time to orders, repeated requests and silent devices."""
PERIODS_S = (
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
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
Tasks = Sequence[Task]


def remedies(tasks: Tasks, baud: int | None, at_baud: Callable[[int], Tasks]) -> Iterator[str]:
    """Each by itself would do; ``baud`` None: the bus has none.  ``at_baud`` says what another one makes."""
    period_s = longer_s(tasks)
    if period_s is not None:
        yield f"a period of {period_s:g} s ({_pct(_at_least(tasks, period_s))})"
    if baud is not None:
        faster = [(one, at_baud(one)) for one in BAUDS if one > baud]
        fitting = next(((one, then) for one, then in faster if _is_fine(then)), None)
        if fitting is not None:
            yield f"{fitting[0]} baud, at every device too ({_pct(fitting[1])})"
    moved = movable(tasks)
    if moved:
        left = [task for task in tasks if task.device not in moved]
        yield f"move {_listed(moved)} to another bus ({_pct(left)})"


def longer_s(tasks: Tasks) -> float | None:
    """The shortest usual period that is fine, where nothing is asked more often; None: none is."""
    return next((one for one in PERIODS_S if _is_fine(_at_least(tasks, one))), None)


def movable(tasks: Tasks) -> tuple[str, ...]:
    """The fewest devices without which the bus is fine, and that are fine on one of their own; or none."""
    shares: dict[str, float] = {}
    for task in tasks:
        shares[task.device] = shares.get(task.device, 0.0) + use([task])
    left, moved = list(tasks), list[str]()
    for name in sorted(shares, key=shares.__getitem__, reverse=True):
        if _is_fine(left):
            break
        moved.append(name)
        left = [task for task in left if task.device != name]
    theirs = [task for task in tasks if task.device in moved]
    return (
        tuple(name for name in shares if name in moved)
        if left and _is_fine(left) and _is_fine(theirs)
        else ()
    )


def _at_least(tasks: Tasks, period_s: float) -> list[Task]:
    return [replace(task, period_s=max(task.period_s, period_s)) for task in tasks]


def _is_fine(tasks: Tasks) -> bool:
    return use(tasks) <= COMFORT and not weary(tasks)


def _pct(tasks: Tasks) -> str:
    return f"{100 * use(tasks):.0f} %"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
