"""The caps of each building of a fleet: the common share, where what loosens may be spread (pure)."""

import numpy as np

from quartier_hil.offline.fleet.stock import Floats, uniform


class Caps:
    """Shares by building: what tightens acts at once, what loosens after a part of ``spread_s``.

    ``spread_s`` is ``randomize_start_s`` of the district's envelopes.
    """

    def __init__(self, count: int, seed: int, spread_s: float) -> None:
        self.share = np.ones(count)
        self._seed, self._spread_s = seed, spread_s
        self._common = 1.0
        self._due_s: Floats | None = None

    def second(self, second: int, share: float, *, spread: bool) -> bool:
        """Take the common share; ``spread``: it comes from a document.  Whether any building's changed."""
        changed = False
        if share != self._common:
            if share < self._common:
                self.share = np.minimum(self.share, share)
                changed = True
            elif spread and self._spread_s > 0.0:
                wait_s = self._spread_s * uniform(self._seed, f"release {second}", len(self.share))
                self._due_s = second + wait_s
            else:
                self.share, self._due_s = np.full(len(self.share), share), None
                changed = True
            self._common = share
        if self._due_s is not None:
            due = (self._due_s <= second) & (self.share != self._common)
            if due.any():
                self.share = np.where(due, self._common, self.share)
                changed = True
        return changed
