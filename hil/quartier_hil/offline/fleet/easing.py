"""Release a common hold of a district by rolling envelopes, as fast as its own load allows (pure).

Deferred consumption comes back for hours: rooms are cold, cars are empty.  Released at once, all of it adds
to the usual load of the district.  So after each common hold the district continues with a cap of its own, a
share of each contract.  Each minute it compares its load with the level that it may reach, and takes a step
up when there is room, a step down when there is none.
"""

import numpy as np

from quartier.control.switch_state import RESTORE_AFTER_S, RESTORE_SPREAD_S
from quartier_hil.offline.fleet.stock import Floats

MEAN_S = 60
"""A load is the mean of a minute, and looked at each minute."""
BEFORE_S = 900
NEAR_S = 1800
AHEAD_S = 300
"""A compressor runs for five minutes before it may be stopped: a level that falls is met so much before."""
CALM_S = 3600
"""After so long with the whole contract for all, the hold is over for the district."""
RAISE_S = RESTORE_AFTER_S + RESTORE_SPREAD_S
"""A step up waits for what the one before let back."""
GOAL, FULL, LEAST = 0.96, 0.98, 0.3
"""Of the level: where a step leads, and above what one down is due; and the least share that one leads to."""
RAISE_MIN, RAISE_MAX = 1.03, 1.2
"""A share raised by a fifth raises the load by a fifth at most: no step up leads beyond the goal."""
LEASE_S = 900
"""How long an envelope counts that no other one follows."""


def means(total_w: Floats) -> Floats:
    """By second, the mean of the minute that ends with it."""
    sums = np.concatenate(([0.0], np.cumsum(total_w)))
    found: Floats = np.full(len(total_w), np.nan)
    if len(total_w) >= MEAN_S:
        found[MEAN_S - 1 :] = (sums[MEAN_S:] - sums[:-MEAN_S]) / MEAN_S
    return found


def levels(plain_w: Floats, before_w: float) -> Floats:
    """By second, what a district may take after a hold without a peak that is the hold's, in W.

    As much as before it, or as the same day without it (``plain_w``, means of a minute) takes within half an
    hour of then.
    """
    near_w = plain_w.copy()
    for shift in range(MEAN_S, NEAR_S + 1, MEAN_S):
        np.fmax(near_w[shift:], plain_w[:-shift], out=near_w[shift:])
        np.fmax(near_w[:-shift], plain_w[shift:], out=near_w[:-shift])
    return np.fmax(near_w, before_w)


class Easing:
    """The district's say after a hold; ``plain_w`` is its forecast, by second of the record."""

    def __init__(self, plain_w: Floats) -> None:
        self._plain_w, self._level_w = plain_w, plain_w
        self._before_w: float | None = None
        self._was, self._rested = 1.0, False
        self._share, self._moved, self._told = 1.0, 0, 0
        self._watches = False

    def follow(self, place: int, total_w: Floats, share: float, *, rests: bool, hears: bool) -> float:
        """The share of each contract that is allowed now.

        ``share``: what the link's state allows, ``rests``: no gateway is at work, ``hears``: they hear the
        district.  Of ``total_w`` only what was before ``place`` is looked at.
        """
        if (rests or share < self._was) and self._before_w is None:
            self._before_w = self._most_w(total_w, place)
        if hears and not rests and self._before_w is not None and (self._rested or share > self._was):
            self._release(place, self._was)
            self._before_w = None if share >= 1.0 else self._before_w
        elif hears and self._watches and place % MEAN_S == 0:
            self._look(place, float(total_w[place - MEAN_S : place].mean()))
        self._was, self._rested = share, rests
        return min(share, self._share) if place < self._told + LEASE_S else share

    def _most_w(self, total_w: Floats, place: int) -> float:
        """The most in the quarter of an hour before; of a shorter time, of that."""
        minutes = means(total_w[max(place - BEFORE_S - MEAN_S, 0) : place])
        return float(np.nanmax(minutes, initial=0.0))

    def _release(self, place: int, share: float) -> None:
        assert self._before_w is not None
        self._level_w = levels(self._plain_w, self._before_w)
        self._moved, self._told, self._share, self._watches = place, place, share, True

    def _look(self, place: int, mean_w: float) -> None:
        level_w, since_s = float(self._level_w[place : place + AHEAD_S].min()), place - self._moved
        self._told = place
        factor = min(RAISE_MAX, GOAL * level_w / max(mean_w, 1.0))
        if mean_w > FULL * level_w and self._share > LEAST:
            self._share, self._moved = max(LEAST, self._share * factor), place
        elif factor >= RAISE_MIN and since_s >= RAISE_S and self._share < 1.0:
            self._share, self._moved = min(1.0, self._share * factor), place
        self._watches = self._share < 1.0 or since_s < CALM_S
