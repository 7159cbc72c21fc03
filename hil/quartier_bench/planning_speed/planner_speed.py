"""Speed of the planner against HiGHS, cold and warm, and linprog of scipy: one battery, several net loads
a step, a car park.

Both sides plan the same days of several houses by turns, so that no processor learns one of them by heart,
and
both must find the same cost.  All times are CPU time of this process; building the program is not counted
for HiGHS.
"""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

from quartier.planning.horizon import BatteryModel, Contract, Outlook
from quartier.planning.site.site_model import SiteModel
from quartier.planning.site.site_plan import SitePlan, plan_site
from quartier.planning.storage.battery_plan import plan_battery
from quartier_bench.planning_speed.site_problems import make_car_park
from quartier_bench.planning_speed.site_program import SiteOptimum, SiteProgram
from quartier_bench.planning_speed.storage_horizons import (
    Horizon,
    SampledHorizon,
    make_house_horizon,
    make_sampled_house_horizon,
    remove_store_bounds,
)
from quartier_bench.speed.measurement import Figure, make_comparison, make_skipped_figure
from quartier_native.storages import plan_sampled, plan_storage

if TYPE_CHECKING:
    from quartier_bench.planning_speed.storage_program import StorageSolver


SAMPLED_SIZES = {96: (0.25, 4), 288: (1 / 12, 4), 672: (0.25, 4)}
"""Steps; hours of one, and how many houses."""
SAMPLES_PER_STEP = 10
COST_TOLERANCE = 1e-9
"""Relative difference up to which two costs are equal."""
SAMPLED_PLANS_PER_ROUND = 25
"""Number of plans of each site in a round by our planner; HiGHS makes one."""
_SAMPLED_PEER = "HiGHS, simplex without presolve"


def check_same_cost(ours: float, peer: float, scale: float) -> None:
    """Raise ValueError if the two found different optima."""
    if abs(ours - peer) > COST_TOLERANCE * scale:
        raise ValueError(f"ours costs {ours}, the peer's {peer}")


def measure_sampled_plans(solver: "Callable[[SampledHorizon], StorageSolver]", rounds: int) -> list[Figure]:
    """A figure a size, from ``rounds`` interleaved rounds; ``solver`` is HiGHS with one house.

    Raises ValueError where HiGHS finds another optimum.
    """
    return [
        _measure_sampled_size(
            count,
            [make_sampled_house_horizon(count, hours, SAMPLES_PER_STEP, seed) for seed in range(houses)],
            solver,
            rounds,
        )
        for count, (hours, houses) in SAMPLED_SIZES.items()
    ]


def make_sampled_call(samples: SampledHorizon) -> Callable[[], float]:
    """A plan of ours, and its cost less the worth of what is left."""
    arrays = samples.arrays()
    worth, last = samples.horizon.store["worth_price"], 2 * samples.horizon.count - 1
    return lambda: plan_sampled(*arrays).cost - worth * arrays[4][last]


def _measure_sampled_size(
    count: int,
    houses: Sequence[SampledHorizon],
    solver: "Callable[[SampledHorizon], StorageSolver]",
    rounds: int,
) -> Figure:
    ours, solvers = [make_sampled_call(one) for one in houses], [solver(one) for one in houses]
    for mine, peer, one in zip(ours, solvers, houses, strict=True):
        check_same_cost(mine(), peer.run(), one.scale)
    pairs: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        pairs[0].append(_measure_call_us([mine for mine in ours for _ in range(SAMPLED_PLANS_PER_ROUND)]))
        for peer in solvers:
            peer.forget()
        pairs[1].append(_measure_call_us([peer.run for peer in solvers]))
    what = f"a battery's plan, {count} steps of {SAMPLES_PER_STEP} net loads"
    return make_comparison(f"planning.samples_{count}", what, *pairs, "us", 1 / 100, peer_name=_SAMPLED_PEER)


