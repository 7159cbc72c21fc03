"""Figures of a battery's plan: against HiGHS, cold and warm, against scipy's linprog, what a peak's price
adds, and several net loads a step.

Both sides plan the same days of several houses by turns, so that no processor learns one of them by
heart, and both must find the same cost.  All times are CPU time of this process.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

from quartier.planning.horizon import BatteryModel, Contract, Outlook
from quartier.planning.storage.battery_plan import plan_battery
from quartier_hil.bench import parks, samples
from quartier_hil.bench.figure import Figure, against, skipped
from quartier_hil.bench.horizons import Horizon, Samples, house, unbounded
from quartier_hil.bench.samples import agree
from quartier_native.storages import plan_storage

if TYPE_CHECKING:
    from quartier_hil.bench.programs import Solver

SIZES = {96: 0.25, 288: 1 / 12, 672: 0.25}
"""Steps, and hours of one."""
UNBOUNDED = 672
"""Steps in none of which the store is full or empty: the most work that a plan can be."""
HOUSES = 8
TIMES, TIMES_PEER = 25, 1
"""Number of plans of each site in a round, ours and the peer's."""
PEER, LINPROG, WARM = (
    "HiGHS, simplex without presolve",
    "scipy's linprog (highs)",
    "HiGHS from its last basis",
)
_LIBRARIES = "no HiGHS: pip install highspy"
_PEAK = 2e-3  # EUR a W, as a month of 60 EUR/kW in a plan of a day

Call = Callable[[], object]


def figures(rounds: int) -> list[Figure]:
    """All figures of the group, each from ``rounds`` interleaved rounds."""
    try:
        from quartier_hil.bench.programs import Program, Solver  # noqa: PLC0415 - an extra
    except ImportError:
        names = [f"planning.{count}" for count in SIZES]
        names += [f"planning.unbounded_{UNBOUNDED}"]
        names += [f"planning.samples_{count}" for count in samples.SIZES]
        names += ["planning.site"]
        return [skipped(name, "a battery's plan", _LIBRARIES, 1 / 100, peer_name=PEER) for name in names]

    def solver(one: Horizon) -> "Solver":
        return Solver(Program(one.steps, one.store), presolve="off", solver="simplex")

    def averaging(one: Samples) -> "Solver":
        program = Program(one.horizon.steps, one.horizon.store, samples=one.samples)
        return Solver(program, presolve="off", solver="simplex")

    made = []
    for count, hours in SIZES.items():
        horizons = [house(count, hours, seed) for seed in range(HOUSES)]
        what = f"a battery's plan, {count} steps"
        ours, solvers = _agreeing(horizons, solver)
        pairs = _rounds(ours, [cold_call(peer) for peer in solvers], rounds)
        made.append(against(f"planning.{count}", what, *pairs, "us", 1 / 100, peer_name=PEER))
        if count == min(SIZES):
            pairs = _rounds(ours, [warm_call(solvers)], rounds)
            made.append(against("planning.warm", f"{what}, new prices", *pairs, "us", 1 / 60, peer_name=WARM))
            made += [_linprog(what, ours, solvers, horizons, rounds), _peak(what, horizons, rounds)]
    ours, solvers = _agreeing([unbounded(house(UNBOUNDED, 0.25, seed)) for seed in range(HOUSES)], solver)
    what = f"a battery's plan, {UNBOUNDED} steps, never full or empty"
    pairs = _rounds(ours, [cold_call(peer) for peer in solvers], rounds)
    made.append(against(f"planning.unbounded_{UNBOUNDED}", what, *pairs, "us", 1 / 100, peer_name=PEER))
    made += samples.figures(averaging, rounds)
    return made + parks.figures(rounds)


def _agreeing(
    horizons: Sequence[Horizon], solver: "Callable[[Horizon], Solver]"
) -> "tuple[list[Callable[[], float]], list[Solver]]":
    """Calls of ours, and solvers of the same horizons that found the same costs."""
    solvers = [solver(one) for one in horizons]
    ours = [kernel_call(one) for one in horizons]
    for call, peer, one in zip(ours, solvers, horizons, strict=True):
        agree(call(), peer.run(), one.scale)
    return ours, solvers


def kernel_call(horizon: Horizon) -> Callable[[], float]:
    """A plan of ours, and its cost less the worth of what is left."""
    steps, store, plan = horizon.arrays()
    worth, last = horizon.store["worth_price"], 2 * horizon.count - 1

    def call() -> float:
        return plan_storage(steps, store, plan).cost - worth * plan[last]

    return call


def cold_call(solver: "Solver") -> Call:
    """A run of HiGHS that knows of no run before."""

    def call() -> None:
        solver.forget()
        solver.run()

    return call


def warm_call(solvers: Sequence["Solver"]) -> Call:
    """A run of the first solver with the prices of the next house, from the basis that it has."""
    solver, prices = solvers[0], cycle([one.cost for one in solvers])

    def call() -> None:
        solver.reprice(next(prices))
        solver.run()

    return call


def _linprog(
    what: str,
    ours: Sequence[Callable[[], float]],
    solvers: Sequence["Solver"],
    horizons: Sequence[Horizon],
    rounds: int,
) -> Figure:
    try:
        calls = [linprog_call(solver) for solver in solvers]
    except ImportError:
        why = "no scipy: pip install scipy"
        return skipped("planning.linprog", what, why, 1 / 100, peer_name=LINPROG)
    for call, mine, one in zip(calls, ours, horizons, strict=True):
        agree(mine(), call(), one.scale)
    pairs = _rounds(ours, calls, rounds)
    return against("planning.linprog", what, *pairs, "us", 1 / 100, peer_name=LINPROG)


def linprog_call(solver: "Solver") -> Callable[[], float]:
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


def _peak(what: str, horizons: Sequence[Horizon], rounds: int) -> Figure:
    terms = Contract(peak_eur_per_w=_PEAK)
    sites = [site(one) for one in horizons]
    plain = [partial(plan_battery, battery, outlook) for battery, outlook in sites]
    priced = [partial(plan_battery, battery, outlook, terms) for battery, outlook in sites]
    pairs = _rounds(priced, plain, rounds, (1, 1))
    name = "planning.peak"
    return against(name, f"{what}, its peak priced", *pairs, "us", None, peer_name="without its price")


def site(horizon: Horizon) -> tuple[BatteryModel, Outlook]:
    """A house as the door of the gateway's planning takes it."""
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


def _rounds(
    ours: Sequence[Call], peer: Sequence[Call], rounds: int, times: tuple[int, int] = (TIMES, TIMES_PEER)
) -> tuple[list[float], list[float]]:
    """Microseconds a plan, of both sides by round."""
    pairs = [
        (_mean_us(ours, times[0]), _mean_us(peer, times[1] * HOUSES // len(peer))) for _ in range(rounds)
    ]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _mean_us(calls: Sequence[Call], times: int) -> float:
    before = time.process_time()
    for _ in range(times):
        for call in calls:
            call()
    return 1e6 * (time.process_time() - before) / times / len(calls)
