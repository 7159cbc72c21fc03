"""Ridge regression that learns one sample after the other: recursive least squares with forgetting (pure).

Source: Ljung, System Identification, 2nd ed., section 11.2; the prior's weight is the ridge.  The error of
a sample is clipped, so that one that is far out cannot turn the model, and the covariance is bounded, so that
weeks without excitement do not wind it up.
"""

from dataclasses import dataclass, field
from operator import mul


@dataclass(slots=True)
class Regression:
    """A linear model without intercept; features and targets should be near 1.

    ``forget`` is the share of its weight that a sample keeps from one to the next, ``doubt`` the variance of
    the prior's weights: small is a strong ridge.
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
        """What it expects."""
        return float(sum(map(mul, self.weights, features)))

    def learn(self, features: list[float], target: float, weight: float = 1.0) -> None:
        """Take in one sample; ``weight`` above 0, 1 is a usual one."""
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
        self._bound()

    def _bound(self) -> None:
        """Forgetting inflates what is not excited: the variance never exceeds the prior's."""
        size = len(self.weights)
        trace, most = sum(self.spread[at][at] for at in range(size)), self.doubt * size
        if trace > most:
            share = most / trace
            self.spread = [[share * value for value in row] for row in self.spread]
