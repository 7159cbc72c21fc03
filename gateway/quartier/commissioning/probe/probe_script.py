"""Script of a probe: listen, rest, feeler step, steps (pure).

Each function advances by one step per cycle (``yield``). ``ProbeEnded`` ends the probe.
"""

from collections.abc import Callable, Generator, Sequence
from math import isfinite

from quartier.commissioning.probe import probe_measurement, step_response
from quartier.commissioning.probe.probe_state import (
    FEELER_SHARE,
    HOLD_MIN_S,
    ProbeEnded,
    ProbeScript,
    ProbeState,
    RestartObservation,
    TimerObservation,
    find_median_jump_w,
)
from quartier.commissioning.probe.probe_trace import CommandedChange
from quartier.site.asset_types import ChargePointAsset, Load

LISTEN_S, LISTEN_SAMPLES = 8.0, 5
LISTEN_MAX_S, LISTEN_CHANGES = 24.0, 3
HOLD_FIRST_S, HOLD_MAX_S = 8.0, 60.0
ANSWER_MAX_S = 30.0
START_MAX_S = 90.0
WAKE_MAX_S = 60.0
CYCLES_MIN, CYCLES_MAX = 2, 16
GRID_ERROR_MAX, ASSET_ERROR_MAX = 0.06, 0.05
WATCH_SHARE = 0.3
UNANSWERED_GAIN = 0.04


def run_script(stage: ProbeState) -> ProbeScript:
    """Run the complete script."""
    yield from _listen(stage)
    start: dict[str, Callable[[ProbeState], ProbeScript]] = {
        "battery": _begin_idle,
        "ev": _begin_charging,
        "pv": _begin_generating,
        "load": _run_switching,
    }
    yield from start[stage.subject.role](stage)
    if stage.subject.role != "load":
        stage.steps = True
        yield from _run_steps(stage)
    if stage.request.watch_timer:
        yield from _watch_timer(stage)
    if stage.subject.role == "pv":
        yield from _run_zero_limit(stage)


def _listen(stage: ProbeState) -> ProbeScript:
    """Listen to the site: how often meters update, and how steady it is."""
    columns = [stage.columns[f"{one}.power_w"] for one in (stage.subject.name, stage.subject.grid)]
    while stage.now_s < LISTEN_S or min(len(column.times_s) for column in columns) < LISTEN_SAMPLES:
        yield
    while stage.now_s < LISTEN_MAX_S and stage.grid.changes < LISTEN_CHANGES:
        yield  # a meter that is asked more often than it measures, or a very steady site
    asset, grid = (column.series for column in columns)
    stage.grid_update_s = grid.update_s
    stage.noise_w = step_response.MAD_TO_SIGMA * find_median_jump_w(asset)
    stage.add_text(
        f"{stage.subject.name} is read every {asset.period_s:.1f} s, the grid every {grid.period_s:.1f} s; "
        f"the house moves by {step_response.MAD_TO_SIGMA * find_median_jump_w(grid):.0f} W"
        " from reading to reading"
    )
    if broken := stage.bounds.broken(stage.grid_w):
        raise ProbeEnded(f"a limit is reached already: {broken}")


def _begin_idle(stage: ProbeState) -> ProbeScript:
    stage.order(0.0)
    yield from stage.wait_until_still(HOLD_MIN_S, ANSWER_MAX_S)
    stage.rest_w = stage.find_recent_power_w()


def _begin_charging(stage: ProbeState) -> ProbeScript:
    """Charge a car at its minimum current before the steps."""
    ev = stage.subject.asset
    assert isinstance(ev, ChargePointAsset)
    if stage.frozen is not None and stage.frozen.number(f"{ev.name}.plugged_on", 600.0) == 0.0:
        raise ProbeEnded(f"no car is plugged in at {ev.name}: plug one in that wants to charge")
    stage.require_headroom(stage.subject.low_w, "the least current of a car")
    stage.order(stage.subject.low_w)
    while stage.asset_w < 0.1 * stage.subject.low_w:
        if stage.now_s - stage.commands[-1][0] > START_MAX_S:
            raise ProbeEnded(
                f"the car at {ev.name} took nothing within {START_MAX_S:.0f} s: does it want to charge?"
            )
        yield
    yield from stage.wait_until_still(HOLD_MIN_S, ANSWER_MAX_S)
    stage.rest_w = stage.find_recent_power_w()


