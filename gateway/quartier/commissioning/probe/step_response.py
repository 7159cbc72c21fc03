"""Gain, delay and ramp of an asset from its trace (pure).

Method. Each change gives one difference: the median of the readings after the change had settled minus the
median of the readings before it. A kettle that is switched spoils only one or two of the differences. Over
the changes, the gain g and the drift v of the site (W/s) are those of

    sum |y_i - g * x_i - v * T_i|  ->  min

with x_i commanded, y_i measured, and T_i between the middles of the windows: the regression of least absolute
deviations, which outliers do not pull. Its minimum goes through as many points as it has unknowns (Barrodale
and Roberts, SIAM J. Numer. Anal. 10 (1973) 839), so for a handful of changes every pair is tried: exact, and
the same on every machine. Its standard error is sqrt(pi/2) * s / sqrt(sum x_i^2) (Bassett and Koenker, JASA
73 (1978) 618, for normal errors), with s from the median absolute residual (times 1.4826), not below the
uncertainty from windows and the resolution of the meter.

Model: no change for ``delay_s``, then a straight ramp at ``ramp_w_per_s`` to the new level, as a setpoint
with limited slope shows; a first-order lag is approximated by the nearest slope. Each change is scaled to 0 …
1 between its own two levels and all are overlaid; delay and duration are searched on a grid for the least
mean absolute error (as for the gain, so that one spoilt change does not count). If another meter gave the
duration, only the delay is searched, over all changes at once.

With a known duration, each change has a delay of its own: the middle of all delays that fit it equally well,
because the change happened somewhere between two samples. The result is their median, with the error of a
median, 1.2533 * 1.4826 * MAD / sqrt(n), not below that of the sample spacing, period / sqrt(12 n).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, combinations
from math import inf, pi, sqrt
from statistics import median

from quartier.commissioning.probe.probe_trace import CommandedChange, TimeSeries

MAD_TO_SIGMA = 1.4826
WINDOW_MAX_S, WINDOW_MIN_S = 20.0, 2.0
STEP_SHARE_MAX = 0.2
DRIFT_FROM_COUNT = 6
"""With fewer changes a drift cannot be distinguished from noise.

