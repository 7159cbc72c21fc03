"""Estimators that learn one sample at a time: ridge regression and error quantiles (pure).

Source: Ljung, System Identification, 2nd ed., section 11.2; the weight of the prior is the ridge. The error
of a sample is clipped, so that one outlier cannot turn the model. The covariance is bounded, so that weeks
without excitation do not wind it up.

An error is divided by the usual size of the errors at that hour of the day. The quantiles of the result are
followed by steps along the gradient of the pinball loss (Koenker and Bassett 1978), separately for each
quarter of the day.
"""

from dataclasses import dataclass, field
from operator import mul


@dataclass(slots=True)
class RidgeRegression:
    """A linear model without intercept; features and targets should be near 1.

    ``forget`` is the share of its weight that a sample keeps from one sample to the next. ``doubt`` is the
    variance of the prior weights: a small value is a strong ridge.
    """

    weights: list[float]
    forget: float = 0.9995
    doubt: float = 0.02
    clip: float = 3.0
    spread: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = len(self.weights)
        if not self.spread:
            self.spread = [[self.doubt if row == at else 0.0 for at in range(size)] for row in range(size)]

    def value(self, features: list[float]) -> float:
        """Return the predicted target for the features."""
        return float(sum(map(mul, self.weights, features)))

    def learn(self, features: list[float], target: float, weight: float = 1.0) -> None:
        """Learn one sample; ``weight`` is above 0, and 1 for a usual sample."""
        error = min(max(target - self.value(features), -self.clip), self.clip)
        toward = [sum(map(mul, row, features)) for row in self.spread]
        scale = 1.0 / (self.forget / weight + sum(map(mul, toward, features)))
        gain = error * scale
        self.weights = [old + gain * change for old, change in zip(self.weights, toward, strict=True)]
        rest = 1.0 / self.forget
        self.spread = [
            [rest * (old - at * scale * other) for old, other in zip(row, toward, strict=True)]
            for row, at in zip(self.spread, toward, strict=True)
        ]
        self._limit_covariance()

    def _limit_covariance(self) -> None:
        """Limit the covariance to the prior's variance: forgetting inflates directions without excitation."""
        size = len(self.weights)
        trace, most = sum(self.spread[at][at] for at in range(size)), self.doubt * size
        if trace > most:
            share = most / trace
            self.spread = [[share * value for value in row] for row in self.spread]


QUANTILE_LEVELS = (0.1, 0.5, 0.9)
"""The quantiles that are estimated."""


_HOURS_COUNT, _PART_H, _PARTS_COUNT = 24, 6, 4
_SIZE_SHARE, _QUANTILE_STEP, _COVER_SHARE = 0.08, 0.03, 0.002
_FIRST_QUANTILES = (-1.3, -0.2, 1.6)
"""Quantiles of the scaled error before the first error: the upper tail is longer."""


@dataclass(slots=True)
class ErrorQuantiles:
    """Errors at one distance ahead, in W; ``size_w`` is the first estimate of their usual size."""

    size_w: float
    sizes_w: list[float] = field(default_factory=list)
    tails: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    inside: float = 0.8

    def __post_init__(self) -> None:
        self.sizes_w = [self.size_w] * _HOURS_COUNT
        self.tails = list(_FIRST_QUANTILES) * _PARTS_COUNT
        self.seen = [1.0] * _HOURS_COUNT

    def learn(self, hour: int, error_w: float) -> None:
        """Learn one error (actual minus forecast, in W) at an hour of the local day."""
        size, at = self.sizes_w[hour], hour // _PART_H * len(QUANTILE_LEVELS)
        if size > 0.0:
            far = error_w / size
            is_inside = self.tails[at] <= far <= self.tails[at + 2]
            self.inside += _COVER_SHARE * (float(is_inside) - self.inside)
            for place, level in enumerate(QUANTILE_LEVELS, at):
                self.tails[place] += _QUANTILE_STEP * (level - float(far < self.tails[place]))
        self.seen[hour] = min(self.seen[hour] + 1.0, 1e6)
        self.sizes_w[hour] += max(_SIZE_SHARE, 1.0 / self.seen[hour]) * (abs(error_w) - size)

    def find_band(self, hour: int, mean_w: float) -> tuple[float, float, float]:
        """Return the quantiles 10, 50 and 90 % around a mean, in ascending order, in W."""
        size, at = self.sizes_w[hour], hour // _PART_H * len(QUANTILE_LEVELS)
        low, middle, high = sorted(
            mean_w + size * tail for tail in self.tails[at : at + len(QUANTILE_LEVELS)]
        )
        return low, middle, high
