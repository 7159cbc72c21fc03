"""Figures of a battery's plan for the mean over ten net loads a step, against HiGHS with the same samples.

Both must find the same cost; the first step has one net load, as it is measured.  Times are CPU time of this
process.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.horizons import Samples, house_samples
from quartier_native.storages import plan_sampled

if TYPE_CHECKING:
    from quartier_hil.bench.programs import Solver

SIZES = {96: (0.25, 4), 288: (1 / 12, 4), 672: (0.25, 4)}
"""Steps; hours of one, and how many houses."""
SAMPLES = 10
SAME = 1e-9
"""Relative difference up to which two costs are equal."""
TIMES = 25
"""Number of plans of each site in a round by our planner; HiGHS makes one."""
_PEER = "HiGHS, simplex without presolve"


def agree(ours: float, peer: float, scale: float) -> None:
    """Raise ValueError if the two found different optima."""
    if abs(ours - peer) > SAME * scale:
        raise ValueError(f"ours costs {ours}, the peer's {peer}")


def figures(solver: "Callable[[Samples], Solver]", rounds: int) -> list[Figure]:
    """A figure a size, from ``rounds`` interleaved rounds; ``solver`` is HiGHS with one house.

    Raises ValueError where HiGHS finds another optimum.
    """
    return [
        _figure(count, [house_samples(count, hours, SAMPLES, seed) for seed in range(houses)], solver, rounds)
        for count, (hours, houses) in SIZES.items()
    ]


def call(samples: Samples) -> Callable[[], float]:
    """A plan of ours, and its cost less the worth of what is left."""
    arrays = samples.arrays()
    worth, last = samples.horizon.store["worth_price"], 2 * samples.horizon.count - 1
    return lambda: plan_sampled(*arrays).cost - worth * arrays[4][last]


def _figure(
    count: int, houses: Sequence[Samples], solver: "Callable[[Samples], Solver]", rounds: int
) -> Figure:
    ours, solvers = [call(one) for one in houses], [solver(one) for one in houses]
    for mine, peer, one in zip(ours, solvers, houses, strict=True):
        agree(mine(), peer.run(), one.scale)
    pairs: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        pairs[0].append(_us([mine for mine in ours for _ in range(TIMES)]))
        for peer in solvers:
            peer.forget()
        pairs[1].append(_us([peer.run for peer in solvers]))
    what = f"a battery's plan, {count} steps of {SAMPLES} net loads"
    return against(f"planning.samples_{count}", what, *pairs, "us", 1 / 100, peer_name=_PEER)


def _us(calls: Sequence[Callable[[], object]]) -> float:
    before = time.process_time()
    for one in calls:
        one()
    return 1e6 * (time.process_time() - before) / len(calls)