def _measure_call_us(calls: Sequence[Callable[[], object]]) -> float:
    before = time.process_time()
    for one in calls:
        one()
    return 1e6 * (time.process_time() - before) / len(calls)


HIGHS_TIME_MAX_S = 120.0
"""After which HiGHS is stopped; the figure says how far it was then."""


def measure_car_park(
    rounds: int, site: SiteModel | None = None, seconds: float = HIGHS_TIME_MAX_S
) -> list[Figure]:
    """The figure, from ``rounds`` interleaved rounds.  Raises ValueError where a bound of one side is above
    the cost of the other.
    """
    park = site or make_car_park()
    ours, theirs = [], []
    for _ in range(rounds):
        before = time.process_time()
        mine = plan_site(park)
        between = time.process_time()
        within = max(mine.gap_eur / abs(mine.objective_eur), 1e-9)
        program = SiteProgram(park)
        begun = time.process_time()
        peer = program.solve(within=within, seconds=seconds)
        check_bounds(mine, peer)
        ours.append(1e3 * (between - before))
        theirs.append(1e3 * (time.process_time() - begun))
    reached = math.inf
    if math.isfinite(peer.cost_eur):
        reached = (peer.cost_eur - peer.bound_eur) / abs(peer.cost_eur)
    what = f"{len(park.cars)} cars, battery, tank, {park.outlook.count} steps, to {within:.1e} of the best"
    text = f"HiGHS, mixed-integer, to {within:.1e}"
    if reached > within + 1e-12:
        text = f"HiGHS, stopped at {reached:.1e} after {seconds:.0f} s"
    return [make_comparison("planning.site", what, ours, theirs, "ms", None, peer_name=text)]


def check_bounds(mine: SitePlan, peer: SiteOptimum) -> None:
    """Raise ValueError where one side's bound is above the other's cost."""
    near = 1e-6 * abs(mine.objective_eur) + 1e-6
    if mine.bound_eur > peer.cost_eur + near or peer.bound_eur > mine.objective_eur + near:
        raise ValueError(
            f"ours costs {mine.objective_eur}, at least {mine.bound_eur}; "
            f"the peer's {peer.cost_eur}, at least {peer.bound_eur}"
        )


HORIZON_SIZES = {96: 0.25, 288: 1 / 12, 672: 0.25}
"""Steps, and hours of one."""
UNBOUNDED_STEPS = 672
"""Steps in none of which the store is full or empty: the most work that a plan can be."""
HOUSES = 8
PLANS_PER_ROUND, PEER_PLANS_PER_ROUND = 25, 1
"""Number of plans of each site in a round, ours and the peer's."""
HIGHS_PEER, LINPROG_PEER, WARM_PEER = (
    "HiGHS, simplex without presolve",
    "scipy's linprog (highs)",
    "HiGHS from its last basis",
)
_MISSING_HIGHS = "no HiGHS: pip install highspy"
_PEAK_EUR_PER_W = 2e-3  # EUR a W, as a month of 60 EUR/kW in a plan of a day

Call = Callable[[], object]


