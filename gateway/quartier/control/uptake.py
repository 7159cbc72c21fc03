"""What a car takes of what its point could give, as far as it was seen in this stay (pure).

A car may use one phase of three, and less current than it is offered.  Until that was seen it is reckoned
with the least that a car which charges takes: nobody who waits for a cheaper hour may wait on a hope.
"""

from dataclasses import dataclass
from math import ceil, inf

from quartier.control.players import CAR_ANSWERS_S
from quartier.house.assets import Ev
from quartier.house.records import replace

WATCH_S = 30.0
"""So long it is watched; what it took at least in that time it is sure to take."""
UNDER_A = 1.5
"""One that stays so much below its order takes all that it can."""
MORE = 1.02
"""Only what is so much more than it was seen to take is more."""
_ROUND = 0.2
"""A phase at some more than its nominal voltage is no second one."""
_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Sight:
    """One look: what a car may take, in A, what it takes, in W, when that was read, and on how many phases
    it charges where its currents say so.
    """

    order_a: float
    watts: float
    read_ns: int
    phases_count: int | None = None


@dataclass(frozen=True, slots=True)
class Uptake:
    """``sure_w`` is what it is sure to take, 0 while nobody knows; ``is_all``: it was offered more, and took
    no more; ``phases_count`` are the fewest that carry it.

    ``low_w`` is the least since ``since_ns``, ``least_a`` the smallest order and ``order_a`` the last one.
    """

    sure_w: float = 0.0
    is_all: bool = False
    phases_count: int = 0
    low_w: float = inf
    least_a: float = inf
    order_a: float = 0.0
    since_ns: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether it was seen what it takes."""
        return self.sure_w > 0.0

    def least_w(self, ev: Ev) -> float:
        """What it takes at full current for sure: the least of a car that charges where nothing was seen."""
        return self.sure_w if self.is_known else ev.current_min_a * ev.voltage_v

    def likely_w(self, ev: Ev, phases_count: int) -> float:
        """What it takes at full current, as far as nothing speaks against it; on ``phases_count`` at most."""
        if self.is_all:
            return self.sure_w
        return max(self.sure_w, ev.current_max_a * ev.voltage_v * (self.phases_count or phases_count))

    def planned(self, ev: Ev) -> tuple[int, float]:
        """Phases and largest current, in A, that a plan may reckon with."""
        if not self.is_known:
            return 1, float(ceil(ev.current_min_a))
        if not self.is_all:
            return self.phases_count, ev.current_max_a
        return self.phases_count, min(ev.current_max_a, self.sure_w / (ev.voltage_v * self.phases_count))


def looked(before: Uptake, ev: Ev, seen: Sight, now_ns: int) -> Uptake:
    """One look more at a car that draws."""
    if before.since_ns is None or seen.order_a > before.order_a + UNDER_A:
        return replace(
            before, low_w=inf, least_a=seen.order_a, order_a=seen.order_a, since_ns=now_ns
        )  # what it takes now is by another order
    watched_s = (seen.read_ns - before.since_ns) / _S
    low_w = before.low_w if watched_s < CAR_ANSWERS_S else min(before.low_w, seen.watts)
    least_a, after = min(before.least_a, seen.order_a), before
    if (low_w, least_a, seen.order_a) != (before.low_w, before.least_a, before.order_a):
        after = replace(before, low_w=low_w, least_a=least_a, order_a=seen.order_a)
    return after if watched_s < WATCH_S else _concluded(after, ev, seen.phases_count, now_ns)


def unwatched(before: Uptake) -> Uptake:
    """It draws nothing, or may not: what was seen stands."""
    return before if before.since_ns is None else replace(before, since_ns=None)


def _concluded(watched: Uptake, ev: Ev, phases_count: int | None, now_ns: int) -> Uptake:
    """A watch is over, and the next begins."""
    low_w, least_a = watched.low_w, max(ev.current_min_a, watched.least_a)
    count = phases_count or min(ev.phases_count, max(1, ceil(low_w / (ev.voltage_v * least_a) - _ROUND)))
    is_all = low_w < (least_a - UNDER_A) * ev.voltage_v * count
    after = replace(watched, low_w=inf, least_a=watched.order_a, since_ns=now_ns)
    if is_all or low_w > MORE * watched.sure_w:
        return replace(after, sure_w=low_w, is_all=is_all, phases_count=count)
    return after
