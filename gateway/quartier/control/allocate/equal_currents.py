"""Share a current: raise the lowest first, until each has enough or a row is full (pure)."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

_EPSILON_W = 1e-6


@dataclass(slots=True, eq=False)
class CurrentRequest:
    """A consumer that has ``now_a`` and can use ``most_a``; ``rows`` are the W per A of each row.

    ``bound`` is the row that kept it from more; None if it has enough.
    """

    rows: Sequence[tuple[int, float]]
    now_a: float
    most_a: float
    bound: int | None = field(default=None)


def find_full_row(
    rows: Sequence[tuple[int, float]], amperes: float, left_w: Mapping[int, float]
) -> int | None:
    """Return the first row without room for this current; None if each has room."""
    return next((row for row, watts in rows if amperes * watts > left_w[row] + _EPSILON_W), None)


def subtract_current(
    rows: Sequence[tuple[int, float]], amperes: float, left_w: MutableMapping[int, float]
) -> None:
    """Subtract the current from what is left in each row."""
    for row, watts in rows:
        left_w[row] -= amperes * watts


def share_currents(draws: Sequence[CurrentRequest], left_w: MutableMapping[int, float]) -> None:
    """Raise ``now_a`` of all to one level, as far as each can use it and its rows have room.

    Max-min fairness by progressive filling (Bertsekas and Gallager, Data Networks, section 6.5.2): none could
    have more without taking it from one that has less. ``left_w`` is what is left by row, in W.
    """
    free = [draw for draw in draws if draw.now_a < draw.most_a]
    while free:
        level_a = min(draw.now_a for draw in free)
        lowest = [draw for draw in free if draw.now_a <= level_a]
        step_a = _step_a(free, lowest, level_a, left_w)
        for draw in lowest:
            draw.now_a += step_a
            subtract_current(draw.rows, step_a, left_w)
        for draw in lowest:
            draw.bound = next((row for row, _ in draw.rows if left_w[row] <= _EPSILON_W), None)
        free = [d for d in free if d.bound is None and d.now_a < d.most_a - _EPSILON_W]


def _step_a(
    free: Sequence[CurrentRequest],
    lowest: Sequence[CurrentRequest],
    level_a: float,
    left_w: Mapping[int, float],
) -> float:
    """Return how far the lowest rise together, in A.

    They rise to the next level, to the most that one can use, or until a row is full.
    """
    step_a = min(draw.most_a for draw in lowest) - level_a
    step_a = min([step_a, *(draw.now_a - level_a for draw in free if draw.now_a > level_a)])
    rates: dict[int, float] = {}
    for draw in lowest:
        for row, watts in draw.rows:
            rates[row] = rates.get(row, 0.0) + watts
    return max(0.0, min([step_a, *(left_w[row] / rate for row, rate in rates.items() if rate > 0)]))