def measure_planner(rounds: int) -> list[Figure]:
    """All figures of the group, each from ``rounds`` interleaved rounds."""
    try:
        from quartier_bench.planning_speed.storage_program import StorageProgram, StorageSolver  # noqa: PLC0415 - an extra
    except ImportError:
        names = [f"planning.{count}" for count in HORIZON_SIZES]
        names += [f"planning.unbounded_{UNBOUNDED_STEPS}"]
        names += [f"planning.samples_{count}" for count in SAMPLED_SIZES]
        names += ["planning.site"]
        return [
            make_skipped_figure(name, "a battery's plan", _MISSING_HIGHS, 1 / 100, peer_name=HIGHS_PEER)
            for name in names
        ]

    def solver(one: Horizon) -> "StorageSolver":
        return StorageSolver(StorageProgram(one.steps, one.store), presolve="off", solver="simplex")

    def averaging(one: SampledHorizon) -> "StorageSolver":
        program = StorageProgram(one.horizon.steps, one.horizon.store, samples=one.samples)
        return StorageSolver(program, presolve="off", solver="simplex")

    made = []
    for count, hours in HORIZON_SIZES.items():
        horizons = [make_house_horizon(count, hours, seed) for seed in range(HOUSES)]
        what = f"a battery's plan, {count} steps"
        ours, solvers = _make_agreeing_calls(horizons, solver)
        pairs = _measure_rounds(ours, [make_cold_call(peer) for peer in solvers], rounds)
        made.append(make_comparison(f"planning.{count}", what, *pairs, "us", 1 / 100, peer_name=HIGHS_PEER))
        if count == min(HORIZON_SIZES):
            pairs = _measure_rounds(ours, [make_warm_call(solvers)], rounds)
            made.append(
                make_comparison(
                    "planning.warm", f"{what}, new prices", *pairs, "us", 1 / 60, peer_name=WARM_PEER
                )
            )
            made += [
                _measure_linprog(what, ours, solvers, horizons, rounds),
                _measure_peak_price(what, horizons, rounds),
            ]
    ours, solvers = _make_agreeing_calls(
        [remove_store_bounds(make_house_horizon(UNBOUNDED_STEPS, 0.25, seed)) for seed in range(HOUSES)],
        solver,
    )
    what = f"a battery's plan, {UNBOUNDED_STEPS} steps, never full or empty"
    pairs = _measure_rounds(ours, [make_cold_call(peer) for peer in solvers], rounds)
    made.append(
        make_comparison(
            f"planning.unbounded_{UNBOUNDED_STEPS}", what, *pairs, "us", 1 / 100, peer_name=HIGHS_PEER
        )
    )
    made += measure_sampled_plans(averaging, rounds)
    return made + measure_car_park(rounds)


def _make_agreeing_calls(
    horizons: Sequence[Horizon], solver: "Callable[[Horizon], StorageSolver]"
) -> "tuple[list[Callable[[], float]], list[StorageSolver]]":
    """Calls of ours, and solvers of the same horizons that found the same costs."""
    solvers = [solver(one) for one in horizons]
    ours = [make_kernel_call(one) for one in horizons]
    for call, peer, one in zip(ours, solvers, horizons, strict=True):
        check_same_cost(call(), peer.run(), one.scale)
    return ours, solvers


def make_kernel_call(horizon: Horizon) -> Callable[[], float]:
    """A plan of ours, and its cost less the worth of what is left."""
    steps, store, plan = horizon.arrays()
    worth, last = horizon.store["worth_price"], 2 * horizon.count - 1

    def call() -> float:
        return plan_storage(steps, store, plan).cost - worth * plan[last]

    return call


def make_cold_call(solver: "StorageSolver") -> Call:
    """A run of HiGHS that knows of no run before."""

    def call() -> None:
        solver.forget()
        solver.run()

    return call


def make_warm_call(solvers: Sequence["StorageSolver"]) -> Call:
    """A run of the first solver with the prices of the next house, from the basis that it has."""
    solver, prices = solvers[0], cycle([one.cost for one in solvers])

    def call() -> None:
        solver.reprice(next(prices))
        solver.run()

    return call


def _measure_linprog(
    what: str,
    ours: Sequence[Callable[[], float]],
    solvers: Sequence["StorageSolver"],
    horizons: Sequence[Horizon],
    rounds: int,
) -> Figure:
    try:
        calls = [make_linprog_call(solver) for solver in solvers]
    except ImportError:
        why = "no scipy: pip install scipy"
        return make_skipped_figure("planning.linprog", what, why, 1 / 100, peer_name=LINPROG_PEER)
    for call, mine, one in zip(calls, ours, horizons, strict=True):
        check_same_cost(mine(), call(), one.scale)
    pairs = _measure_rounds(ours, calls, rounds)
    return make_comparison("planning.linprog", what, *pairs, "us", 1 / 100, peer_name=LINPROG_PEER)


