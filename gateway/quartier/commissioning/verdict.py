"""From a trace to numbers with their errors: gain, delay and ramp at asset, grid and phases (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from statistics import median

from quartier.commissioning import gain, response
from quartier.commissioning.gain import Difference, Gain
from quartier.commissioning.response import Response
from quartier.commissioning.trace import Edge, Series, Trace

HOLD_SHARE = 2 / 3
EARLY_PERIODS = 1.6
PHASE_SHARE_MIN = 0.2
SEEN_MIN = 0.02
WAYS_COUNT_MIN = 2
ASLEEP_S = 3.0
EARLY_SHARE_MIN, REACTED_SHARE = 0.3, 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """What one meter saw of the commanded changes; ``early`` is the gain just after the answer had come."""

    gain: Gain = field(default_factory=Gain)
    response: Response | None = None
    early: Gain = field(default_factory=Gain)
    seen: Sequence[Difference] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """All that a trace tells.

    ``up`` and ``down``: the asset's gain of levels above and below its rest; where it answers one way only
    (``weak`` names the other), all else is told of that way.  ``wake_s``: how much longer it takes to leave
    0 W than to go there.
    """

    asset: Seen
    grid: Seen
    phases: Mapping[str, Gain]
    up: Gain
    down: Gain
    weak: str
    step_w: float
    wake_s: float = 0.0

    @property
    def moved(self) -> tuple[str, ...]:
        """The phases on which the asset was surely seen, ``l1`` … ``l3``."""
        whole = self.grid.gain if self.grid.gain.is_sure() else self.asset.gain
        if abs(whole.value) < SEEN_MIN:
            return ()
        return tuple(
            phase
            for phase, one in self.phases.items()
            if one.is_sure() and abs(one.value / whole.value) >= PHASE_SHARE_MIN
        )

    @property
    def has_reacted(self) -> bool:
        """Whether the grid went back while the asset stayed: something else made up for it."""
        early, late = self.grid.early, self.grid.gain
        if not early.is_sure() or not late.edges_count:
            return False
        is_shown = abs(early.value) >= EARLY_SHARE_MIN * abs(self.asset.gain.value)
        return is_shown and abs(late.value) < REACTED_SHARE * abs(early.value)


def measured(trace: Trace) -> Measured:
    """Work it out; what nothing is known of has an infinite error."""
    edges = trace.edges
    up, down, weak = _ways(edges, trace.asset)
    if weak:
        edges = [edge for edge in edges if _is_above(edge, edges[0].before_w) == (weak == "down")]
    asset = _seen(edges, trace.asset)
    wake_s = 0.0
    if asset.response is not None:
        wake_s = _wake_s(edges, asset.response)
        asset = replace(asset, response=_awake(edges, asset.response) if wake_s else asset.response)
    grid = _seen(edges, trace.grid, asset)
    if wake_s and grid.response is not None:
        grid = replace(grid, response=_awake(edges, grid.response))
    settled = _settled(grid.response or asset.response)
    phases = {
        phase: gain.fitted(gain.differences(edges, series, settled), series.step)
        for phase, series in trace.phases.items()
    }
    largest = max((abs(edge.change_w) for edge in edges), default=0.0)
    return Measured(asset, grid, phases, up, down, weak, largest, wake_s)


def _is_above(edge: Edge, rest_w: float) -> bool:
    return max(edge.before_w, edge.after_w) > rest_w


def _ways(edges: Sequence[Edge], series: Series) -> tuple[Gain, Gain, str]:
    """The gain up and down, and which of the two is missing."""
    if not edges:
        return Gain(), Gain(), ""
    rest_w = edges[0].before_w
    found = gain.differences(edges, series, _last_third)
    above = gain.fitted([one for one in found if _is_above(one.edge, rest_w)], series.step)
    below = gain.fitted([one for one in found if not _is_above(one.edge, rest_w)], series.step)
    if min(above.edges_count, below.edges_count) < WAYS_COUNT_MIN:
        return above, below, ""
    for weak, strong, name in ((above, below, "up"), (below, above, "down")):
        if abs(weak.value) < 0.4 and abs(strong.value) > 0.6 and weak.error < 0.2:
            return above, below, name
    return above, below, ""


def _wake_s(edges: Sequence[Edge], answer: Response) -> float:
    """How much later edges away from 0 W are answered than those back to it; 0 where that is not sure."""
    leaving = [answer.delays_s[e.at_s] for e in edges if e.at_s in answer.delays_s and e.before_w == 0]
    going = [answer.delays_s[e.at_s] for e in edges if e.at_s in answer.delays_s and e.before_w != 0]
    if min(len(leaving), len(going)) < WAYS_COUNT_MIN:
        return 0.0
    wake_s = median(leaving) - median(going)
    return wake_s if wake_s > max(ASLEEP_S, median(going)) else 0.0


def _awake(edges: Sequence[Edge], answer: Response) -> Response:
    """The response of a device that does not have to wake up first."""
    asleep = {edge.at_s for edge in edges if edge.before_w == 0}
    delays_s = {at_s: delay_s for at_s, delay_s in answer.delays_s.items() if at_s not in asleep}
    if not delays_s:
        return answer
    middle = median(delays_s.values())
    spread_s = gain.MAD_TO_SIGMA * median(abs(one - middle) for one in delays_s.values())
    error_s = 1.2533 * spread_s / sqrt(len(delays_s))
    return replace(answer, delay_s=middle, delay_error_s=max(error_s, 0.05), delays_s=answer.delays_s)


def _seen(edges: Sequence[Edge], series: Series, first: Seen | None = None) -> Seen:
    """First by the last third of each hold, then by what the response says of the time it takes.

    ``first`` is what the asset itself showed: the meter at the grid has its ramp, and its delay until it is
    known to have another.
    """
    if not edges or not len(series):
        return Seen()
    late = gain.differences(edges, series, _last_third)
    rough = gain.fitted(late, series.step)
    known = None if first is None else first.response
    answer = None
    least = SEEN_MIN if first is None else SEEN_MIN * abs(first.gain.value)
    if rough.is_sure(2.0) and abs(rough.value) > least:
        answer = response.found(edges, series, rough.value, _duration_s(edges, first))
    soon = [one for one in (answer, known) if one is not None]
    early = max((_early(edges, series, one) for one in soon), key=lambda one: abs(one.value), default=Gain())
    if answer is None:
        return Seen(rough, None, early, late)
    seen = gain.differences(edges, series, _settled(answer))
    return Seen(gain.fitted(seen, series.step), answer, early, seen)


def _early(edges: Sequence[Edge], series: Series, answer: Response) -> Gain:
    """The gain just after the answer has come."""
    cut = [_cut(edge, answer, series.period_s) for edge in edges]
    return gain.fitted(gain.differences(cut, series, _settled(answer, margin=0.0)), series.step)


def _duration_s(edges: Sequence[Edge], first: Seen | None) -> float | None:
    if first is None or first.response is None:
        return None
    ramp = first.response.ramp_w_per_s
    most_w = max(abs(edge.change_w * first.gain.value) for edge in edges)
    return 0.0 if ramp is None else most_w / ramp


def _cut(edge: Edge, answer: Response, period_s: float) -> Edge:
    """The edge until just after its answer has come: the first one or two samples."""
    soon_s = edge.at_s + answer.settled_s(edge.change_w) + EARLY_PERIODS * period_s
    return Edge(edge.since_s, edge.at_s, min(edge.until_s, soon_s), edge.before_w, edge.after_w)


def _settled(answer: Response | None, margin: float = 0.5) -> Callable[[Edge], float]:
    """How long after its command an edge has surely happened; never more than two thirds of its hold."""

    def settled_s(edge: Edge) -> float:
        if answer is None:
            return _last_third(edge)
        if not margin:
            return answer.settled_s(edge.change_w)
        return min(answer.settled_s(edge.change_w) + margin, _last_third(edge))

    return settled_s


def _last_third(edge: Edge) -> float:
    return HOLD_SHARE * (edge.until_s - edge.at_s)
