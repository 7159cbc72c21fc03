"""Interpret the numbers of a probe as sentences (pure)."""

from collections.abc import Iterator
from statistics import median

from quartier.commissioning.probe import sign_and_scale
from quartier.commissioning.probe.corrections import CorrectionTarget, ProbeFinding
from quartier.commissioning.probe.grid_meter_check import evaluate_grid_meter
from quartier.commissioning.probe.probe_measurement import ProbeMeasurement
from quartier.commissioning.probe.probe_state import RestartObservation, TimerObservation
from quartier.commissioning.probe.probe_subject import ProbeSubject
from quartier.commissioning.probe.probe_trace import ProbeTrace
from quartier.commissioning.probe.sign_and_scale import SILENT_GAIN, describe_phases
from quartier.commissioning.probe.step_response import Gain

GAIN_TOLERANCE = 0.1
NOISE_ERROR = 0.2
KEPT_SHARE_MIN = 0.5
ANSWER_LATE_S = 10.0
LATE_TIMES, TIMER_SLACK_S = 1.05, 6.0
RUNAWAY_TEXT = "ran away"
RESTART_SLOW_S = 3.0
WAKE_LATE_S = 5.0


def find_findings(
    subject: ProbeSubject,
    trace: ProbeTrace,
    measurement: ProbeMeasurement,
    ended: str,
    watch: TimerObservation | None,
    rest: RestartObservation | None = None,
) -> list[ProbeFinding]:
    """Return all findings, faults first."""
    every = [
        *_find_early_end(subject, trace, ended),
        *_find_answer_faults(subject, measurement, cut_short=bool(ended)),
        *sign_and_scale.find_sign_and_scale_faults(
            subject, measurement, evaluate_grid_meter(subject, trace, measurement)
        ),
        *sign_and_scale.find_phase_faults(subject, measurement),
        *_find_second_master(subject, trace, measurement),
        *_find_one_way_answer(subject, trace, measurement),
        *_find_late_answer(subject, trace, measurement),
        *find_timer_finding(subject, watch),
        *_find_slow_restart(subject, rest),
    ]
    return sorted(every, key=lambda one: not one.is_fault)


def _find_early_end(subject: ProbeSubject, trace: ProbeTrace, ended: str) -> Iterator[ProbeFinding]:
    if not ended:
        return
    yield ProbeFinding("ended", f"the probe ended early: {ended}")
    if RUNAWAY_TEXT not in ended or len(trace.commands) < 2:
        return
    asked_w = trace.commands[-1][1] - trace.commands[0][1]
    rest_w = median(trace.asset.find_values(0.0, trace.commands[1][0]) or [0.0])
    times = (trace.asset.values[-1] - rest_w) / asked_w if asked_w else 0.0
    if abs(times) > 2:
        size = 1000.0 if abs(times) > 12 else 10.0
        way = " and the other way round" if times < 0 else ""
        yield ProbeFinding(
            "factor.runaway",
            f"{subject.name} took at least {abs(times):.0f} times what was ordered{way} when it was "
            f"stopped: {'are W read as kW?' if size > 10 else 'a factor of ten?'}",
            targets=[CorrectionTarget("command", subject.point.partition(".")[2], "scale", size)],
        )