def make_linprog_call(solver: "StorageSolver") -> Callable[[], float]:
    """The same program by scipy; ImportError where it is not."""
    import numpy as np  # noqa: PLC0415 - an extra
    from scipy.optimize import linprog  # noqa: PLC0415 - an extra
    from scipy.sparse import csr_matrix, vstack  # noqa: PLC0415 - an extra

    parts = solver.parts
    matrix = csr_matrix(
        (
            np.array(parts.a_matrix_.value_),
            np.array(parts.a_matrix_.index_),
            np.array(parts.a_matrix_.start_),
        ),
        shape=(parts.num_row_, parts.num_col_),
    )
    low, high = np.array(parts.row_lower_), np.array(parts.row_upper_)
    same, below, above = low == high, np.isinf(low) & ~np.isinf(high), np.isinf(high) & ~np.isinf(low)
    most = vstack([matrix[below], -matrix[above]]).tocsr()
    arguments: dict[str, Any] = {
        "c": np.array(parts.col_cost_),
        "A_ub": most,
        "b_ub": np.concatenate([high[below], -low[above]]),
        "A_eq": matrix[same],
        "b_eq": high[same],
        "bounds": np.column_stack([np.array(parts.col_lower_), np.array(parts.col_upper_)]),
        "method": "highs",
        "options": {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    }
    return lambda: float(linprog(**arguments).fun)


def _measure_peak_price(what: str, horizons: Sequence[Horizon], rounds: int) -> Figure:
    terms = Contract(peak_eur_per_w=_PEAK_EUR_PER_W)
    sites = [make_battery_site(one) for one in horizons]
    plain = [partial(plan_battery, battery, outlook) for battery, outlook in sites]
    priced = [partial(plan_battery, battery, outlook, terms) for battery, outlook in sites]
    pairs = _measure_rounds(priced, plain, rounds, (1, 1))
    name = "planning.peak"
    return make_comparison(
        name, f"{what}, its peak priced", *pairs, "us", None, peer_name="without its price"
    )


def make_battery_site(horizon: Horizon) -> tuple[BatteryModel, Outlook]:
    """A house as the entry point of the gateway's planning takes it."""
    hours = 24.0 / horizon.count
    steps, store = horizon.steps, horizon.store
    sun_w = [value / hours for value in steps["curtailable_wh"]]
    net_w = [value / hours for value in steps["net_wh"]]
    battery = BatteryModel(
        capacity_wh=steps["ceiling_wh"][0],
        reserve_wh=steps["floor_wh"][0],
        energy_wh=store["energy_wh"],
        charge_max_w=5000.0,
        discharge_max_w=5000.0,
        wear_eur_per_wh=store["wear_price"],
        worth_eur_per_wh=store["worth_price"],
    )
    outlook = Outlook(
        step_s=round(hours * 3600),
        load_w=[net + sun for net, sun in zip(net_w, sun_w, strict=True)],
        pv_w=sun_w,
        import_eur_per_wh=steps["import_price"],
        export_eur_per_wh=steps["export_price"],
        import_max_w=[value / hours for value in steps["import_max_wh"]],
        export_max_w=[value / hours for value in steps["export_max_wh"]],
    )
    return battery, outlook


def _measure_rounds(
    ours: Sequence[Call],
    peer: Sequence[Call],
    rounds: int,
    times: tuple[int, int] = (PLANS_PER_ROUND, PEER_PLANS_PER_ROUND),
) -> tuple[list[float], list[float]]:
    """Microseconds a plan, of both sides by round."""
    pairs = [
        (_measure_mean_us(ours, times[0]), _measure_mean_us(peer, times[1] * HOUSES // len(peer)))
        for _ in range(rounds)
    ]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _measure_mean_us(calls: Sequence[Call], times: int) -> float:
    before = time.process_time()
    for _ in range(times):
        for call in calls:
            call()
    return 1e6 * (time.process_time() - before) / times / len(calls)
