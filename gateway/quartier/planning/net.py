"""How far off the net of load and generation is (pure).

Cold and dark days come together, so that its errors are not the sum of the two: they are followed as such.
"""

import math
from dataclasses import dataclass, field

from quartier.planning.backtest import Score, share
from quartier.planning.slots import Grid
from quartier.planning.spread import Spread


@dataclass(slots=True)
class Net:
    """The errors of the net at one distance ahead."""

    grid: Grid
    ahead: int
    spread: Spread
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
        error, new = net_w - said, share(self.grid, self.tried)
        self.square += new * (error * error - self.square)
        self.size_w += new * (abs(error) - self.size_w)
        self.tried = min(self.tried + 1.0, 1e6)
        self.spread.learn(self.grid.place(slot).hour, error)

    def score(self) -> Score:
        """How it fared."""
        return Score(self.tried, self.square, self.size_w, self.spread.inside)