def _begin_generating(stage: ProbeState) -> ProbeScript:
    """Release generation as far as the limits allow, so that it can be curtailed in steps."""
    low_w, _ = stage.find_interval()
    open_w = max(stage.subject.low_w, min(low_w, 0.0))
    stage.open_w, stage.is_open = open_w, True
    stage.order(open_w, -abs(stage.asset_w))
    yield from stage.wait_until_still(HOLD_FIRST_S, ANSWER_MAX_S)
    stage.rest_w = stage.level_w = stage.find_recent_power_w()
    stage.commands = [(stage.now_s, stage.rest_w)]
    if -stage.rest_w < 2 * stage.least_w:
        raise ProbeEnded(
            f"{stage.subject.name} generates {-stage.rest_w:.0f} W: nothing to curtail; wait for the sun"
        )


def _run_steps(stage: ProbeState) -> ProbeScript:
    step_w = stage.subject.step_w
    if stage.subject.role == "pv":
        step_w = min(step_w, -0.5 * stage.rest_w)
    if stage.subject.role == "battery":
        step_w = yield from _run_feeler(stage, step_w)
    cycles_count = 0
    began_s = stage.now_s
    while cycles_count < CYCLES_MAX:
        before_s, edges = stage.now_s, len(stage.commands)
        for level_w in _list_levels(stage, step_w):
            yield from _run_step(stage, level_w)
        if len(stage.commands) == edges:
            raise ProbeEnded("there is no room for a step: contract, fuse or state of charge leave none")
        cycles_count += 1
        took_s = stage.now_s - before_s
        if cycles_count >= CYCLES_MIN and _is_sure(stage):
            break
        if _is_unanswered(stage):
            return  # a third attempt would show nothing new
        if stage.now_s + took_s > max(stage.request.for_s, began_s + took_s):
            stage.add_text(f"the time of {stage.request.for_s:.0f} s leaves no further steps")
            break


def _run_feeler(stage: ProbeState, step_w: float) -> Generator[None, None, float]:
    """Make a tenth of a step first, to find a tenfold answer while it is harmless.

    Return the step to continue with.
    """
    for share, way in ((FEELER_SHARE, 1), (3 * FEELER_SHARE, -1)):
        for level_w in (way * share * step_w, -way * share * step_w):
            before = len(stage.commands)
            yield from _run_step(stage, level_w)
            if len(stage.commands) > before:
                yield from _run_step(stage, 0.0)
                break
        trace = stage.trace
        gain = step_response.fit_gain(
            step_response.find_differences(trace.edges, trace.asset, _find_last_third_s)
        )
        if not gain.is_significant() or abs(gain.value) < 0.2:
            continue  # it may not react to such a small step
        stage.is_flipped = gain.value < 0
        if abs(gain.value) > 2:
            stage.add_text(f"it answers {gain.value:.1f} times its order: only small steps are taken")
            return share * step_w
        return step_w
    return step_w


def _list_levels(stage: ProbeState, step_w: float) -> Sequence[float]:
    if stage.subject.role == "battery":
        return (step_w, 0.0, -step_w, 0.0)
    rest_w = stage.subject.low_w if stage.subject.role == "ev" else stage.rest_w
    return (rest_w + step_w, rest_w)


