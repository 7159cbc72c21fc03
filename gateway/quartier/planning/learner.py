"""What a building has learnt of itself, slot by slot: load, sun, and the net of both (pure)."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from quartier.planning import backtest, habit, keeping, sunshine
from quartier.planning.backtest import Backtest, place
from quartier.planning.clearsky import ClearSky
from quartier.planning.course import Band
from quartier.planning.habit import Habit
from quartier.planning.history import History, Known, Premises
from quartier.planning.net import Net
from quartier.planning.slots import Grid
from quartier.planning.sound import Sound
from quartier.planning.spread import Spread
from quartier.planning.sunshine import Sunshine

LOAD_MODELS = ("ridge", "habit", "yesterday", "last week")
SUN_MODELS = ("ridge", "clear sky", "yesterday", "usual")
DARK: Band = (0.0, 0.0, 0.0, 0.0)
_FORM = 1
"""Of what is kept; another one is not recalled."""
_FORGET_LOAD, _FORGET_SUN = 0.9997, 0.9997
"""What a sample keeps of its weight in an hour: half of it after three months."""
_LOAD_SIZE, _SUN_SIZE = 0.5, 0.1
"""First guess of an error, as a share of the mean load and of the rated sun."""
_SUN_MOST = 1.3
_DARK = 0.02
_GAP_DAYS = 7
"""Of a longer gap only its end is walked through; the memories of the week stay."""


@dataclass(slots=True)
class Learner:
    """All of it; its size does not grow.  One caller at a time."""

    premises: Premises
    grid: Grid = field(init=False)
    load: Backtest = field(init=False)
    sun: Backtest = field(init=False)
    nets: list[Net] = field(init=False)
    load_sound: Sound = field(init=False)
    sun_sound: Sound = field(init=False)
    sky: ClearSky = field(init=False)
    newest: float = math.nan

    def __post_init__(self) -> None:
        known = self.premises
        self.grid = grid = Grid(known.slot_s, known.zone)
        mean_w, rated_w = known.load_mean_w, max(known.pv_rated_w, 1.0)
        self.sky = ClearSky(grid, rated_w, known.where)
        load, sun = Habit(grid, mean_w), Sunshine(grid, self.sky)
        sizes_w = _LOAD_SIZE * mean_w, _SUN_SIZE * known.pv_rated_w
        self.load = backtest.made(grid, LOAD_MODELS, load, habit.prior, sizes_w[0], _FORGET_LOAD)
        self.sun = backtest.made(grid, SUN_MODELS, sun, sunshine.prior, sizes_w[1], _FORGET_SUN)
        self.nets = [Net(grid, trial.ahead, Spread(sum(sizes_w))) for trial in self.load.trials]
        self.load_sound = Sound(known.load_max_w, grid.hour)
        self.sun_sound = Sound(_SUN_MOST * rated_w, grid.hour)

    @property
    def has_sun(self) -> bool:
        """Whether the building generates at all."""
        return self.premises.pv_rated_w > 0.0

    def learn(self, history: History) -> None:
        """Take in every whole slot of it that is newer than what is known."""
        for slot, load_w, generated_w in history.slots(self.grid):
            self.step(slot, load_w, generated_w)

    def step(self, slot: int, load_w: Known, generated_w: Known) -> None:
        """Take in the means of one slot; what is not newer is left out, a gap is time that passed."""
        if slot <= self.newest:
            return
        if not math.isnan(self.newest):
            for missed in range(max(int(self.newest) + 1, slot - _GAP_DAYS * self.grid.day), slot):
                self._step(missed, None, None)
        self._step(slot, load_w, generated_w)

    def _step(self, slot: int, load_w: Known, generated_w: Known) -> None:
        self.newest = float(slot)
        load_w = self.load_sound.taken(load_w)
        sun_w: Known = 0.0
        if self.has_sun:
            is_dark = self.sky.value_w(slot) < _DARK * self.sky.rated_w
            sun_w = self.sun_sound.taken(generated_w, is_dark=is_dark)
        if load_w is not None and sun_w is not None:
            for net in self.nets:
                net.judge(slot, load_w - sun_w)
        self.load.learn(slot, load_w)
        if self.has_sun:
            self.sun.learn(slot, sun_w)
        for at, net in enumerate(self.nets):
            target = slot + 1 + net.ahead
            net.wait(target, self.load.waiting_w(at, target) - self.sun.waiting_w(at, target))

    def bands(self, slot: int, ahead: int) -> tuple[Band, Band, Band]:
        """Load, sun and net of one slot, ``ahead`` slots after the first that is not known."""
        hour = self.grid.place(slot).hour
        load = _band(self.load, slot, ahead, self.premises.load_max_w)
        has_light = self.has_sun and not self.sky.is_night(slot)
        sun = _band(self.sun, slot, ahead, self.sky.rated_w) if has_light else DARK
        mean_w = load[0] - sun[0]
        return load, sun, (mean_w, *self.nets[place(self.grid, ahead)].spread.band(hour, mean_w))

    def keep(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {"form": _FORM, "premises": asdict(self.premises), "learnt": keeping.kept(self)}


def recalled(premises: Premises, told: Any) -> Learner:
    """Whoever kept this, again.  Raises ValueError where it is of another form, or of another building."""
    if not isinstance(told, dict) or told.get("form") != _FORM:
        raise ValueError(f"form: expected {_FORM}; what was learnt is begun anew")
    if (found := told.get("premises")) != _plain(asdict(premises)) and found != asdict(premises):
        raise ValueError("premises: the site file changed; what was learnt is begun anew")
    fresh = Learner(premises)
    keeping.recalled(fresh, told.get("learnt"))
    return fresh


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in table.items()}


def _band(tried: Backtest, slot: int, ahead: int, most_w: float) -> Band:
    mean_w = min(tried.expected_w(slot, ahead), most_w)
    around = tried.trial(ahead).spread.band(tried.grid.place(slot).hour, mean_w)
    low_w, middle_w, high_w = (min(max(value, 0.0), most_w) for value in around)
    return mean_w, low_w, middle_w, high_w