Since the changes go up and down, the drift is then taken as zero.
"""


@dataclass(frozen=True, slots=True)
class MeterDifference:
    """One change as a meter saw it: ``commanded_w`` commanded, ``measured_w`` measured.

    ``apart_s`` is the time between the two windows.
    """

    edge: CommandedChange
    commanded_w: float
    measured_w: float
    apart_s: float
    error_w: float


@dataclass(frozen=True, slots=True)
class Gain:
    """Measured over commanded with its standard error; ``edges_count`` is the number of changes used.

    ``sigma_w`` is the scatter of one difference, ``drift_w_per_s`` the drift of the site meanwhile.
    """

    value: float = 0.0
    error: float = inf
    edges_count: int = 0
    sigma_w: float = inf
    drift_w_per_s: float = 0.0

    def is_significant(self, times: float = 3.0) -> bool:
        """Return whether it differs from zero by this many standard errors."""
        return self.edges_count > 0 and abs(self.value) > times * self.error


def find_differences(
    edges: Sequence[CommandedChange], series: TimeSeries, settled: Callable[[CommandedChange], float]
) -> list[MeterDifference]:
    """Return one difference for each change with samples on both sides.

    ``settled`` returns how many seconds after the command the change has settled.
    """
    found = []
    for edge, before in zip(edges, (None, *edges), strict=False):
        from_s = edge.since_s if before is None else edge.since_s + settled(before)
        early = series.part(_limit_window(from_s, edge.at_s), edge.at_s + 1e-9)
        late = series.part(edge.at_s + settled(edge), edge.until_s)
        if not len(early) or not len(late):
            continue
        early_w, late_w = median(early.values), median(late.values)
        error_w = sqrt(
            _find_median_error(early.values, early_w) ** 2 + _find_median_error(late.values, late_w) ** 2
        )
        apart_s = median(late.times_s) - median(early.times_s)
        found.append(MeterDifference(edge, edge.change_w, late_w - early_w, apart_s, error_w))
    return found


def _limit_window(from_s: float, to_s: float) -> float:
    """Return the start of a window, limited in length: the site of a minute ago is different."""
    return max(from_s, to_s - WINDOW_MAX_S) if to_s > from_s else to_s - WINDOW_MIN_S


def _find_median_error(values: Sequence[float], middle: float) -> float:
    spread = MAD_TO_SIGMA * median(abs(value - middle) for value in values)
    return sqrt(pi / 2) * spread / sqrt(len(values))


def fit_gain(found: Sequence[MeterDifference], step_w: float = 0.0) -> Gain:
    """Return the gain over ``found``; ``step_w`` is the resolution of the meter."""
    if not found:
        return Gain()
    drifts = len(found) >= DRIFT_FROM_COUNT
    gain, drift = min(_list_candidates(found, drifts=drifts), key=lambda line: _find_cost(found, *line))
    left = sorted(abs(one.measured_w - gain * one.commanded_w - drift * one.apart_s) for one in found)
    free = left[1 + drifts :]  # the line goes through the others
    sigma_w = MAD_TO_SIGMA * median(free) if free else 0.0
    # If there are only a few different values, they are levels and not the resolution of the meter.
    step_w = min(step_w, STEP_SHARE_MAX * median(abs(one.commanded_w) for one in found))
    open_w = max(median(one.error_w for one in found), step_w / sqrt(6))
    sigma_w = max(sigma_w, open_w)
    whole = sqrt(sum(one.commanded_w**2 for one in found))
    return Gain(gain, sqrt(pi / 2) * sigma_w / whole, len(found), sigma_w, drift)


def _list_candidates(found: Sequence[MeterDifference], *, drifts: bool) -> Iterator[tuple[float, float]]:
    yield from ((one.measured_w / one.commanded_w, 0.0) for one in found)
    if not drifts:
        return
    for one, other in combinations(found, 2):
        whole = one.commanded_w * other.apart_s - other.commanded_w * one.apart_s
        if abs(whole) > 1e-9:
            gain = (one.measured_w * other.apart_s - other.measured_w * one.apart_s) / whole
            yield gain, (one.commanded_w * other.measured_w - other.commanded_w * one.measured_w) / whole


def _find_cost(found: Sequence[MeterDifference], gain: float, drift: float) -> float:
    return sum(abs(one.measured_w - gain * one.commanded_w - drift * one.apart_s) for one in found)


SETTLED_SHARE = 1 / 3
"""Last part of a hold, from which the new level is taken."""


@dataclass(frozen=True, slots=True)
class Response:
    """``delay_s`` until it moves; ``ramp_w_per_s`` None: faster than samples show (``at_least_w_per_s``).

    ``delays_s`` holds the delay of each change, by the second of its command.
    """

    delay_s: float
    delay_error_s: float
    ramp_w_per_s: float | None
    at_least_w_per_s: float
    delays_s: dict[float, float] = field(default_factory=dict)

    def find_settling_time_s(self, change_w: float) -> float:
        """Return how long after a command of this change it has settled, in s."""
        ramp = self.ramp_w_per_s or self.at_least_w_per_s
        return self.delay_s + abs(change_w) / ramp + 2 * self.delay_error_s


@dataclass(frozen=True, slots=True)
class _NormalisedChange:
    """One change scaled to 0 … 1: seconds since the command, and the scaled power.

    A search computes its misfit thousands of times, so everything that does not depend on the model is
    computed once. ``unmoved`` holds, for each number of first samples, the sum of their distances from 0;
    ``from_end`` holds the distance of each sample from 1.
    """

    edge: CommandedChange
    after_s: Sequence[float]
    places: Sequence[float]
    unmoved: Sequence[float]
    from_end: Sequence[float]


def find_response(
    edges: Sequence[CommandedChange], series: TimeSeries, gain: float, duration_s: float | None = None
) -> Response | None:
    """Return the response of a meter that saw about ``gain`` of each change; None if no change shows it.

    ``duration_s`` is how long the whole change takes, if another meter measured it.
    """
    courses = list(_normalise_changes(edges, series, gain))
    if not courses:
        return None
    period_s = series.period_s
    longest_s = max(max(course.after_s) for course in courses)
    is_own = duration_s is None
    if duration_s is None:
        _, duration_s = _search_response(courses, period_s, longest_s)
    most = max(abs(course.edge.change_w) for course in courses)
    delays_s = {
        c.edge.at_s: _find_own_delay_s(c, duration_s * abs(c.edge.change_w) / most, period_s, longest_s)
        for c in courses
    }
    delay_s = (
        median(delays_s.values())
        if is_own
        else _find_shared_delay_s(courses, duration_s, period_s, longest_s)
    )
    spread_s = MAD_TO_SIGMA * median(abs(one - delay_s) for one in delays_s.values())
    count = sqrt(len(delays_s))
    error_s = max(1.2533 * spread_s, period_s / sqrt(12)) / count
    change_w = max(abs(course.edge.change_w * gain) for course in courses)
    is_seen = duration_s > 1.5 * period_s
    ramp = change_w / duration_s if is_seen else None
    return Response(delay_s, error_s, ramp, change_w / max(duration_s, period_s), delays_s)


def _normalise_changes(
    edges: Sequence[CommandedChange], series: TimeSeries, gain: float
) -> Iterator[_NormalisedChange]:
    for edge in edges:
        latest_s = edge.until_s - SETTLED_SHARE * (edge.until_s - edge.at_s)
        before = series.find_values(edge.at_s - max(2.0, 2.5 * series.period_s), edge.at_s + 1e-9)
        after = series.find_values(latest_s, edge.until_s)
        if not before or not after:
            continue
        low, high = median(before), median(after)
        expected = edge.change_w * gain
        if not 0.6 <= (high - low) / expected <= 1.6:
            continue  # something else moved as well, or it has not arrived
        part = series.part(edge.at_s - 2.5 * series.period_s, edge.until_s)
        places = [min(max((value - low) / (high - low), -1.0), 2.0) for value in part.values]
        yield _NormalisedChange(
            edge,
            [at_s - edge.at_s for at_s in part.times_s],
            places,
            list(accumulate(map(abs, places), initial=0.0)),
            [abs(place - 1.0) for place in places],
        )


def _search_response(
    courses: Sequence[_NormalisedChange], period_s: float, longest_s: float
) -> tuple[float, float]:
    """Return delay and duration with the least error, from a coarse and then a fine search."""
    most = max(abs(course.edge.change_w) for course in courses)
    step_s = max(longest_s / 24, 0.05)
    best = (inf, 0.0, 0.0)
    delays = [place * step_s for place in range(25)]
    durations = [0.0, *(place * step_s for place in range(1, 25))]
    for _ in range(4):
        for delay_s in delays:
            for duration_s in durations:
                cost = sum(
                    _find_misfit(c, delay_s, duration_s * abs(c.edge.change_w) / most) for c in courses
                )
                best = min(best, (cost, delay_s, duration_s))
        step_s /= 3
        if step_s < period_s / 20:
            break
        delays = [max(0.0, best[1] + place * step_s) for place in range(-3, 4)]
        durations = [max(0.0, best[2] + place * step_s) for place in range(-3, 4)]
    return best[1], best[2]


def _find_own_delay_s(
    course: _NormalisedChange, duration_s: float, period_s: float, longest_s: float
) -> float:
    """Return the middle of the delays that fit this change equally well."""
    step_s = max(period_s / 10, longest_s / 400)
    costs = [
        (_find_misfit(course, at * step_s, duration_s), at * step_s)
        for at in range(int(longest_s / step_s) + 1)
    ]
    least = min(cost for cost, _ in costs)
    good = [delay_s for cost, delay_s in costs if cost <= least + 1e-6]
    return (good[0] + good[-1]) / 2


def _find_shared_delay_s(
    courses: Sequence[_NormalisedChange], duration_s: float, period_s: float, longest_s: float
) -> float:
    """Return the middle of the delays that fit all changes best: a noisy meter needs all of them."""
    most = max(abs(course.edge.change_w) for course in courses)
    step_s = max(period_s / 10, longest_s / 200)
    costs = []
    for place in range(int(longest_s / step_s) + 1):
        delay_s = place * step_s
        cost = sum(
            abs(c.edge.change_w) * _find_misfit(c, delay_s, duration_s * abs(c.edge.change_w) / most)
            for c in courses
        )
        costs.append((cost, delay_s))
    least = min(cost for cost, _ in costs)
    good = [delay_s for cost, delay_s in costs if cost <= least * (1 + 1e-9) + 1e-6]
    return (good[0] + good[-1]) / 2


def _find_misfit(course: _NormalisedChange, delay_s: float, duration_s: float) -> float:
    """Return the mean absolute error of one change."""
    at = bisect_right(course.after_s, delay_s)
    total = course.unmoved[at]
    while at < len(course.places) and (way := course.after_s[at] - delay_s) < duration_s:
        total += abs(course.places[at] - way / duration_s)
        at += 1
    return sum(course.from_end[at:], total) / len(course.places)
