"""What the numbers of a probe mean, each thing in words with what is to be changed (pure)."""

from collections.abc import Iterator
from statistics import median

from quartier.commissioning import phases, witnesses
from quartier.commissioning.finding import Finding, Target
from quartier.commissioning.meter import judge_meter
from quartier.commissioning.stage import Rest, Watch
from quartier.commissioning.subject import Subject
from quartier.commissioning.trace import Trace
from quartier.commissioning.verdict import Measured
from quartier.commissioning.witnesses import SILENT_GAIN

GAIN_TOLERANCE = 0.1
NOISE_ERROR = 0.2
REACTED_SHARE = 0.5
LATE_S = 10.0
LATE_TIMES, TIMER_SLACK_S = 1.05, 6.0
RAN_AWAY = "ran away"
SLOW_S = 3.0
ASLEEP_S = 5.0


def found(
    subject: Subject,
    trace: Trace,
    seen: Measured,
    ended: str,
    watch: Watch | None,
    rest: Rest | None = None,
) -> list[Finding]:
    """Everything worth saying, the worst first."""
    every = [
        *_ended(subject, trace, ended),
        *_answered(subject, seen, cut_short=bool(ended)),
        *witnesses.judged(subject, seen, judge_meter(subject, trace, seen)),
        *phases.judged(subject, seen),
        *_reacted(subject, trace, seen),
        *_limited(subject, trace, seen),
        *_late(subject, trace, seen),
        *timed(subject, watch),
        *_rested(subject, rest),
    ]
    return sorted(every, key=lambda one: not one.is_fault)


def _ended(subject: Subject, trace: Trace, ended: str) -> Iterator[Finding]:
    if not ended:
        return
    yield Finding("ended", f"the probe ended early: {ended}")
    if RAN_AWAY not in ended or len(trace.commands) < 2:
        return
    asked_w = trace.commands[-1][1] - trace.commands[0][1]
    rest_w = median(trace.asset.within(0.0, trace.commands[1][0]) or [0.0])
    times = (trace.asset.values[-1] - rest_w) / asked_w if asked_w else 0.0
    if abs(times) > 2:
        size = 1000.0 if abs(times) > 12 else 10.0
        way = " and the other way round" if times < 0 else ""
        yield Finding(
            "factor.runaway",
            f"{subject.name} took at least {abs(times):.0f} times what was asked for{way} when it was "
            f"stopped: {'are W read as kW?' if size > 10 else 'a factor of ten?'}",
            targets=[Target("command", subject.point.partition(".")[2], "scale", size)],
        )


def _answered(subject: Subject, seen: Measured, *, cut_short: bool) -> Iterator[Finding]:
    """Whether it answers at all, and by how much."""
    asset, name = seen.asset.gain, subject.name
    if asset.edges_count < 2 and cut_short:
        return
    if not asset.edges_count:
        yield Finding("asset.unseen", f"no step of {name} could be judged")
        return
    if subject.is_switch and abs(asset.value) >= SILENT_GAIN:
        return
    if abs(asset.value) < SILENT_GAIN or not asset.is_sure():
        if asset.error > NOISE_ERROR:
            yield Finding("asset.noise", f"{name} moves too much by itself to tell whether it answers")
            return
        at_grid = seen.grid.gain.is_sure() and abs(seen.grid.gain.value) > 0.5
        why = (
            f"yet the grid meter saw it: {name}.power_w is not the power of what {subject.point} moves"
            if at_grid
            else _why_silent(subject)
        )
        yield Finding("asset.silent", f"{name} did not answer: {why}")
    elif abs(abs(asset.value) - 1) > max(GAIN_TOLERANCE, 3 * asset.error) and not witnesses.decade(asset):
        count = getattr(subject.asset, "phases_count", 0)
        if count == 3 and abs(asset.value - 1 / 3) < GAIN_TOLERANCE:
            yield Finding(
                "phases.count",
                f"{name} answered with a third: the car, or the point, charges on one phase",
                targets=[Target("site", "", "phases_count", "1")],
            )
        elif count == 1 and abs(asset.value - 3) < 3 * GAIN_TOLERANCE:
            yield Finding(
                "phases.count",
                f"{name} answered threefold: it charges on three phases",
                targets=[Target("site", "", "phases_count", "3")],
            )
        else:
            yield Finding(
                "gain",
                f"{name} answered with {asset.value:.2f} ± {asset.error:.2f} of what was asked for",
                is_fault=not 0.5 < abs(asset.value) < 1.5,
            )


def _why_silent(subject: Subject) -> str:
    causes = {
        "battery": "is it in external control, not off, not in the middle of a balance charge?",
        "ev": "does the car want to charge, and is the point enabled?",
        "pv": "is remote limiting switched on in the inverter?",
        "load": "has it something to do (thermostat), and is the relay in its circuit?",
    }
    return causes[subject.role]


