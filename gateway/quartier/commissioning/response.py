"""How late and how fast an asset follows, from the edges of a trace (pure).

Model: nothing for ``delay_s``, then a straight way at ``ramp_w_per_s`` to the new level, as a setpoint that
is limited in its slope shows; a first-order lag is taken by the slope nearest to it.  Each edge is brought
to 0 … 1 between its own two levels, all are laid over each other, and delay and duration are searched on a
grid for the least mean absolute error (as in gain.py, so that one spoilt edge does not count).  Where another
meter told the duration, only the delay is searched, over all edges at once.

With the duration known each edge has a delay of its own: the middle of all those that fit it equally well,
for the change fell somewhere between two samples.  The median of them is told, with the error of a median,
1.2533 * 1.4826 * MAD / sqrt(n), not below that of the samples' spacing, period / sqrt(12 n).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf, sqrt
from statistics import median

from quartier.commissioning.gain import MAD_TO_SIGMA
from quartier.commissioning.trace import Edge, Series

LATEST_SHARE = 1 / 3
"""The last part of a hold: where the new level is taken from."""


@dataclass(frozen=True, slots=True)
class Response:
    """``delay_s`` until it moves; ``ramp_w_per_s`` None: faster than the samples tell (``at_least_w_per_s``).

    ``delays_s`` holds each edge's own, by the second it was commanded at.
    """

    delay_s: float
    delay_error_s: float
    ramp_w_per_s: float | None
    at_least_w_per_s: float
    delays_s: dict[float, float] = field(default_factory=dict)

    def settled_s(self, change_w: float) -> float:
        """How long after a command of this change all has happened, s."""
        ramp = self.ramp_w_per_s or self.at_least_w_per_s
        return self.delay_s + abs(change_w) / ramp + 2 * self.delay_error_s


@dataclass(frozen=True, slots=True)
class _Course:
    """One edge laid between 0 and 1: seconds since the command, and where the power stood.

    A search asks for its misfit thousands of times, so that what does not depend on the model is worked out
    once: ``unmoved`` holds, for each number of first samples, the sum of their distances from 0, and
    ``from_end`` each sample's distance from 1.
    """

    edge: Edge
    after_s: Sequence[float]
    places: Sequence[float]
    unmoved: Sequence[float]
    from_end: Sequence[float]


def found(
    edges: Sequence[Edge], series: Series, gain: float, duration_s: float | None = None
) -> Response | None:
    """The response of a meter that saw about ``gain`` of each change; None where no edge shows it.

    ``duration_s``: how long the whole change takes, where another meter told it.
    """
    courses = list(_courses(edges, series, gain))
    if not courses:
        return None
    period_s = series.period_s
    longest_s = max(max(course.after_s) for course in courses)
    is_own = duration_s is None
    if duration_s is None:
        _, duration_s = _searched(courses, period_s, longest_s)
    most = max(abs(course.edge.change_w) for course in courses)
    delays_s = {
        c.edge.at_s: _own_delay(c, duration_s * abs(c.edge.change_w) / most, period_s, longest_s)
        for c in courses
    }
    delay_s = median(delays_s.values()) if is_own else _shared_delay(courses, duration_s, period_s, longest_s)
    spread_s = MAD_TO_SIGMA * median(abs(one - delay_s) for one in delays_s.values())
    count = sqrt(len(delays_s))
    error_s = max(1.2533 * spread_s, period_s / sqrt(12)) / count
    change_w = max(abs(course.edge.change_w * gain) for course in courses)
    is_seen = duration_s > 1.5 * period_s
    ramp = change_w / duration_s if is_seen else None
    return Response(delay_s, error_s, ramp, change_w / max(duration_s, period_s), delays_s)


def _courses(edges: Sequence[Edge], series: Series, gain: float) -> Iterator[_Course]:
    for edge in edges:
        latest_s = edge.until_s - LATEST_SHARE * (edge.until_s - edge.at_s)
        before = series.within(edge.at_s - max(2.0, 2.5 * series.period_s), edge.at_s + 1e-9)
        after = series.within(latest_s, edge.until_s)
        if not before or not after:
            continue
        low, high = median(before), median(after)
        expected = edge.change_w * gain
        if not 0.6 <= (high - low) / expected <= 1.6:
            continue  # something else moved as well, or it has not got there
        part = series.part(edge.at_s - 2.5 * series.period_s, edge.until_s)
        places = [min(max((value - low) / (high - low), -1.0), 2.0) for value in part.values]
        yield _Course(
            edge,
            [at_s - edge.at_s for at_s in part.times_s],
            places,
            list(accumulate(map(abs, places), initial=0.0)),
            [abs(place - 1.0) for place in places],
        )


def _searched(courses: Sequence[_Course], period_s: float, longest_s: float) -> tuple[float, float]:
    """Delay and duration of the least error, coarsely and then finely."""
    most = max(abs(course.edge.change_w) for course in courses)
    step_s = max(longest_s / 24, 0.05)
    best = (inf, 0.0, 0.0)
    delays = [place * step_s for place in range(25)]
    durations = [0.0, *(place * step_s for place in range(1, 25))]
    for _ in range(4):
        for delay_s in delays:
            for duration_s in durations:
                cost = sum(_misfit(c, delay_s, duration_s * abs(c.edge.change_w) / most) for c in courses)
                best = min(best, (cost, delay_s, duration_s))
        step_s /= 3
        if step_s < period_s / 20:
            break
        delays = [max(0.0, best[1] + place * step_s) for place in range(-3, 4)]
        durations = [max(0.0, best[2] + place * step_s) for place in range(-3, 4)]
    return best[1], best[2]


def _own_delay(course: _Course, duration_s: float, period_s: float, longest_s: float) -> float:
    """The middle of the delays that fit this edge equally well."""
    step_s = max(period_s / 10, longest_s / 400)
    costs = [
        (_misfit(course, at * step_s, duration_s), at * step_s) for at in range(int(longest_s / step_s) + 1)
    ]
    least = min(cost for cost, _ in costs)
    good = [delay_s for cost, delay_s in costs if cost <= least + 1e-6]
    return (good[0] + good[-1]) / 2


def _shared_delay(courses: Sequence[_Course], duration_s: float, period_s: float, longest_s: float) -> float:
    """The middle of the delays that fit all edges best: a noisy meter tells it only by all of them."""
    most = max(abs(course.edge.change_w) for course in courses)
    step_s = max(period_s / 10, longest_s / 200)
    costs = []
    for place in range(int(longest_s / step_s) + 1):
        delay_s = place * step_s
        cost = sum(
            abs(c.edge.change_w) * _misfit(c, delay_s, duration_s * abs(c.edge.change_w) / most)
            for c in courses
        )
        costs.append((cost, delay_s))
    least = min(cost for cost, _ in costs)
    good = [delay_s for cost, delay_s in costs if cost <= least * (1 + 1e-9) + 1e-6]
    return (good[0] + good[-1]) / 2


def _misfit(course: _Course, delay_s: float, duration_s: float) -> float:
    """The mean absolute error of one edge."""
    at = bisect_right(course.after_s, delay_s)
    total = course.unmoved[at]
    while at < len(course.places) and (way := course.after_s[at] - delay_s) < duration_s:
        total += abs(course.places[at] - way / duration_s)
        at += 1
    return sum(course.from_end[at:], total) / len(course.places)