def _run_step(stage: ProbeState, level_w: float) -> ProbeScript:
    """Command a level as far as it is allowed now, and hold it until it can be evaluated."""
    before_w = stage.level_w
    assert before_w is not None
    goes_free = stage.subject.role == "pv" and level_w <= stage.rest_w
    allowed_w = level_w if goes_free else stage.limit_level(level_w)
    if abs(allowed_w - before_w) < stage.least_w and level_w not in (0.0, stage.rest_w):
        return
    if allowed_w == before_w:
        return
    stage.is_open = goes_free
    stage.order(stage.open_w if goes_free else allowed_w, allowed_w)
    if abs(allowed_w - before_w) < 2 * stage.learned_w:
        yield from stage.wait(stage.hold_s + (len(stage.commands) % 4) * stage.grid.period_s / 4)
    else:
        yield from _learn_hold_time(stage, before_w)
    if goes_free:
        stage.rest_w = stage.level_w = stage.find_recent_power_w()


def _learn_hold_time(stage: ProbeState, before_w: float) -> ProbeScript:
    """Hold a step larger than any before until it is answered; derive the hold time of the others."""
    at_s, level_w = stage.commands[-1]
    from_w, half_w = stage.asset_w, 0.5 * abs(level_w - before_w)
    while abs(stage.asset_w - from_w) < half_w < abs(stage.asset_w - level_w):
        if stage.now_s - at_s > ANSWER_MAX_S:
            break
        yield
    moved_s = stage.now_s - at_s
    yield from stage.wait(max(HOLD_FIRST_S - moved_s, 1.2 * moved_s + 2.0))
    edge = CommandedChange(max(0.0, at_s - HOLD_MIN_S), at_s, stage.now_s, before_w, level_w)
    asset = stage.trace.asset
    differences = step_response.find_differences([edge], asset, lambda one: (one.until_s - one.at_s) * 2 / 3)
    answer = (
        step_response.find_response([edge], asset, step_response.fit_gain(differences).value or 1.0)
        if differences
        else None
    )
    if answer is None:
        if abs(stage.asset_w - from_w) < half_w < abs(stage.asset_w - level_w):
            stage.add_text(f"{stage.subject.name} does not seem to answer {level_w:.0f} W")
        return
    slowest_s = max(asset.period_s, stage.grid.period_s, stage.grid_update_s)
    hold_s = 1.5 * answer.find_settling_time_s(level_w - before_w) + 4 * slowest_s
    stage.hold_s = min(max(hold_s, HOLD_MIN_S), HOLD_MAX_S)
    stage.learned_w = abs(level_w - before_w)
    stage.add_text(f"it answers after {answer.delay_s:.1f} s; each step lasts {stage.hold_s:.0f} s")


def _run_switching(stage: ProbeState) -> ProbeScript:
    """Run a load for its minimum time and stop it again; its minimum times apply before that, too."""
    load = stage.subject.asset
    assert isinstance(load, Load)
    shown = stage.columns[stage.subject.point].values
    on = bool(shown and shown[-1])
    stage.commands.append((stage.now_s, stage.subject.watts(float(on))))
    stage.level_w = stage.subject.watts(float(on))
    wait_s = load.min_on_s if on else load.min_off_s
    stage.add_text(
        f"{load.name} is {'on' if on else 'off'}, since when is not known: it stays so for {wait_s:.0f} s"
    )
    yield from stage.wait(wait_s)
    stage.steps = True
    for again in (not on, on, *((not on,) if on else ())):
        if again:
            stage.require_headroom(load.rated_w, "the load")
        stage.order(load.rated_w if again else 0.0)
        yield from stage.wait(max(load.min_on_s if again else HOLD_FIRST_S, HOLD_FIRST_S))
        if not again and on:
            yield from stage.wait(max(0.0, load.min_off_s - HOLD_FIRST_S))