def _find_answer_faults(
    subject: ProbeSubject, measurement: ProbeMeasurement, *, cut_short: bool
) -> Iterator[ProbeFinding]:
    """Yield whether the asset answers at all, and by how much."""
    asset, name = measurement.asset.gain, subject.name
    if asset.edges_count < 2 and cut_short:
        return
    if not asset.edges_count:
        yield ProbeFinding("asset.unseen", f"no step of {name} could be judged")
        return
    if subject.is_switch and abs(asset.value) >= SILENT_GAIN:
        return
    if abs(asset.value) < SILENT_GAIN or not asset.is_significant():
        if asset.error > NOISE_ERROR:
            yield ProbeFinding("asset.noise", f"{name} moves too much by itself to tell whether it answers")
            return
        at_grid = measurement.grid.gain.is_significant() and abs(measurement.grid.gain.value) > 0.5
        why = (
            f"yet the grid meter saw it: {name}.power_w is not the power of what {subject.point} moves"
            if at_grid
            else _suggest_silent_causes(subject)
        )
        yield ProbeFinding("asset.silent", f"{name} did not answer: {why}")
    elif abs(abs(asset.value) - 1) > max(
        GAIN_TOLERANCE, 3 * asset.error
    ) and not sign_and_scale.find_power_of_ten(asset):
        count = getattr(subject.asset, "phases_count", 0)
        if count == 3 and abs(asset.value - 1 / 3) < GAIN_TOLERANCE:
            yield ProbeFinding(
                "phases.count",
                f"{name} answered with a third: the car, or the point, charges on one phase",
                targets=[CorrectionTarget("site", "", "phases_count", "1")],
            )
        elif count == 1 and abs(asset.value - 3) < 3 * GAIN_TOLERANCE:
            yield ProbeFinding(
                "phases.count",
                f"{name} answered threefold: it charges on three phases",
                targets=[CorrectionTarget("site", "", "phases_count", "3")],
            )
        else:
            yield ProbeFinding(
                "gain",
                f"{name} answered with {asset.value:.2f} ± {asset.error:.2f} of what was ordered",
                is_fault=not 0.5 < abs(asset.value) < 1.5,
            )


def _suggest_silent_causes(subject: ProbeSubject) -> str:
    causes = {
        "battery": "is it in external control, not off, not in the middle of a balance charge?",
        "ev": "does the car want to charge, and is the point enabled?",
        "pv": "is remote limiting switched on in the inverter?",
        "load": "has it something to do (thermostat), and is the relay in its circuit?",
    }
    return causes[subject.role]


def _find_second_master(
    subject: ProbeSubject, trace: ProbeTrace, measurement: ProbeMeasurement
) -> Iterator[ProbeFinding]:
    """Yield signs of a second master: the grid goes back while the asset stays, or the asset goes back."""
    asset, grid = measurement.asset, measurement.grid
    if measurement.has_reacted:
        kept = abs(grid.gain.value) / abs(grid.early.value)
        yield ProbeFinding(
            "other.reacted",
            f"something else reacted: the grid went back by {100 * (1 - kept):.0f} % while {subject.name} "
            "stayed; a second battery, or another energy manager, steers on this meter too",
        )
    if asset.early.is_significant() and abs(asset.early.value) > 0.5:
        kept = abs(asset.gain.value) / abs(asset.early.value)
        if kept < KEPT_SHARE_MIN:
            yield ProbeFinding(
                "other.master",
                f"{subject.name} went back by itself: another master commands it, or its own control does",
            )
    wrong = _find_other_setpoint(subject, trace)
    if wrong:
        yield ProbeFinding("other.wrote", f"{subject.point} did not keep what was written: {wrong}")


def _find_other_setpoint(subject: ProbeSubject, trace: ProbeTrace) -> str:
    """Return the other value if the point, late in a hold, differed from the command more than once."""
    found = []
    for edge in trace.edges:
        if subject.role == "pv" and edge.after_w < edge.before_w:
            continue  # released again, its limit is above its generation
        late = trace.readback.find_values(edge.at_s + 0.6 * (edge.until_s - edge.at_s), edge.until_s)
        if late and abs(median(late) - edge.after_w) > max(50.0, 0.5 * abs(edge.change_w)):
            found.append(f"{median(late):.0f} W stood there instead of {edge.after_w:.0f} W")
    return found[0] if len(found) > 1 else ""


def _find_one_way_answer(
    subject: ProbeSubject, trace: ProbeTrace, measurement: ProbeMeasurement
) -> Iterator[ProbeFinding]:
    """Yield a finding if the asset answers in one direction only."""
    if not measurement.weak:
        return
    soc = f" (state of charge {median(trace.soc.values):.0f} %)" if len(trace.soc) else ""
    words = {
        "up": f"{subject.name} does not charge{soc}: is it full, or is charging blocked?",
        "down": f"{subject.name} does not discharge{soc}: is it empty, or is discharging blocked?",
    }
    yield ProbeFinding("limit", words[measurement.weak])


