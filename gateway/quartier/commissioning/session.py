"""One probe, turn by turn: it goes on, or it ends in the very turn in which something is wrong (pure).

Giving the point back is the caller's, who does it after any end.
"""

from dataclasses import dataclass
from math import isfinite

from quartier.commissioning.bounds import Bounds, runaway_w
from quartier.commissioning.script import course
from quartier.commissioning.stage import Ended, Stage, Wish
from quartier.commissioning.subject import Subject
from quartier.house.image import Frozen

FIRST_READING_S = 40.0
LOST_S, LOST_PERIODS = 10.0, 4.0


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be done in this turn: a value written, something said, or the end (empty: as planned)."""

    value: float | None = None
    said: tuple[str, ...] = ()
    ended: str | None = None


class Session:
    """One probe.  ``turn`` is called several times a second with the image of the readings."""

    def __init__(self, subject: Subject, bounds: Bounds, wish: Wish, now_ns: int) -> None:
        self.stage = Stage(subject, bounds, wish, now_ns)
        self._script = course(self.stage)
        self._ended: str | None = None

    def turn(self, frozen: Frozen, refused: str, now_ns: int) -> Act:
        """Take one turn.  ``refused`` says why the last write did not succeed; empty while it may have."""
        stage = self.stage
        if self._ended is not None:
            return Act(ended=self._ended)
        stage.look(frozen, now_ns)
        try:
            _judge(stage, refused)
            next(self._script)
        except Ended as end:
            self._ended = str(end)
        except StopIteration:
            self._ended = ""
        said = tuple(stage.said)
        stage.said.clear()
        return Act(said=said, ended=self._ended) if self._ended is not None else Act(_written(stage), said)


def _judge(stage: Stage, refused: str) -> None:
    """End at once where a reading is lost, a limit reached, a write refused, or the asset runs away."""
    subject = stage.subject
    if refused:
        raise Ended(f"{subject.point}: {refused}")
    for point in (f"{subject.name}.power_w", f"{subject.grid}.power_w"):
        series = stage.columns[point].series
        if not len(series):
            if stage.now_s > FIRST_READING_S:
                raise Ended(f"{point} was never read: is the device on, and the site file right?")
            continue
        age_s = stage.now_s - series.times_s[-1]
        if age_s > LOST_S and age_s > LOST_PERIODS * series.period_s:
            raise Ended(f"{point} was lost: its last reading is {age_s:.0f} s old")
    if not stage.commands or not stage.steps:
        return
    if broken := stage.bounds.broken(stage.grid_w):
        raise Ended(f"a limit was reached: {broken}")
    allowed_w = runaway_w(subject, stage.most_w, stage.noise_w)
    if subject.role in {"battery", "ev"} and abs(stage.asset_w - stage.rest_w) > allowed_w:
        asked_w = stage.level_w or 0.0
        raise Ended(f"{subject.name} ran away: {stage.asset_w:.0f} W where {asked_w:.0f} W were asked for")
    if stage.now_s > _time_max_s(stage):
        raise Ended(f"the time of {stage.wish.for_s:.0f} s was over")


def _time_max_s(stage: Stage) -> float:
    timer = stage.subject.fallback
    watched = stage.wish.watch_timer and timer is not None and isfinite(timer.after_s)
    extra_s = 2 * timer.after_s + 60 if watched and timer is not None else 0.0
    return stage.wish.for_s * 1.5 + 30 + extra_s


def _written(stage: Stage) -> float | None:
    """The value to write now: a new one, or the old one again before the device's timer runs out."""
    if stage.due is None and stage.level_w is not None and stage.keeps:
        refresh_s = stage.subject.refresh_s
        if refresh_s is not None and stage.now_s - stage.written_s >= refresh_s:
            stage.due = stage.subject.value(stage.command_w)
    value, stage.due = stage.due, None
    if value is not None:
        stage.written_s = stage.now_s
    return value
