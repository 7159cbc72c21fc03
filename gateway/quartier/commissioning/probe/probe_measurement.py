"""Gain, delay and ramp at asset, grid meter and phases (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from statistics import median

from quartier.commissioning.probe import step_response
from quartier.commissioning.probe.probe_trace import CommandedChange, ProbeTrace, TimeSeries
from quartier.commissioning.probe.step_response import Gain, MeterDifference, Response

HOLD_SHARE = 2 / 3
EARLY_PERIODS = 1.6
PHASE_SHARE_MIN = 0.2
SEEN_GAIN_MIN = 0.02
DIRECTION_CHANGES_MIN = 2
WAKE_MIN_S = 3.0
EARLY_SHARE_MIN, REACTED_SHARE = 0.3, 0.5


@dataclass(frozen=True, slots=True)
class MeterResult:
    """The measurement of the commanded changes by one meter; ``early`` is the gain just after the answer."""

    gain: Gain = field(default_factory=Gain)
    response: Response | None = None
    early: Gain = field(default_factory=Gain)
    differences: Sequence[MeterDifference] = ()


@dataclass(frozen=True, slots=True)
class ProbeMeasurement:
    """All results of a trace.

    ``up`` and ``down`` are the asset's gains of levels above and below its rest. If it answers in one
    direction only (``weak`` names the other), all other results are for that direction. ``wake_s`` is how
    much longer it takes to leave 0 W than to go there.
    """

    asset: MeterResult
    grid: MeterResult
    phases: Mapping[str, Gain]
    up: Gain
    down: Gain
    weak: str
    step_w: float
    wake_s: float = 0.0

    @property
    def visible_phases(self) -> tuple[str, ...]:
        """Return the phases on which the asset was surely seen, ``l1`` … ``l3``."""
        whole = self.grid.gain if self.grid.gain.is_significant() else self.asset.gain
        if abs(whole.value) < SEEN_GAIN_MIN:
            return ()
        return tuple(
            phase
            for phase, one in self.phases.items()
            if one.is_significant() and abs(one.value / whole.value) >= PHASE_SHARE_MIN
        )

    @property
    def has_reacted(self) -> bool:
        """Return whether the grid went back while the asset stayed: something else compensated it."""
        early, late = self.grid.early, self.grid.gain
        if not early.is_significant() or not late.edges_count:
            return False
        is_shown = abs(early.value) >= EARLY_SHARE_MIN * abs(self.asset.gain.value)
        return is_shown and abs(late.value) < REACTED_SHARE * abs(early.value)


def evaluate_trace(trace: ProbeTrace) -> ProbeMeasurement:
    """Evaluate a trace; unknown values have an infinite error."""
    edges = trace.edges
    up, down, weak = _find_direction_gains(edges, trace.asset)
    if weak:
        edges = [edge for edge in edges if _is_above_rest(edge, edges[0].before_w) == (weak == "down")]
    asset = _evaluate_meter(edges, trace.asset)
    wake_s = 0.0
    if asset.response is not None:
        wake_s = _find_wake_time_s(edges, asset.response)
        asset = replace(
            asset, response=_find_response_awake(edges, asset.response) if wake_s else asset.response
        )
    grid = _evaluate_meter(edges, trace.grid, asset)
    if wake_s and grid.response is not None:
        grid = replace(grid, response=_find_response_awake(edges, grid.response))
    settled = _make_settling_time(grid.response or asset.response)
    phases = {
        phase: step_response.fit_gain(step_response.find_differences(edges, series, settled), series.step)
        for phase, series in trace.phases.items()
    }
    largest = max((abs(edge.change_w) for edge in edges), default=0.0)
    return ProbeMeasurement(asset, grid, phases, up, down, weak, largest, wake_s)


def _is_above_rest(edge: CommandedChange, rest_w: float) -> bool:
    return max(edge.before_w, edge.after_w) > rest_w


def _find_direction_gains(edges: Sequence[CommandedChange], series: TimeSeries) -> tuple[Gain, Gain, str]:
    """Return the gain up and down, and which of the two is missing."""
    if not edges:
        return Gain(), Gain(), ""
    rest_w = edges[0].before_w
    found = step_response.find_differences(edges, series, _find_last_third_s)
    above = step_response.fit_gain([one for one in found if _is_above_rest(one.edge, rest_w)], series.step)
    below = step_response.fit_gain(
        [one for one in found if not _is_above_rest(one.edge, rest_w)], series.step
    )
    if min(above.edges_count, below.edges_count) < DIRECTION_CHANGES_MIN:
        return above, below, ""
    for weak, strong, name in ((above, below, "up"), (below, above, "down")):
        if abs(weak.value) < 0.4 and abs(strong.value) > 0.6 and weak.error < 0.2:
            return above, below, name
    return above, below, ""


def _find_wake_time_s(edges: Sequence[CommandedChange], answer: Response) -> float:
    """Return how much later changes away from 0 W are answered than changes to 0 W; 0 if unsure."""
    leaving = [answer.delays_s[e.at_s] for e in edges if e.at_s in answer.delays_s and e.before_w == 0]
    going = [answer.delays_s[e.at_s] for e in edges if e.at_s in answer.delays_s and e.before_w != 0]
    if min(len(leaving), len(going)) < DIRECTION_CHANGES_MIN:
        return 0.0
    wake_s = median(leaving) - median(going)
    return wake_s if wake_s > max(WAKE_MIN_S, median(going)) else 0.0


def _find_response_awake(edges: Sequence[CommandedChange], answer: Response) -> Response:
    """Return the response of a device that does not have to wake up first."""
    asleep = {edge.at_s for edge in edges if edge.before_w == 0}
    delays_s = {at_s: delay_s for at_s, delay_s in answer.delays_s.items() if at_s not in asleep}
    if not delays_s:
        return answer
    middle = median(delays_s.values())
    spread_s = step_response.MAD_TO_SIGMA * median(abs(one - middle) for one in delays_s.values())
    error_s = 1.2533 * spread_s / sqrt(len(delays_s))
    return replace(answer, delay_s=middle, delay_error_s=max(error_s, 0.05), delays_s=answer.delays_s)


def _evaluate_meter(
    edges: Sequence[CommandedChange], series: TimeSeries, first: MeterResult | None = None
) -> MeterResult:
    """Evaluate by the last third of each hold, then by the settling time of the response.

    ``first`` is the result at the asset itself: the grid meter has its ramp, and its delay until another one
    is known.
    """
    if not edges or not len(series):
        return MeterResult()
    late = step_response.find_differences(edges, series, _find_last_third_s)
    rough = step_response.fit_gain(late, series.step)
    known = None if first is None else first.response
    answer = None
    least = SEEN_GAIN_MIN if first is None else SEEN_GAIN_MIN * abs(first.gain.value)
    if rough.is_significant(2.0) and abs(rough.value) > least:
        answer = step_response.find_response(edges, series, rough.value, _find_duration_s(edges, first))
    soon = [one for one in (answer, known) if one is not None]
    early = max(
        (_find_early_gain(edges, series, one) for one in soon), key=lambda one: abs(one.value), default=Gain()
    )
    if answer is None:
        return MeterResult(rough, None, early, late)
    differences = step_response.find_differences(edges, series, _make_settling_time(answer))
    return MeterResult(step_response.fit_gain(differences, series.step), answer, early, differences)


def _find_early_gain(edges: Sequence[CommandedChange], series: TimeSeries, answer: Response) -> Gain:
    """Return the gain just after the answer."""
    cut = [_cut_change(edge, answer, series.period_s) for edge in edges]
    return step_response.fit_gain(
        step_response.find_differences(cut, series, _make_settling_time(answer, margin=0.0)), series.step
    )


def _find_duration_s(edges: Sequence[CommandedChange], first: MeterResult | None) -> float | None:
    if first is None or first.response is None:
        return None
    ramp = first.response.ramp_w_per_s
    most_w = max(abs(edge.change_w * first.gain.value) for edge in edges)
    return 0.0 if ramp is None else most_w / ramp


def _cut_change(edge: CommandedChange, answer: Response, period_s: float) -> CommandedChange:
    """Return the change cut to just after its answer: the first one or two samples."""
    soon_s = edge.at_s + answer.find_settling_time_s(edge.change_w) + EARLY_PERIODS * period_s
    return CommandedChange(edge.since_s, edge.at_s, min(edge.until_s, soon_s), edge.before_w, edge.after_w)


def _make_settling_time(answer: Response | None, margin: float = 0.5) -> Callable[[CommandedChange], float]:
    """Return a function for the settling time of a change; it is never more than two thirds of its hold."""

    def find_settling_s(edge: CommandedChange) -> float:
        if answer is None:
            return _find_last_third_s(edge)
        if not margin:
            return answer.find_settling_time_s(edge.change_w)
        return min(answer.find_settling_time_s(edge.change_w) + margin, _find_last_third_s(edge))

    return find_settling_s


def _find_last_third_s(edge: CommandedChange) -> float:
    return HOLD_SHARE * (edge.until_s - edge.at_s)
