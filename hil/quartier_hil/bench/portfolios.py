"""Figures of many sites planned in one call: a thousand houses of their own, against HiGHS house by house.

HiGHS plans a sample of them, drawn evenly; the plans of the sample must cost the same.  Times are CPU time
of this process, a site.
"""

import time
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.horizons import Horizon, house
from quartier_native.storages import PLAN_COLUMNS, TOLD_COLUMNS, plan_many

if TYPE_CHECKING:
    from quartier_hil.bench.programs import Solver

SITES, SAMPLE = 1000, 20
SIZES = {96: 0.25, 288: 1 / 12}
"""Steps, and hours of one."""
SAME = 1e-9


class Sites:
    """Houses in the buffers of ``plan_many``."""

    def __init__(self, horizons: Sequence[Horizon]) -> None:
        self.horizons = horizons
        self._counts = array("q", [one.count for one in horizons])
        self._steps, self._stores = array("d"), array("d")
        for one in horizons:
            steps, store, _ = one.arrays()
            self._steps += steps
            self._stores += store
        self._plans = array("d", bytes(8 * sum(self._counts) * len(PLAN_COLUMNS)))
        self._told = array("d", bytes(8 * len(horizons) * len(TOLD_COLUMNS)))

    def plan(self) -> int:
        """Plan all; returns how many have a plan."""
        return plan_many(self._counts, self._steps, self._stores, self._plans, self._told)

    def objective(self, site: int) -> float:
        """Of the last plan: its cost less the worth of what is left."""
        one, sites = self.horizons[site], len(self.horizons)
        block = sum(self._counts[:site]) * len(PLAN_COLUMNS)
        left_wh = self._plans[block + 2 * one.count - 1]
        return self._told[TOLD_COLUMNS.index("cost") * sites + site] - one.store["worth_price"] * left_wh


def figures(solver: "Callable[[Horizon], Solver]", rounds: int, sites: int = SITES) -> list[Figure]:
    """A figure a size, from ``rounds`` interleaved rounds; ``solver`` is HiGHS with one house.

    Raises ValueError where one site has no plan, or HiGHS finds another optimum.
    """
    return [_figure(count, hours, solver, rounds, sites) for count, hours in SIZES.items()]


def _figure(
    count: int, hours: float, solver: "Callable[[Horizon], Solver]", rounds: int, sites: int
) -> Figure:
    all_of_them = Sites([house(count, hours, seed) for seed in range(sites)])
    sample = range(0, sites, max(1, sites // SAMPLE))
    solvers = [solver(all_of_them.horizons[site]) for site in sample]
    if (made := all_of_them.plan()) != sites:
        raise ValueError(f"{made} of {sites} sites have a plan")
    for site, peer in zip(sample, solvers, strict=True):
        agree(all_of_them.objective(site), peer.run(), all_of_them.horizons[site].scale)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_us(all_of_them.plan) / sites)
        theirs.append(sum(_cold_us(peer) for peer in solvers) / len(solvers))
    what = f"{sites} sites of {count} steps planned in one call, a site"
    peer_name = f"HiGHS, simplex without presolve, {len(solvers)} of them"
    return against(f"planning.many_{count}", what, ours, theirs, "us", 1 / 100, peer_name=peer_name)


def agree(ours: float, peer: float, scale: float) -> None:
    """Raise ValueError where the two found another optimum."""
    if abs(ours - peer) > SAME * scale:
        raise ValueError(f"ours costs {ours}, the peer's {peer}")


def _cold_us(peer: "Solver") -> float:
    peer.forget()
    return _us(peer.run)


def _us(call: Callable[[], object]) -> float:
    before = time.process_time()
    call()
    return 1e6 * (time.process_time() - before)
