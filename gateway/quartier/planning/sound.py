"""Which values of a meter may teach anything: not the absurd, not what stands still for hours (pure)."""

import math
from dataclasses import dataclass

_STUCK_H = 6
"""A mean that stayed the same to the last bit for so long is no measurement."""
_BELOW = -0.02
"""Share of the most that noise around zero may be below it."""


@dataclass(slots=True)
class Sound:
    """Watches one quantity in W between 0 and ``most_w``; ``stuck`` is the number of slots, 0: never.

    A load of exactly zero that goes on is a meter without a word; the sun's zeroes at night are none.
    """

    most_w: float
    hour: int
    last_w: float = math.nan
    same: float = 0.0

    def taken(self, value_w: float | None, *, is_dark: bool = False) -> float | None:
        """The value if it may be believed, not below 0; else None.  ``is_dark``: zero is as it should be."""
        if value_w is None or not math.isfinite(value_w):
            return None
        if not _BELOW * self.most_w <= value_w <= self.most_w:
            return None
        self.same = min(self.same + 1.0, 1e6) if value_w == self.last_w and not is_dark else 0.0
        self.last_w = value_w
        return None if self.same >= _STUCK_H * self.hour else max(value_w, 0.0)
