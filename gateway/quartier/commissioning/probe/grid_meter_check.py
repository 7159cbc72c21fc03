"""Evaluate the grid meter by the rules of the running gateway (pure)."""

from bisect import bisect_right
from dataclasses import replace

from quartier.commissioning.probe.probe_measurement import ProbeMeasurement
from quartier.commissioning.probe.probe_subject import ProbeSubject
from quartier.commissioning.probe.probe_trace import PHASES, ProbeTrace, TimeSeries
from quartier.commissioning.probe.sign_and_scale import SILENT_GAIN, find_power_of_ten
from quartier.control.observe.meter_check.causes import name_fault
from quartier.control.observe.meter_check.commanded import (
    CommandedSteps,
    evaluate_commanded_steps,
    evaluate_gain,
)
from quartier.control.observe.meter_check.samples import MeterSample
from quartier.control.observe.meter_check.steps import SOME_SHARE, MeterTiming
from quartier.site.asset_types import Pv

SURE_SHARE = 0.1
"""A gain is surely zero if its error is at most this share of the asset's gain."""
_S = 1_000_000_000


def evaluate_grid_meter(
    subject: ProbeSubject, trace: ProbeTrace, measurement: ProbeMeasurement
) -> CommandedSteps:
    """Evaluate each step of the probe as the gateway evaluates its own steps.

    Steps that are too small, too close together or too noisy for that count by their overall gain, with the
    same limits. If command and grid meter agree, the meter is not at fault.
    """
    asset, grid = measurement.asset.response, measurement.grid.response
    timing = MeterTiming(
        period_s=_find_update_period_s(trace),
        late_s=0.0 if asset is None or grid is None else max(0.0, grid.delay_s - asset.delay_s),
        assets_s=(trace.asset.period_s,),
    )
    samples = _make_samples(subject, trace, _find_phase_shares(subject, measurement))
    steps = evaluate_commanded_steps(samples, timing, generation=isinstance(subject.asset, Pv))
    if measurement.has_reacted or _is_asset_wrong(subject, measurement):
        return replace(steps, causes=())
    if ratio := _find_factor_of_ten(subject, measurement):
        return replace(steps, causes=(("gain_high" if ratio > 1.0 else "gain_low", ratio),))
    if steps.causes or steps.is_good:
        return steps
    return replace(steps, causes=_evaluate_overall_gain(measurement))


def describe_meter_result(steps: CommandedSteps, name: str) -> str:
    """Return a text such as ``grid showed 7 steps: 7 good``."""
    count = steps.reactions.total()
    if not count:
        return f"{name}: no step could be judged alone"
    text = ", ".join(f"{many} {reaction.value}" for reaction, many in steps.reactions.most_common())
    return f"{name}: {count} step{'s' * (count != 1)} checked with the rules of the running gateway: {text}"


def render_meter_result(steps: CommandedSteps) -> dict[str, object]:
    """Return the same with the faults by name, JSON-ready."""
    return {
        "steps": {reaction.value: many for reaction, many in steps.reactions.most_common()},
        "faults": [
            {"fault": name_fault(code), "code": code, "value": round(value, 3)}
            for code, value in steps.causes
        ],
    }


def _is_asset_wrong(subject: ProbeSubject, measurement: ProbeMeasurement) -> bool:
    """Return whether the asset's own power is read wrongly: command and grid meter agree against it."""
    asset, grid = measurement.asset.gain, measurement.grid.gain
    if subject.is_switch or not grid.is_significant():
        return False
    return asset.value < 0.0 < grid.value or (find_power_of_ten(grid) == 0 and find_power_of_ten(asset) != 0)


def _find_factor_of_ten(subject: ProbeSubject, measurement: ProbeMeasurement) -> float | None:
    """Return the factor of the grid meter if it is a wrong power of ten; else None."""
    asset, grid = measurement.asset.gain, measurement.grid.gain
    if (
        not grid.is_significant()
        or not asset.value
        or (not subject.is_switch and find_power_of_ten(asset) != 0)
    ):
        return None
    ratio = grid.value / asset.value
    return ratio if ratio > 0.0 and find_power_of_ten(replace(grid, value=ratio)) else None


def _evaluate_overall_gain(measurement: ProbeMeasurement) -> tuple[tuple[str, float], ...]:
    """Return the evidence from the gain of all steps together."""
    asset, grid = measurement.asset.gain, measurement.grid.gain
    size = abs(asset.value)
    if asset.edges_count < 2 or size < SILENT_GAIN:
        return ()
    is_sure = grid.is_significant() and grid.error <= 0.5 * size
    is_unseen = abs(grid.value) < SOME_SHARE * size and grid.error < SURE_SHARE * size
    return evaluate_gain(grid.value / asset.value) if is_sure or is_unseen else ()


def _find_update_period_s(trace: ProbeTrace) -> float:
    """Return how often the meter has new values, in s, from its readings before the first step."""
    first_s = trace.edges[0].at_s if trace.edges else trace.end_s
    return max(trace.grid.period_s, trace.grid.part(0.0, first_s).update_s)


def _find_phase_shares(subject: ProbeSubject, measurement: ProbeMeasurement) -> tuple[float, ...]:
    """Return the share of its power on each phase; empty if site file and meter disagree."""
    if len(measurement.phases) < len(PHASES):
        return ()
    if subject.phase == "all":  # a phase that does not move may be wrong
        return (1 / 3,) * len(PHASES) if len(measurement.visible_phases) > 1 else ()
    return (
        tuple(float(phase == subject.phase) for phase in PHASES)
        if measurement.visible_phases == (subject.phase,)
        else ()
    )


def _make_samples(subject: ProbeSubject, trace: ProbeTrace, share: tuple[float, ...]) -> list[MeterSample]:
    """Return one sample per reading of the grid meter, with what was known of the asset then."""
    found = []
    phases = [trace.phases[phase] for phase in PHASES] if share else []
    for at_s, grid_w in zip(trace.grid.times_s, trace.grid.values, strict=True):
        asset_w = _find_last(trace.asset, at_s)
        by_phase = [_find_last(series, at_s) for series in phases]
        if asset_w is None or None in by_phase or at_s > trace.end_s:
            continue
        is_pv = isinstance(subject.asset, Pv)
        controlled_w = (
            (0.0, *(0.0 for _ in share)) if is_pv else (asset_w, *(part * asset_w for part in share))
        )
        found.append(
            MeterSample(
                taken_ns=round(at_s * _S),
                meter_w=(grid_w, *(watts for watts in by_phase if watts is not None)),
                controlled_w=controlled_w,
                generated_w=asset_w if is_pv else 0.0,
                ordered=bisect_right([command_s for command_s, _ in trace.commands], at_s),
                unseen_orders=0,
                assets_w=(asset_w,),
            )
        )
    return found


def _find_last(series: TimeSeries, at_s: float) -> float | None:
    """Return the last value known at a second."""
    place = bisect_right(series.times_s, at_s)
    return series.values[place - 1] if place else None