def _watch_timer(stage: ProbeState) -> ProbeScript:
    """Stop writing, and check whether the device ends the last command by itself in time."""
    timer = stage.subject.fallback
    if timer is None or not isfinite(timer.after_s):
        stage.add_text("there is no timer to watch: the last written value stays")
        return
    if timer.kept_by == "requests":
        stage.add_text("its timer cannot be watched: reading keeps it alive too, as its profile says")
        return
    falls_to_w = None if timer.value is None else stage.subject.watts(timer.value)
    step_w = stage.subject.step_w
    rest_w = stage.level_w or 0.0
    for level_w in (rest_w + step_w, rest_w - step_w):
        allowed_w = stage.limit_level(level_w)
        if abs(allowed_w - (rest_w if falls_to_w is None else falls_to_w)) >= 0.5 * step_w:
            break
    else:
        stage.add_text("there is no room to watch the timer")
        return
    stage.order(allowed_w)
    yield from stage.wait(max(stage.hold_s, HOLD_MIN_S))
    stage.keeps = False
    held_w, began_s = stage.find_recent_power_w(), stage.written_s
    late_s = 0.15 * timer.after_s + stage.hold_s + 5
    stage.add_text(
        f"nothing is written any more; it shall fall back {timer.after_s:.0f} s after the last write"
    )
    while True:
        waited_s = stage.now_s - began_s
        if _has_fallen_back(stage, held_w, falls_to_w):
            stage.watch = TimerObservation(timer.after_s, waited_s, waited_s, held_w)
            return
        if waited_s > timer.after_s + late_s:
            stage.watch = TimerObservation(timer.after_s, None, waited_s, held_w)
            return
        yield


def _run_zero_limit(stage: ProbeState) -> ProbeScript:
    """Curtail generation to zero, release it, and measure how fast it comes back."""
    stage.stepped_s = stage.now_s
    whole_w = stage.find_recent_power_w()
    if stage.limit_level(0.0) != 0.0 or -whole_w < 2 * stage.least_w:
        stage.add_text("there is no room to curtail it to nothing")
        return
    usual_s = max(stage.hold_s, HOLD_MIN_S)
    stage.keeps, stage.is_open, stage.level_w, stage.due = True, False, 0.0, stage.subject.value(0.0)
    yield from stage.wait(usual_s)
    if abs(stage.asset_w) > abs(whole_w) / 2:
        stage.add_text("it does not go down to nothing")
        return
    stage.is_open, stage.level_w, stage.due = True, whole_w, stage.subject.value(stage.open_w)
    freed_s = stage.now_s
    while stage.now_s - freed_s < usual_s + WAKE_MAX_S:
        if abs(stage.asset_w) > abs(whole_w) / 2:
            woke_s = stage.now_s - freed_s
            stage.rest = RestartObservation(woke_s, woke_s, usual_s)
            return
        yield
    stage.rest = RestartObservation(None, stage.now_s - freed_s, usual_s)


def _has_fallen_back(stage: ProbeState, held_w: float, falls_to_w: float | None) -> bool:
    if falls_to_w is None:
        return abs(stage.asset_w - held_w) > (1 - WATCH_SHARE) * abs(held_w - stage.rest_w)
    return abs(stage.asset_w - falls_to_w) < WATCH_SHARE * abs(held_w - falls_to_w)


def _is_unanswered(stage: ProbeState) -> bool:
    trace = stage.trace
    gain = step_response.fit_gain(
        step_response.find_differences(trace.edges, trace.asset, _find_last_third_s), trace.asset.step
    )
    return abs(gain.value) < UNANSWERED_GAIN and gain.error < ASSET_ERROR_MAX


def _is_sure(stage: ProbeState) -> bool:
    measurement = probe_measurement.evaluate_trace(stage.trace)
    asset, grid = measurement.asset.gain, measurement.grid.gain
    size = max(1.0, abs(asset.value))
    return asset.error < ASSET_ERROR_MAX * size and grid.error < GRID_ERROR_MAX * size


def _find_last_third_s(edge: CommandedChange) -> float:
    return (edge.until_s - edge.at_s) * 2 / 3
