"""Plan against measurement: the orders of each asset and the measurements of the plant (pure)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite, nan

from quartier_hil.checks.run_record import OrderLedger, RunRecord
from quartier_hil.runner.daemon_history import WriteLedgerRow
from quartier_sim.plant.charge_points import CarSpec

# A cap that is not set is infinite, or nearly so.
INFINITE_W = 1e8
_CAR = CarSpec()


@dataclass(frozen=True, slots=True)
class PlanComparison:
    """``watts`` makes W of the column ``order``.

    ``side`` 0: it is to be met; +1: nothing may be above it; -1: nothing below it.
    """

    asset: str
    words: str
    order: str
    measured: str
    side: int
    tolerance_w: float
    watts: Callable[[float], float] = float
    output: str = ""
    """The point that is ordered; empty for a limit, which needs no order."""


def _car_w(amperes: float) -> float:
    """Return the power in W that a limit of the charging current allows; 0 below the minimum current."""
    return 0.0 if amperes < _CAR.current_min_a else amperes * _CAR.voltage_v * _CAR.phases_count


def _relay_w(on: float) -> float:
    """A relay orders 0 W by being open, and nothing by being closed."""
    return 0.0 if on <= 0 else nan


PLAN_COMPARISONS = (
    PlanComparison("grid", "import cap", "limit.import_w", "grid.power_w", 1, 200.0),
    PlanComparison("grid", "export cap", "limit.export_w", "grid.power_w", -1, 200.0, lambda watts: -watts),
    PlanComparison(
        "battery", "setpoint", "order.battery_w", "bat1.power_w", 0, 100.0, output="bat1.setpoint_w"
    ),
    PlanComparison(
        "car",
        "current limit",
        "order.current_max_a",
        "ev1.power_w",
        1,
        100.0,
        _car_w,
        output="ev1.current_max_a",
    ),
    PlanComparison(
        "heat pump",
        "relay open",
        "order.relay_on",
        "hp1.power_w",
        1,
        50.0,
        _relay_w,
        output="hp1.relay_on",
    ),
    PlanComparison(
        "PV",
        "generation cap",
        "order.generation_max_w",
        "pv1.power_w",
        -1,
        100.0,
        lambda watts: -watts,
        output="pv1.generation_max_w",
    ),
)


@dataclass(frozen=True, slots=True)
class PlanDeviation:
    """Deviation from one plan while it was in force; energies in Wh, deviations in W."""

    plan: PlanComparison
    active_s: float
    deviation_w: float
    """The mean distance from a setpoint, or the mean excess above (below) a cap."""
    within_pct: float
    planned_wh: float
    measured_wh: float


FirstOrders = Mapping[str, float]
"""By output: the second of its first order."""


def find_first_orders(ledger: OrderLedger, written: Iterable[WriteLedgerRow] = ()) -> FirstOrders:
    """Return when each output got its first order, by what the rig saw and by the gateway's own ledger."""
    found: dict[str, float] = {}
    orders = ((row.point, row.at_s) for row in written if row.value is not None)
    for point, at_s in (*((row.point, row.at_s) for row in ledger.rows), *orders):
        found[point] = min(at_s, found.get(point, inf))
    return found


def compute_ordered_w(
    plan: PlanComparison, record: RunRecord, first: FirstOrders | None = None
) -> list[float]:
    """The plan in W at each step; NaN where there was none.

    Before its first order an output is at a value of its own, which is no plan.  ``first`` None: not known.
    """
    begin_s = -inf if first is None or not plan.output else first.get(plan.output, inf)
    watts = [plan.watts(value) for value in record.columns[plan.order]]
    return [
        value if isfinite(value) and abs(value) < INFINITE_W and at_s >= begin_s else nan
        for at_s, value in zip(record.times_s, watts, strict=True)
    ]


def list_active_plans(record: RunRecord, first: FirstOrders | None = None) -> list[PlanComparison]:
    """Return the plans that were ever in force in this run."""
    return [plan for plan in PLAN_COMPARISONS if any(map(isfinite, compute_ordered_w(plan, record, first)))]


def measure_deviation(
    plan: PlanComparison, record: RunRecord, first: FirstOrders | None = None
) -> PlanDeviation:
    """Compare step by step, each weighted by its length; steps without plan or measurement do not count."""
    spans_s = _compute_step_durations(record.times_s)
    time_s = off_ws = within_s = planned_ws = measured_ws = 0.0
    for span_s, plan_w, seen_w in zip(
        spans_s, compute_ordered_w(plan, record, first), record.columns[plan.measured], strict=True
    ):
        if not (isfinite(plan_w) and isfinite(seen_w)):
            continue
        off_w = max((seen_w - plan_w) * plan.side, 0.0) if plan.side else abs(seen_w - plan_w)
        time_s += span_s
        off_ws += off_w * span_s
        within_s += span_s if off_w <= plan.tolerance_w else 0.0
        planned_ws += plan_w * span_s
        measured_ws += seen_w * span_s
    weight_s = time_s or 1.0
    return PlanDeviation(
        plan,
        time_s,
        off_ws / weight_s,
        100.0 * within_s / weight_s,
        planned_ws / 3600.0,
        measured_ws / 3600.0,
    )


def _compute_step_durations(times_s: Sequence[float]) -> list[float]:
    """Return the duration of each step in s; the last is as long as the one before."""
    spans_s = [after - before for before, after in pairwise(times_s)]
    return [*spans_s, spans_s[-1] if spans_s else 0.0][: len(times_s)]
