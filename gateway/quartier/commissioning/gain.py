"""How much of each commanded change a meter saw, in a house that is never still (pure).

Method.  Each edge gives one difference: the median of what was read once the change had settled less the
median of what was read before it.  A kettle that is switched spoils one or two of the differences and no
more.  Over the edges the gain g and the drift v of the house (W/s) are those of

    sum |y_i - g * x_i - v * T_i|  ->  min          x_i commanded, y_i seen, T_i between the windows' middles

the regression of least absolute deviations, which wrong differences do not pull.  Its minimum goes through
as many points as it has unknowns (Barrodale and Roberts, SIAM J. Numer. Anal. 10 (1973) 839), so for a
handful of edges every pair is tried: exact, and the same on every machine.  Its standard error is
sqrt(pi/2) * s / sqrt(sum x_i^2) (Bassett and Koenker, JASA 73 (1978) 618, for normal errors), with s from
the median absolute residual (times 1.4826), not below what windows and the meter's own step leave open.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, pi, sqrt
from statistics import median

from quartier.commissioning.trace import Edge, Series

MAD_TO_SIGMA = 1.4826
WINDOW_MAX_S, WINDOW_MIN_S = 20.0, 2.0
STEP_SHARE_MAX = 0.2
DRIFT_FROM_COUNT = 6
"""Below so many edges a drift cannot be told from noise: it is taken as none, as the edges go up and down."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One edge as a meter saw it: ``asked_w`` commanded, ``seen_w`` measured, ``apart_s`` between windows."""

    edge: Edge
    asked_w: float
    seen_w: float
    apart_s: float
    error_w: float


@dataclass(frozen=True, slots=True)
class Gain:
    """Seen over commanded with its standard error; ``edges_count`` is on how many edges it rests.

    ``sigma_w`` is how far one difference lay from it, ``drift_w_per_s`` how the house went on meanwhile.
    """

    value: float = 0.0
    error: float = inf
    edges_count: int = 0
    sigma_w: float = inf
    drift_w_per_s: float = 0.0

    def is_sure(self, times: float = 3.0) -> bool:
        """Whether it is different from nothing by so many standard errors."""
        return self.edges_count > 0 and abs(self.value) > times * self.error


def differences(edges: Sequence[Edge], series: Series, settled: Callable[[Edge], float]) -> list[Difference]:
    """One for each edge with samples on both sides; ``settled`` says how many s after it all has happened."""
    found = []
    for edge, before in zip(edges, (None, *edges), strict=False):
        from_s = edge.since_s if before is None else edge.since_s + settled(before)
        early = series.part(_recent(from_s, edge.at_s), edge.at_s + 1e-9)
        late = series.part(edge.at_s + settled(edge), edge.until_s)
        if not len(early) or not len(late):
            continue
        early_w, late_w = median(early.values), median(late.values)
        error_w = sqrt(_error(early.values, early_w) ** 2 + _error(late.values, late_w) ** 2)
        apart_s = median(late.times_s) - median(early.times_s)
        found.append(Difference(edge, edge.change_w, late_w - early_w, apart_s, error_w))
    return found


def _recent(from_s: float, to_s: float) -> float:
    """A window that is long is not used whole: the house of a minute ago is another one."""
    return max(from_s, to_s - WINDOW_MAX_S) if to_s > from_s else to_s - WINDOW_MIN_S


def _error(values: Sequence[float], middle: float) -> float:
    spread = MAD_TO_SIGMA * median(abs(value - middle) for value in values)
    return sqrt(pi / 2) * spread / sqrt(len(values))


def fitted(found: Sequence[Difference], step_w: float = 0.0) -> Gain:
    """The gain over ``found``; ``step_w`` is how finely the meter tells."""
    if not found:
        return Gain()
    drifts = len(found) >= DRIFT_FROM_COUNT
    gain, drift = min(_candidates(found, drifts=drifts), key=lambda line: _cost(found, *line))
    left = sorted(abs(one.seen_w - gain * one.asked_w - drift * one.apart_s) for one in found)
    free = left[1 + drifts :]  # the line goes through the others
    sigma_w = MAD_TO_SIGMA * median(free) if free else 0.0
    # Where only a few values were ever told, they are levels and not the meter's steps.
    step_w = min(step_w, STEP_SHARE_MAX * median(abs(one.asked_w) for one in found))
    open_w = max(median(one.error_w for one in found), step_w / sqrt(6))
    sigma_w = max(sigma_w, open_w)
    whole = sqrt(sum(one.asked_w**2 for one in found))
    return Gain(gain, sqrt(pi / 2) * sigma_w / whole, len(found), sigma_w, drift)


def _candidates(found: Sequence[Difference], *, drifts: bool) -> Iterator[tuple[float, float]]:
    yield from ((one.seen_w / one.asked_w, 0.0) for one in found)
    if not drifts:
        return
    for one, other in combinations(found, 2):
        whole = one.asked_w * other.apart_s - other.asked_w * one.apart_s
        if abs(whole) > 1e-9:
            gain = (one.seen_w * other.apart_s - other.seen_w * one.apart_s) / whole
            yield gain, (one.asked_w * other.seen_w - other.asked_w * one.seen_w) / whole


def _cost(found: Sequence[Difference], gain: float, drift: float) -> float:
    return sum(abs(one.seen_w - gain * one.asked_w - drift * one.apart_s) for one in found)
