"""Back-test each forecast model at several distances ahead, and the net of load and generation (pure).

A trial covers one distance ahead. A forecast waits in a ring until its slot is over. Then the error of each
model is counted, the regression learns, and the spread of the chosen model learns. No model is evaluated on
data that it has already seen.

Cold days and dark days coincide, so the error of the net is not the sum of the two errors: it is tracked on
its own.
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
"""Lower edge of the distance range of each trial, in hours ahead; the last range has no upper edge."""


_TRIED_DISTANCES_H = (0, 1, 3, 6, 12, 20, 30, 42)
"""Distance at which each trial is evaluated, in hours ahead."""


RIDGE_MODEL, PRIOR_MODEL = 0, 1
"""Indices of the two models with weights: the learned one, and the one with the initial weights."""


_MODELS_COUNT = 4
_ERROR_MEMORY_D = 21.0
"""Time constant with which errors are forgotten, in days."""


_WARM_UP_D = 3.0
"""The regression is not chosen before this many days of trials."""


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """Score of one distance: trials, mean squared and mean absolute error, share between the quantiles."""

    tried: float
    square: float
    size_w: float
    inside: float


class ForecastModel(Protocol):
    """Interface of a model: ``load_model.py`` for a load, ``generation_model.py`` for generation."""

    @property
    def scale_w(self) -> float:
        """Return the power by which features and targets are divided, in W."""

    def learn(self, slot: int, value_w: float | None) -> None:
        """Learn the mean of a slot; None means unknown."""

    def features(self, slot: int, ahead: int, scale_w: float) -> list[float]:
        """Return the features of a slot as known ``ahead`` slots before it."""

    def plain(self, slot: int, ahead: int) -> tuple[float, float]:
        """Return two forecasts without weights; NaN where there is none."""


@dataclass(slots=True)
class DistanceBacktest:
    """Back-test at one distance ahead; all its contents have a fixed size."""

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

    def find_best_model(self, warm: float) -> int:
        """Return the model with the least squared error; the prior model while there are few trials."""
        if self.tried < warm:
            return PRIOR_MODEL
        return min(range(_MODELS_COUNT), key=self.squares.__getitem__)

    def predict_w(self, memory: ForecastModel, slot: int, ahead: int, model: int) -> float:
        """Return the forecast of one model alone for a slot, equal to its value in ``predict``."""
        if model not in (RIDGE_MODEL, PRIOR_MODEL):
            return self.predict(memory, slot, ahead)[2][model]
        scale = memory.scale_w
        features = memory.features(slot, ahead, scale)
        if model == RIDGE_MODEL:
            value = scale * self.regression.value(features)
        if model == PRIOR_MODEL or math.isnan(value):
            value = self._predict_prior_w(features, scale)
        return max(value, 0.0)

    def _predict_prior_w(self, features: list[float], scale: float) -> float:
        return scale * float(sum(map(mul, self.prior, features)))

    def predict(self, memory: ForecastModel, slot: int, ahead: int) -> tuple[float, list[float], list[float]]:
        """Return the scale, the features, and the forecast of each model for a slot, in W and at least 0."""
        scale = memory.scale_w
        features = memory.features(slot, ahead, scale)
        usual = self._predict_prior_w(features, scale)
        values = (scale * self.regression.value(features), usual, *memory.plain(slot, ahead))
        return scale, features, [max(usual if math.isnan(value) else value, 0.0) for value in values]

    def wait(self, memory: ForecastModel, slot: int, warm: float) -> None:
        """Store the forecast of ``slot`` until the slot is over."""
        scale, features, forecasts = self.predict(memory, slot, self.ahead)
        self.rows[slot % len(self.rows)] = [
            slot,
            scale,
            forecasts[self.find_best_model(warm)],
            *features,
            *forecasts,
        ]

    def judge(self, slot: int, hour: int, value_w: float, share: float) -> None:
        """Count the errors of the forecasts of a finished slot and learn; do nothing without a forecast."""
        row = self.rows[slot % len(self.rows)]
        if row[0] != slot:
            return
        for at, forecast in enumerate(row[-_MODELS_COUNT:]):
            error = value_w - forecast
            self.squares[at] += share * (error * error - self.squares[at])
            self.sizes_w[at] += share * (abs(error) - self.sizes_w[at])
        self.tried = min(self.tried + 1.0, 1e6)
        self.spread.learn(hour, value_w - row[2])
        self.regression.learn(row[3:-_MODELS_COUNT], value_w / row[1])


@dataclass(slots=True)
class ForecastBacktest:
    """Back-tests of one quantity at all distances; ``names`` are the names of its models."""

    grid: SlotGrid
    names: tuple[str, ...]
    trials: list[DistanceBacktest]
    memory: ForecastModel

    @property
    def warm_up_slots(self) -> float:
        """Return the slots that a trial needs before its regression may be chosen."""
        return _WARM_UP_D * self.grid.day

    def learn(self, slot: int, value_w: float | None) -> None:
        """Learn the mean of the slot that is over, and store the forecasts of the slots ahead."""
        if value_w is not None:
            hour = self.grid.place(slot).hour
            for trial in self.trials:
                trial.judge(slot, hour, value_w, find_error_weight(self.grid, trial.tried))
        self.memory.learn(slot, value_w)
        for trial in self.trials:
            trial.wait(self.memory, slot + 1 + trial.ahead, self.warm_up_slots)

    def trial(self, ahead: int) -> DistanceBacktest:
        """Return the trial whose distance range contains ``ahead`` (slots)."""
        return self.trials[find_distance(self.grid, ahead)]

    def predict_w(self, slot: int, ahead: int) -> float:
        """Return the forecast of the chosen model, in W."""
        trial = self.trial(ahead)
        return trial.predict_w(self.memory, slot, ahead, trial.find_best_model(self.warm_up_slots))

    def find_stored_w(self, at: int, slot: int) -> float:
        """Return the stored forecast of trial number ``at`` for a future slot, in W; 0 if there is none."""
        rows = self.trials[at].rows
        row = rows[slot % len(rows)]
        return row[2] if row[0] == slot else 0.0

    def model(self, aheads: Sequence[int]) -> str:
        """Return the name of the model that is chosen for most of the distances."""
        chosen = Counter(self.trial(ahead).find_best_model(self.warm_up_slots) for ahead in aheads)
        return self.names[chosen.most_common(1)[0][0]]

    def scores(self) -> list[ForecastScore]:
        """Return the score of the chosen model at each distance."""
        chosen = [(trial, trial.find_best_model(self.warm_up_slots)) for trial in self.trials]
        return [
            ForecastScore(trial.tried, trial.squares[at], trial.sizes_w[at], trial.spread.inside)
            for trial, at in chosen
        ]


def find_error_weight(grid: SlotGrid, tried: float) -> float:
    """Return the weight of a new error in the mean: equal weights at first, then the last weeks count."""
    return max(1.0 / (_ERROR_MEMORY_D * grid.day), 1.0 / (tried + 1.0))


def find_distance(grid: SlotGrid, ahead: int) -> int:
    """Return the index of the distance range that contains ``ahead`` (slots)."""
    return bisect(DISTANCE_EDGES_H, ahead // grid.hour) - 1


def make_backtest(
    grid: SlotGrid,
    names: tuple[str, ...],
    memory: ForecastModel,
    prior: Callable[[float], list[float]],
    size_w: float,
    forget_hour: float,
) -> ForecastBacktest:
    """Return a new back-test; ``prior`` gives the initial weights for a distance in hours."""
    trials = []
    for hours in _TRIED_DISTANCES_H:
        weights = prior(hours)
        forget = forget_hour ** (1.0 / grid.hour)
        regression = RidgeRegression(list(weights), forget=forget)
        trials.append(DistanceBacktest(hours * grid.hour, weights, regression, ErrorQuantiles(size_w)))
    return ForecastBacktest(grid, names, trials, memory)


@dataclass(slots=True)
class NetErrors:
    """Errors of the net at one distance ahead."""

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
        """Store the forecast of a slot until the slot is over."""
        self.rows[slot % len(self.rows)] = [float(slot), net_w]

    def judge(self, slot: int, net_w: float) -> None:
        """Count the error of a finished slot; do nothing if there was no forecast."""
        waited, forecast = self.rows[slot % len(self.rows)]
        if waited != slot:
            return
        error, new = net_w - forecast, find_error_weight(self.grid, self.tried)
        self.square += new * (error * error - self.square)
        self.size_w += new * (abs(error) - self.size_w)
        self.tried = min(self.tried + 1.0, 1e6)
        self.spread.learn(self.grid.place(slot).hour, error)

    def score(self) -> ForecastScore:
        """Return the score at this distance."""
        return ForecastScore(self.tried, self.square, self.size_w, self.spread.inside)
