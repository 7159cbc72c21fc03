"""Figure of a car park's plan: a battery, twenty cars and a tank over two days, beside HiGHS that may stop at
the gap that ours has proven.

Times are CPU time of this process; the building of the program is not counted on HiGHS's side, ours begins
at the door.
"""

import math
import time

from quartier.planning.site.site_model import SiteModel
from quartier.planning.site.site_plan import SitePlan, plan_site
from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.mixed import Judged, Mixed
from quartier_hil.bench.sites import large

SECONDS_MAX = 120.0
"""After which HiGHS is stopped; the figure says how far it was then."""


def figures(rounds: int, site: SiteModel | None = None, seconds: float = SECONDS_MAX) -> list[Figure]:
    """The figure, from ``rounds`` interleaved rounds.  Raises ValueError where a bound of one side is above
    the cost of the other.
    """
    park = site or large()
    ours, theirs = [], []
    for _ in range(rounds):
        before = time.process_time()
        mine = plan_site(park)
        between = time.process_time()
        within = max(mine.gap_eur / abs(mine.objective_eur), 1e-9)
        program = Mixed(park)
        begun = time.process_time()
        peer = program.solve(within=within, seconds=seconds)
        agree(mine, peer)
        ours.append(1e3 * (between - before))
        theirs.append(1e3 * (time.process_time() - begun))
    reached = math.inf
    if math.isfinite(peer.cost_eur):
        reached = (peer.cost_eur - peer.bound_eur) / abs(peer.cost_eur)
    what = f"{len(park.cars)} cars, battery, tank, {park.outlook.count} steps, to {within:.1e} of the best"
    told = f"HiGHS, mixed-integer, to {within:.1e}"
    if reached > within + 1e-12:
        told = f"HiGHS, stopped at {reached:.1e} after {seconds:.0f} s"
    return [against("planning.site", what, ours, theirs, "ms", None, peer_name=told)]


def agree(mine: SitePlan, peer: Judged) -> None:
    """Raise ValueError where one side's bound is above the other's cost."""
    near = 1e-6 * abs(mine.objective_eur) + 1e-6
    if mine.bound_eur > peer.cost_eur + near or peer.bound_eur > mine.objective_eur + near:
        raise ValueError(
            f"ours costs {mine.objective_eur}, at least {mine.bound_eur}; "
            f"the peer's {peer.cost_eur}, at least {peer.bound_eur}"
        )
