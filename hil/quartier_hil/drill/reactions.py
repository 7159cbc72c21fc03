"""Measure the time of a reaction, from the values before and after a loss (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

Series = Sequence[tuple[float, float]]
"""Seconds since the loss, and a value; in order, from before the loss on."""
TOLERANCE = 5.0


@dataclass(frozen=True, slots=True)
class Reaction:
    """``after_s`` None: it never came, or did not stay.  ``words`` say what was seen.

    ``is_shown`` is False if nothing had to be reduced: then a missing reaction breaks no promise.
    """

    after_s: float | None
    words: str
    is_shown: bool = True


Measure = Callable[[Series], Reaction]


def measure_settling(value: float, tolerance: float = TOLERANCE) -> Measure:
    """Return a measure: the time at which an order with another value reached ``value`` for good."""

    def measure(series: Series) -> Reaction:
        stood = _find_value_before(series)
        if stood is None or abs(stood - value) <= tolerance:
            return Reaction(None, f"no order stood there: {_format_number(stood)}", is_shown=False)
        away = [at_s for at_s, seen in series if at_s >= 0 and abs(seen - value) > tolerance]
        there = [at_s for at_s, seen in series if at_s >= 0 and at_s > max(away, default=-inf)]
        if not there:
            return Reaction(None, f"{_format_number(stood)}, and still {_format_number(series[-1][1])}")
        return Reaction(there[0], f"{_format_number(stood)} to {_format_number(value)}")

    return measure


def measure_decrease(by: float) -> Measure:
    """Return a measure: the first time at which it was at least ``by`` below its value before."""

    def measure(series: Series) -> Reaction:
        stood = _find_value_before(series)
        if stood is None:
            return Reaction(None, "nothing was seen before", is_shown=False)
        if stood < by:
            return Reaction(None, f"{_format_number(stood)} before: nothing to take back", is_shown=False)
        low = next(((at_s, seen) for at_s, seen in series if at_s >= 0 and seen <= stood - by), None)
        if low is None:
            return Reaction(None, f"{_format_number(stood)}, and never lower")
        return Reaction(low[0], f"{_format_number(stood)} to {_format_number(low[1])}")

    return measure


def measure_last_change(tolerance: float = TOLERANCE, until_s: float = inf) -> Measure:
    """Return a measure: the time of the last change before ``until_s``; 0 if it never changed."""
    return _find_last_move(lambda before, after: abs(after - before) > tolerance, until_s)


def measure_last_rise(tolerance: float = TOLERANCE, until_s: float = inf) -> Measure:
    """Return a measure: the time of the last rise before ``until_s``; 0 if it never rose."""
    return _find_last_move(lambda before, after: after - before > tolerance, until_s)


def _find_last_move(moves: Callable[[float, float], bool], until_s: float) -> Measure:
    def measure(series: Series) -> Reaction:
        stood = _find_value_before(series)
        seen = [(at_s, value) for at_s, value in series if 0 <= at_s <= until_s]
        if stood is None or not seen:
            return Reaction(None, "nothing was seen")
        last_s, here = 0.0, stood
        for at_s, value in seen:
            if moves(here, value):
                last_s, here = at_s, value
            elif value < here:
                here = value
        return Reaction(last_s, f"{_format_number(stood)}, then {_format_number(seen[-1][1])}")

    return measure


def measure_largest(series: Series) -> Reaction:
    """The largest value since the loss: a lateness in s, say."""
    seen = [value for at_s, value in series if at_s >= 0]
    return Reaction(max(seen), "at most") if seen else Reaction(None, "nothing was seen")


def _find_value_before(series: Series) -> float | None:
    before = [value for at_s, value in series if at_s < 0]
    return before[-1] if before else None


def _format_number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
