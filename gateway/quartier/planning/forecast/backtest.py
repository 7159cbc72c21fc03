"""Back-test each forecast model at several distances ahead, and the net of load and generation (pure).

A trial is one distance ahead.  What was said waits in a ring until its slot is over; then each model's error
counts, the regression learns, and the spread of the chosen one does.  Nothing is judged on what it has seen.

Cold and dark days come together, so that its errors are not the sum of the two: they are followed as such.
"""

import math
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import Protocol

from quartier.planning.forecast.estimators import ErrorQuantiles, RidgeRegression
from quartier.planning.forecast.time_slots import SlotGrid

DISTANCE_EDGES_H = (0, 1, 2, 4, 8, 16, 24, 36)
"""Where the distances of each trial begin, in hours ahead; the last goes on."""


_TRIED_DISTANCES_H = (0, 1, 3, 6, 12, 20, 30, 42)
"""The distance at which each is tried."""


RIDGE_MODEL, PRIOR_MODEL = 0, 1
"""Places of the two models with weights: learnt, and as they were at first."""


_MODELS_COUNT = 4
_ERROR_MEMORY_D = 21.0
"""Time constant with which an error is forgotten."""


_WARM_UP_D = 3.0
"""Before so long the regression is not chosen."""


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """How a distance fared: trials, mean squared and mean absolute error, share between the quantiles."""

    tried: float
    square: float
    size_w: float
    inside: float


class ForecastModel(Protocol):
    """What a model is made of: ``load_model.py`` for a load, ``generation_model.py`` for generation."""

    @property
    def scale_w(self) -> float:
        """Return what features and targets are divided by."""

    def learn(self, slot: int, value_w: float | None) -> None:
        """Take in a slot."""

    def features(self, slot: int, ahead: int, scale_w: float) -> list[float]:
        """Return what is known of a slot, ``ahead`` slots before it."""

    def plain(self, slot: int, ahead: int) -> tuple[float, float]:
        """Two forecasts without weights; NaN where there is none."""


@dataclass(slots=True)
class DistanceBacktest:
    """One distance ahead; all that it holds has a fixed size."""

    ahead: int
    prior: list[float]
    regression: RidgeRegression
    spread: ErrorQuantiles
    rows: list[list[float]] = field(default_factory=list)
    squares: list[float] = field(default_factory=list)
    sizes_w: list[float] = field(default_factory=list)
    tried: float = 0.0

    def __post_init__(self) -> None:
        width = 3 + len(self.prior) + _MODELS_COUNT
        self.rows = [[math.nan] * width for _ in range(self.ahead + 1)]
        self.squares, self.sizes_w = [0.0] * _MODELS_COUNT, [0.0] * _MODELS_COUNT

    def chosen(self, warm: float) -> int:
        """The model with the least squared error; the usual one while little was tried."""
        if self.tried < warm:
            return PRIOR_MODEL
        return min(range(_MODELS_COUNT), key=self.squares.__getitem__)

    def predict_w(self, memory: ForecastModel, slot: int, ahead: int, model: int) -> float:
        """Return what one model alone expects of a slot, as ``said`` has it."""
        if model not in (RIDGE_MODEL, PRIOR_MODEL):
            return self.said(memory, slot, ahead)[2][model]
        scale = memory.scale_w
        features = memory.features(slot, ahead, scale)
        if model == RIDGE_MODEL:
            value = scale * self.regression.value(features)
        if model == PRIOR_MODEL or math.isnan(value):
            value = self._predict_prior_w(features, scale)
        return max(value, 0.0)

    def _predict_prior_w(self, features: list[float], scale: float) -> float:
        return scale * float(sum(map(mul, self.prior, features)))

    def said(self, memory: ForecastModel, slot: int, ahead: int) -> tuple[float, list[float], list[float]]:
        """The scale, the features and what each model expects of a slot, in W and not below 0."""
        scale = memory.scale_w
        features = memory.features(slot, ahead, scale)
        usual = self._predict_prior_w(features, scale)
        values = (scale * self.regression.value(features), usual, *memory.plain(slot, ahead))
        return scale, features, [max(usual if math.isnan(value) else value, 0.0) for value in values]

    def wait(self, memory: ForecastModel, slot: int, warm: float) -> None:
        """Keep what is expected of ``slot`` until it is over."""
        scale, features, said = self.said(memory, slot, self.ahead)
        self.rows[slot % len(self.rows)] = [slot, scale, said[self.chosen(warm)], *features, *said]

    def judge(self, slot: int, hour: int, value_w: float, share: float) -> None:
        """A slot is over: count the errors of what was said of it, and learn; nothing where nothing was."""
        row = self.rows[slot % len(self.rows)]
        if row[0] != slot:
            return
        for at, said in enumerate(row[-_MODELS_COUNT:]):
            error = value_w - said
            self.squares[at] += share * (error * error - self.squares[at])
            self.sizes_w[at] += share * (abs(error) - self.sizes_w[at])
        self.tried = min(self.tried + 1.0, 1e6)
        self.spread.learn(hour, value_w - row[2])
        self.regression.learn(row[3:-_MODELS_COUNT], value_w / row[1])


