"""One probe cycle by cycle; what the operator agrees to (pure).

The caller gives the point back after every end.
"""

from dataclasses import dataclass
from math import isfinite

from quartier.commissioning.probe.probe_script import run_script
from quartier.commissioning.probe.probe_state import ProbeEnded, ProbeRequest, ProbeState
from quartier.commissioning.probe.probe_subject import ProbeLimits, ProbeSubject, find_runaway_power_w
from quartier.site.process_image import FrozenImage


def describe_probe(subject: ProbeSubject, bounds: ProbeLimits, request: ProbeRequest) -> list[str]:
    """Return what is done, within which bounds, what ends it, and what happens if this computer fails."""
    name = subject.name
    lines = [
        f"quartier probe {name} {_describe_steps(subject)}, for at most {request.for_s:.0f} s.",
        (
            f"The grid is kept between {-bounds.export_w:.0f} W and {bounds.import_w:.0f} W; "
            "it is looked at before each step and while it lasts."
        ),
        (
            "It ends at once on Ctrl-C, a lost reading, a limit, or an answer that runs away, "
            f"and gives {name} back."
        ),
        _describe_fallback(subject),
    ]
    if subject.persistent:
        budget = subject.writes_per_day
        lines.append(
            f"Each write wears the memory of {subject.point}: about 20 of its {budget} a day are made."
        )
    if request.watch_timer:
        lines.append(
            "At the end nothing is written any more, to see whether the device's own timer ends the step."
        )
    return lines


def _describe_steps(subject: ProbeSubject) -> str:
    name, step_w = subject.name, subject.step_w
    does = {
        "battery": f"takes {name} to 0 W and then steps it by {step_w:.0f} W, charging and discharging,"
        " several times",
        "ev": f"lets the car charge at its least current ({subject.low_w:.0f} W), then {step_w:.0f} W more,"
        " several times",
        "pv": f"lets {name} generate freely inside the limits and then curtails it by {step_w:.0f} W,"
        " several times, and once to nothing",
        "load": f"switches {name} ({step_w:.0f} W) on and off once, its least times kept",
    }
    return does[subject.role]


def _describe_fallback(subject: ProbeSubject) -> str:
    timer = subject.fallback
    if timer is None:
        return f"The device has no timer of its own; the site file accepts that: {subject.accepted}."
    if not isfinite(timer.after_s):
        return "If this computer dies, the last written value stays until quartier release is run."
    falls = "its own control" if timer.value is None else f"{subject.point} {timer.value:g}"
    return f"If this computer dies, the device by itself goes to {falls} after {timer.after_s:.0f} s."


FIRST_READING_S = 40.0
LOST_S, LOST_PERIODS = 10.0, 4.0


@dataclass(frozen=True, slots=True)
class ProbeAction:
    """Action of this cycle: a value to write, texts, or the end (empty: as planned)."""

    value: float | None = None
    texts: tuple[str, ...] = ()
    end_reason: str | None = None


class ProbeSession:
    """One probe. ``run_cycle`` is called several times a second with the process image."""

    def __init__(
        self, subject: ProbeSubject, bounds: ProbeLimits, request: ProbeRequest, now_ns: int
    ) -> None:
        self.stage = ProbeState(subject, bounds, request, now_ns)
        self._script = run_script(self.stage)
        self._end_reason: str | None = None

    def run_cycle(self, frozen: FrozenImage, refused: str, now_ns: int) -> ProbeAction:
        """Run one cycle. ``refused`` says why the last write failed; empty while it may succeed."""
        stage = self.stage
        if self._end_reason is not None:
            return ProbeAction(end_reason=self._end_reason)
        stage.look(frozen, now_ns)
        try:
            _check_state(stage, refused)
            next(self._script)
        except ProbeEnded as end:
            self._end_reason = str(end)
        except StopIteration:
            self._end_reason = ""
        texts = tuple(stage.texts)
        stage.texts.clear()
        return (
            ProbeAction(texts=texts, end_reason=self._end_reason)
            if self._end_reason is not None
            else ProbeAction(_find_value_to_write(stage), texts)
        )


def _check_state(stage: ProbeState, refused: str) -> None:
    """End at once if a reading is lost, a limit reached, a write refused, or the asset runs away."""
    subject = stage.subject
    if refused:
        raise ProbeEnded(f"{subject.point}: {refused}")
    for point in (f"{subject.name}.power_w", f"{subject.grid}.power_w"):
        series = stage.columns[point].series
        if not len(series):
            if stage.now_s > FIRST_READING_S:
                raise ProbeEnded(f"{point} was never read: is the device on, and the site file right?")
            continue
        age_s = stage.now_s - series.times_s[-1]
        if age_s > LOST_S and age_s > LOST_PERIODS * series.period_s:
            raise ProbeEnded(f"{point} was lost: its last reading is {age_s:.0f} s old")
    if not stage.commands or not stage.steps:
        return
    if broken := stage.bounds.broken(stage.grid_w):
        raise ProbeEnded(f"a limit was reached: {broken}")
    allowed_w = find_runaway_power_w(subject, stage.most_w, stage.noise_w)
    if subject.role in {"battery", "ev"} and abs(stage.asset_w - stage.rest_w) > allowed_w:
        asked_w = stage.level_w or 0.0
        raise ProbeEnded(f"{subject.name} ran away: {stage.asset_w:.0f} W where {asked_w:.0f} W were ordered")
    if stage.now_s > _find_duration_max_s(stage):
        raise ProbeEnded(f"the time of {stage.request.for_s:.0f} s was over")


def _find_duration_max_s(stage: ProbeState) -> float:
    timer = stage.subject.fallback
    watched = stage.request.watch_timer and timer is not None and isfinite(timer.after_s)
    extra_s = 2 * timer.after_s + 60 if watched and timer is not None else 0.0
    return stage.request.for_s * 1.5 + 30 + extra_s


def _find_value_to_write(stage: ProbeState) -> float | None:
    """Return the value to write now: a new one, or the old one before the device's timer expires."""
    if stage.due is None and stage.level_w is not None and stage.keeps:
        refresh_s = stage.subject.refresh_s
        if refresh_s is not None and stage.now_s - stage.written_s >= refresh_s:
            stage.due = stage.subject.value(stage.command_w)
    value, stage.due = stage.due, None
    if value is not None:
        stage.written_s = stage.now_s
    return value