def _find_late_answer(
    subject: ProbeSubject, trace: ProbeTrace, measurement: ProbeMeasurement
) -> Iterator[ProbeFinding]:
    """Yield findings for late answers, or answers that need a wake-up first."""
    answer = measurement.asset.response
    if answer is None:
        return
    if answer.delay_s > ANSWER_LATE_S:
        yield ProbeFinding(
            "late", f"{subject.name} answers only after {answer.delay_s:.0f} s", is_fault=False
        )
    if measurement.wake_s:
        yield ProbeFinding(
            "standby",
            f"{subject.name} drops to standby at 0 W: it needs {measurement.wake_s:.0f} s more to leave it",
            is_fault=False,
        )
    calm = [edge.at_s for edge in trace.edges[:1]]
    slow_s = trace.grid.part(0.0, calm[0]).update_s if calm else 0.0
    if slow_s > RESTART_SLOW_S:
        yield ProbeFinding("meter.slow", f"the grid meter has news only every {slow_s:.0f} s", is_fault=False)


def _find_slow_restart(subject: ProbeSubject, rest: RestartObservation | None) -> Iterator[ProbeFinding]:
    """Yield a finding if a limit of 0 W sends generation to standby."""
    if rest is None or (rest.woke_s is not None and rest.woke_s <= rest.usual_s + WAKE_LATE_S):
        return
    text = f"more than {rest.waited_s:.0f} s" if rest.woke_s is None else f"{rest.woke_s:.0f} s"
    yield ProbeFinding(
        "standby",
        f"{subject.name} drops to standby at a cap of 0 W: it needs {text} to come back; where that matters "
        "let its profile write no cap so low (lowest_pct of a SunSpec cap, low of another one)",
        is_fault=False,
    )


def find_timer_finding(subject: ProbeSubject, watch: TimerObservation | None) -> Iterator[ProbeFinding]:
    """Yield one finding about the device's timer if it was watched: a fault if it is not as declared."""
    if watch is None:
        return
    if watch.action_s is None:
        yield ProbeFinding(
            "timer.ignored",
            f"{subject.name} still took {watch.held_w:.0f} W {watch.waited_s:.0f} s after the last write: "
            f"it ignores its timer of {watch.expected_s:.0f} s, or polling keeps it alive",
        )
    elif watch.action_s > LATE_TIMES * watch.expected_s + TIMER_SLACK_S:
        yield ProbeFinding(
            "timer.late",
            f"{subject.name} fell back only {watch.action_s:.0f} s after the last write, its profile says "
            f"{watch.expected_s:.0f} s: something else than this timer ended it",
        )
    elif watch.action_s < 0.5 * watch.expected_s:
        yield ProbeFinding(
            "timer.early",
            f"{subject.name} fell back {watch.action_s:.0f} s after the last write, its profile says "
            f"{watch.expected_s:.0f} s: it must be written more often",
        )
    else:
        yield ProbeFinding(
            "timer", f"{subject.name} fell back {watch.action_s:.0f} s after the last write", is_fault=False
        )


def describe_result(subject: ProbeSubject, measurement: ProbeMeasurement) -> str:
    """Return a text like ``bat1 answered -980 W for -1000 W after 2.1 s, seen at the grid meter on L2 …``."""
    asset = measurement.asset.gain
    if not asset.edges_count:
        return f"{subject.name} was not stepped"
    asked_w = -measurement.step_w if subject.role in {"battery", "load"} else measurement.step_w
    if abs(asset.value) < SILENT_GAIN:
        return f"{subject.name} did not answer {asked_w:.0f} W"
    text = f"{subject.name} answered {_format_power(asset.value * asked_w)} W for {asked_w:.0f} W"
    if measurement.asset.response is not None:
        text += f" after {measurement.asset.response.delay_s:.1f} s"
    return f"{text}, {_describe_grid(measurement)}"


def _describe_grid(measurement: ProbeMeasurement) -> str:
    grid, asset = measurement.grid.gain, measurement.asset.gain
    if not _is_seen_at_grid(grid, asset):
        return "not seen at the grid meter"
    where = f" on {describe_phases(measurement)}" if measurement.visible_phases else ""
    sign = "right" if grid.value > 0 else "wrong"
    return f"seen at the grid meter{where} with the {sign} sign"


def _is_seen_at_grid(grid: Gain, asset: Gain) -> bool:
    return grid.is_significant() and abs(grid.value) > 0.02 * abs(asset.value)


def _format_power(watts: float) -> str:
    return f"{round(watts, -1) if abs(watts) >= 100 else round(watts):.0f}"