@dataclass(slots=True)
class ForecastBacktest:
    """Every distance of one quantity; ``names`` are those of its models."""

    grid: SlotGrid
    names: tuple[str, ...]
    trials: list[DistanceBacktest]
    memory: ForecastModel

    @property
    def warm_up_slots(self) -> float:
        """Slots that a trial needs before its regression may be chosen."""
        return _WARM_UP_D * self.grid.day

    def learn(self, slot: int, value_w: float | None) -> None:
        """Take in the mean of the slot that is over, and say what is expected of those to come."""
        if value_w is not None:
            hour = self.grid.place(slot).hour
            for trial in self.trials:
                trial.judge(slot, hour, value_w, find_error_weight(self.grid, trial.tried))
        self.memory.learn(slot, value_w)
        for trial in self.trials:
            trial.wait(self.memory, slot + 1 + trial.ahead, self.warm_up_slots)

    def trial(self, ahead: int) -> DistanceBacktest:
        """The one whose distance holds ``ahead``."""
        return self.trials[find_distance(self.grid, ahead)]

    def predict_w(self, slot: int, ahead: int) -> float:
        """Return what the chosen model expects."""
        trial = self.trial(ahead)
        return trial.predict_w(self.memory, slot, ahead, trial.chosen(self.warm_up_slots))

    def find_stored_w(self, at: int, slot: int) -> float:
        """Return what the trial at that place of the list said of a slot to come; 0 where it said nothing."""
        rows = self.trials[at].rows
        row = rows[slot % len(rows)]
        return row[2] if row[0] == slot else 0.0

    def model(self, aheads: Sequence[int]) -> str:
        """The name of the model that is chosen for most of the distances."""
        chosen = Counter(self.trial(ahead).chosen(self.warm_up_slots) for ahead in aheads)
        return self.names[chosen.most_common(1)[0][0]]

    def scores(self) -> list[ForecastScore]:
        """Of the chosen model, at each distance."""
        chosen = [(trial, trial.chosen(self.warm_up_slots)) for trial in self.trials]
        return [
            ForecastScore(trial.tried, trial.squares[at], trial.sizes_w[at], trial.spread.inside)
            for trial, at in chosen
        ]


def find_error_weight(grid: SlotGrid, tried: float) -> float:
    """The weight of a new error in a mean of so many: all alike at first, then the last weeks count."""
    return max(1.0 / (_ERROR_MEMORY_D * grid.day), 1.0 / (tried + 1.0))


def find_distance(grid: SlotGrid, ahead: int) -> int:
    """Return which of the distances holds ``ahead``."""
    return bisect(DISTANCE_EDGES_H, ahead // grid.hour) - 1


def make_backtest(
    grid: SlotGrid,
    names: tuple[str, ...],
    memory: ForecastModel,
    prior: Callable[[float], list[float]],
    size_w: float,
    forget_hour: float,
) -> ForecastBacktest:
    """A fresh back-test; ``prior`` gives the weights at a distance in hours."""
    trials = []
    for hours in _TRIED_DISTANCES_H:
        weights = prior(hours)
        forget = forget_hour ** (1.0 / grid.hour)
        regression = RidgeRegression(list(weights), forget=forget)
        trials.append(DistanceBacktest(hours * grid.hour, weights, regression, ErrorQuantiles(size_w)))
    return ForecastBacktest(grid, names, trials, memory)


@dataclass(slots=True)
class NetErrors:
    """The errors of the net at one distance ahead."""

    grid: SlotGrid
    ahead: int
    spread: ErrorQuantiles
    rows: list[list[float]] = field(default_factory=list)
    square: float = 0.0
    size_w: float = 0.0
    tried: float = 0.0

    def __post_init__(self) -> None:
        self.rows = [[math.nan, 0.0] for _ in range(self.ahead + 1)]

    def wait(self, slot: int, net_w: float) -> None:
        """Keep what is expected of a slot until it is over."""
        self.rows[slot % len(self.rows)] = [float(slot), net_w]

    def judge(self, slot: int, net_w: float) -> None:
        """A slot is over; nothing where nothing was said of it."""
        waited, said = self.rows[slot % len(self.rows)]
        if waited != slot:
            return
        error, new = net_w - said, find_error_weight(self.grid, self.tried)
        self.square += new * (error * error - self.square)
        self.size_w += new * (abs(error) - self.size_w)
        self.tried = min(self.tried + 1.0, 1e6)
        self.spread.learn(self.grid.place(slot).hour, error)

    def score(self) -> ForecastScore:
        """Return how it fared."""
        return ForecastScore(self.tried, self.square, self.size_w, self.spread.inside)
