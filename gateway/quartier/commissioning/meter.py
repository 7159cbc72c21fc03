"""The connection meter by the steps of a probe, judged by the code that judges it all day (pure)."""

from bisect import bisect_right
from dataclasses import replace

from quartier.commissioning.subject import Subject
from quartier.commissioning.trace import PHASES, Series, Trace
from quartier.commissioning.verdict import Measured
from quartier.commissioning.witnesses import SILENT_GAIN, decade
from quartier.control.observe.meter_check.causes import name_fault
from quartier.control.observe.meter_check.commanded import (
    CommandedSteps,
    evaluate_commanded_steps,
    evaluate_gain,
)
from quartier.control.observe.meter_check.samples import MeterSample
from quartier.control.observe.meter_check.steps import SOME_SHARE, MeterTiming
from quartier.house.assets import Pv

SURE_SHARE = 0.1
"""A gain is known to be none where its error is no larger than this part of what the asset took."""
_S = 1_000_000_000


def judge_meter(subject: Subject, trace: Trace, seen: Measured) -> CommandedSteps:
    """Judge each step of the probe as the gateway judges its own while it runs.

    Steps that are too small, too close together or too noisy for that count by the gain of all of them, with
    the same limits.  What command and connection meter agree on is no fault of the meter.
    """
    asset, grid = seen.asset.response, seen.grid.response
    timing = MeterTiming(
        period_s=_listened_s(trace),
        late_s=0.0 if asset is None or grid is None else max(0.0, grid.delay_s - asset.delay_s),
        assets_s=(trace.asset.period_s,),
    )
    samples = _samples(subject, trace, _shares(subject, seen))
    judged = evaluate_commanded_steps(samples, timing, generation=isinstance(subject.asset, Pv))
    if seen.has_reacted or _is_of_asset(subject, seen):
        return replace(judged, causes=())
    if ratio := _of_ten(subject, seen):
        return replace(judged, causes=(("gain_high" if ratio > 1.0 else "gain_low", ratio),))
    if judged.causes or judged.is_good:
        return judged
    return replace(judged, causes=_by_all(seen))


def tell(judged: CommandedSteps, name: str) -> str:
    """``grid showed 7 steps: 7 good``."""
    count = judged.reactions.total()
    if not count:
        return f"{name}: no step could be judged alone"
    told = ", ".join(f"{many} {reaction.value}" for reaction, many in judged.reactions.most_common())
    return f"{name}: {count} step{'s' * (count != 1)} checked with the rules of the running gateway: {told}"


def show(judged: CommandedSteps) -> dict[str, object]:
    """The same and the faults by their names, JSON-ready."""
    return {
        "steps": {reaction.value: many for reaction, many in judged.reactions.most_common()},
        "faults": [
            {"fault": name_fault(code), "code": code, "value": round(value, 3)}
            for code, value in judged.causes
        ],
    }


def _is_of_asset(subject: Subject, seen: Measured) -> bool:
    """Whether the asset's own power is read wrongly: command and connection meter agree against it."""
    asset, grid = seen.asset.gain, seen.grid.gain
    if subject.is_switch or not grid.is_sure():
        return False
    return asset.value < 0.0 < grid.value or (decade(grid) == 0 and decade(asset) != 0)


def _of_ten(subject: Subject, seen: Measured) -> float | None:
    """How much too much the meter shows where that is a power of ten; None where it is not."""
    asset, grid = seen.asset.gain, seen.grid.gain
    if not grid.is_sure() or not asset.value or (not subject.is_switch and decade(asset) != 0):
        return None
    ratio = grid.value / asset.value
    return ratio if ratio > 0.0 and decade(replace(grid, value=ratio)) else None


def _by_all(seen: Measured) -> tuple[tuple[str, float], ...]:
    """What the gain of all steps together says."""
    asset, grid = seen.asset.gain, seen.grid.gain
    size = abs(asset.value)
    if asset.edges_count < 2 or size < SILENT_GAIN:
        return ()
    is_sure = grid.is_sure() and grid.error <= 0.5 * size
    is_unseen = abs(grid.value) < SOME_SHARE * size and grid.error < SURE_SHARE * size
    return evaluate_gain(grid.value / asset.value) if is_sure or is_unseen else ()


def _listened_s(trace: Trace) -> float:
    """How often the meter has news, in s, by what it told before the first step."""
    first_s = trace.edges[0].at_s if trace.edges else trace.end_s
    return max(trace.grid.period_s, trace.grid.part(0.0, first_s).update_s)


def _shares(subject: Subject, seen: Measured) -> tuple[float, ...]:
    """Which part of its power is on each phase; empty where site file and meter do not agree on that."""
    if len(seen.phases) < len(PHASES):
        return ()
    if subject.phase == "all":  # one that does not move may be wrong
        return (1 / 3,) * len(PHASES) if len(seen.moved) > 1 else ()
    return tuple(float(phase == subject.phase) for phase in PHASES) if seen.moved == (subject.phase,) else ()


def _samples(subject: Subject, trace: Trace, share: tuple[float, ...]) -> list[MeterSample]:
    """One for each reading of the connection meter, with what was known of the asset then."""
    found = []
    phases = [trace.phases[phase] for phase in PHASES] if share else []
    for at_s, grid_w in zip(trace.grid.times_s, trace.grid.values, strict=True):
        asset_w = _last(trace.asset, at_s)
        by_phase = [_last(series, at_s) for series in phases]
        if asset_w is None or None in by_phase or at_s > trace.end_s:
            continue
        is_pv = isinstance(subject.asset, Pv)
        steered_w = (0.0, *(0.0 for _ in share)) if is_pv else (asset_w, *(part * asset_w for part in share))
        found.append(
            MeterSample(
                taken_ns=round(at_s * _S),
                meter_w=(grid_w, *(watts for watts in by_phase if watts is not None)),
                steered_w=steered_w,
                generated_w=asset_w if is_pv else 0.0,
                ordered=bisect_right([command_s for command_s, _ in trace.commands], at_s),
                unseen_orders=0,
                assets_w=(asset_w,),
            )
        )
    return found


def _last(series: Series, at_s: float) -> float | None:
    """The last value known at a second."""
    place = bisect_right(series.times_s, at_s)
    return series.values[place - 1] if place else None