def _reacted(subject: Subject, trace: Trace, seen: Measured) -> Iterator[Finding]:
    """A second master: it shows by the grid going back while the asset stays, or by the asset going back."""
    asset, grid = seen.asset, seen.grid
    if seen.has_reacted:
        kept = abs(grid.gain.value) / abs(grid.early.value)
        yield Finding(
            "other.reacted",
            f"something else reacted: the grid went back by {100 * (1 - kept):.0f} % while {subject.name} "
            "stayed; a second battery, or another energy manager, steers on this meter too",
        )
    if asset.early.is_sure() and abs(asset.early.value) > 0.5:
        kept = abs(asset.gain.value) / abs(asset.early.value)
        if kept < REACTED_SHARE:
            yield Finding(
                "other.master",
                f"{subject.name} went back by itself: another master commands it, or its own control does",
            )
    wrong = _held_otherwise(subject, trace)
    if wrong:
        yield Finding("other.wrote", f"{subject.point} did not keep what was written: {wrong}")


def _held_otherwise(subject: Subject, trace: Trace) -> str:
    """Whether the point, late in a hold, read otherwise than commanded more often than once."""
    found = []
    for edge in trace.edges:
        if subject.role == "pv" and edge.after_w < edge.before_w:
            continue  # let free again, its cap stands above what it generates
        late = trace.shown.within(edge.at_s + 0.6 * (edge.until_s - edge.at_s), edge.until_s)
        if late and abs(median(late) - edge.after_w) > max(50.0, 0.5 * abs(edge.change_w)):
            found.append(f"{median(late):.0f} W stood there instead of {edge.after_w:.0f} W")
    return found[0] if len(found) > 1 else ""


def _limited(subject: Subject, trace: Trace, seen: Measured) -> Iterator[Finding]:
    """It answers one way and not the other."""
    if not seen.weak:
        return
    soc = f" (state of charge {median(trace.soc.values):.0f} %)" if len(trace.soc) else ""
    words = {
        "up": f"{subject.name} does not charge{soc}: is it full, or is charging blocked?",
        "down": f"{subject.name} does not discharge{soc}: is it empty, or is discharging blocked?",
    }
    yield Finding("limit", words[seen.weak])


def _late(subject: Subject, trace: Trace, seen: Measured) -> Iterator[Finding]:
    """Answers that come late, or only when it has to wake up first."""
    answer = seen.asset.response
    if answer is None:
        return
    if answer.delay_s > LATE_S:
        yield Finding("late", f"{subject.name} answers only after {answer.delay_s:.0f} s", is_fault=False)
    if seen.wake_s:
        yield Finding(
            "standby",
            f"{subject.name} drops to standby at 0 W: it needs {seen.wake_s:.0f} s more to leave it",
            is_fault=False,
        )
    calm = [edge.at_s for edge in trace.edges[:1]]
    slow_s = trace.grid.part(0.0, calm[0]).update_s if calm else 0.0
    if slow_s > SLOW_S:
        yield Finding("meter.slow", f"the grid meter has news only every {slow_s:.0f} s", is_fault=False)


def _rested(subject: Subject, rest: Rest | None) -> Iterator[Finding]:
    """Generation that a cap of nothing sends to sleep."""
    if rest is None or (rest.woke_s is not None and rest.woke_s <= rest.usual_s + ASLEEP_S):
        return
    told = f"more than {rest.waited_s:.0f} s" if rest.woke_s is None else f"{rest.woke_s:.0f} s"
    yield Finding(
        "standby",
        f"{subject.name} drops to standby at a cap of 0 W: it needs {told} to come back; where that matters "
        "let its profile write no cap so low (lowest_pct of a SunSpec cap, low of another one)",
        is_fault=False,
    )


def timed(subject: Subject, watch: Watch | None) -> Iterator[Finding]:
    """How the device's timer acted where it was watched, in one finding: a fault if not as declared."""
    if watch is None:
        return
    if watch.seen_s is None:
        yield Finding(
            "timer.ignored",
            f"{subject.name} still took {watch.held_w:.0f} W {watch.waited_s:.0f} s after the last write: "
            f"it ignores its timer of {watch.expected_s:.0f} s, or polling keeps it alive",
        )
    elif watch.seen_s > LATE_TIMES * watch.expected_s + TIMER_SLACK_S:
        yield Finding(
            "timer.late",
            f"{subject.name} fell back only {watch.seen_s:.0f} s after the last write, its profile says "
            f"{watch.expected_s:.0f} s: something else than this timer ended it",
        )
    elif watch.seen_s < 0.5 * watch.expected_s:
        yield Finding(
            "timer.early",
            f"{subject.name} fell back {watch.seen_s:.0f} s after the last write, its profile says "
            f"{watch.expected_s:.0f} s: it must be written more often",
        )
    else:
        yield Finding(
            "timer", f"{subject.name} fell back {watch.seen_s:.0f} s after the last write", is_fault=False
        )
