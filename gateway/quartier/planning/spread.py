"""How far off a forecast is: quantiles that learn from each error of its own back-test (pure).

An error is divided by the usual size of the errors at that hour of the day; of what remains the quantiles
are followed by steps along the gradient of the pinball loss (Koenker and Bassett 1978), by quarters of a day.
"""

from dataclasses import dataclass, field

LEVELS = (0.1, 0.5, 0.9)
"""The quantiles that are told."""
_HOURS, _PART_H, _PARTS = 24, 6, 4
_SHARE, _STEP, _COVER_SHARE = 0.08, 0.03, 0.002
_BEGIN = (-1.3, -0.2, 1.6)
"""Quantiles of the divided error before any was seen: an error to the right is the longer one."""


@dataclass(slots=True)
class Spread:
    """The errors of one distance ahead, in W; ``size_w`` is the first guess of their usual size."""

    size_w: float
    sizes_w: list[float] = field(default_factory=list)
    tails: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    inside: float = 0.8

    def __post_init__(self) -> None:
        self.sizes_w = [self.size_w] * _HOURS
        self.tails = list(_BEGIN) * _PARTS
        self.seen = [1.0] * _HOURS

    def learn(self, hour: int, error_w: float) -> None:
        """Take in what happened minus what was expected, at that hour of the local day."""
        size, at = self.sizes_w[hour], hour // _PART_H * len(LEVELS)
        if size > 0.0:
            far = error_w / size
            is_inside = self.tails[at] <= far <= self.tails[at + 2]
            self.inside += _COVER_SHARE * (float(is_inside) - self.inside)
            for place, level in enumerate(LEVELS, at):
                self.tails[place] += _STEP * (level - float(far < self.tails[place]))
        self.seen[hour] = min(self.seen[hour] + 1.0, 1e6)
        self.sizes_w[hour] += max(_SHARE, 1.0 / self.seen[hour]) * (abs(error_w) - size)

    def band(self, hour: int, mean_w: float) -> tuple[float, float, float]:
        """The quantiles 10, 50 and 90 % around a mean, in order."""
        size, at = self.sizes_w[hour], hour // _PART_H * len(LEVELS)
        low, middle, high = sorted(mean_w + size * tail for tail in self.tails[at : at + len(LEVELS)])
        return low, middle, high
