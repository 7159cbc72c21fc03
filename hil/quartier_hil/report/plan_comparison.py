"""Plan against measurement: the orders of each asset and the measurements of the plant (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, nan

from quartier_hil.checks.run_record import RunRecord
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


def _car_w(amperes: float) -> float:
    """Return the power in W that a limit of the charging current allows; 0 below the minimum current."""
    return 0.0 if amperes < _CAR.current_min_a else amperes * _CAR.voltage_v * _CAR.phases_count


def _relay_w(on: float) -> float:
    """A relay orders 0 W by being open, and nothing by being closed."""
    return 0.0 if on <= 0 else nan


PLAN_COMPARISONS = (
    PlanComparison("grid", "import cap", "limit.import_w", "grid.power_w", 1, 200.0),
    PlanComparison("grid", "export cap", "limit.export_w", "grid.power_w", -1, 200.0, lambda watts: -watts),
    PlanComparison("battery", "setpoint", "order.battery_w", "bat1.power_w", 0, 100.0),
    PlanComparison("car", "current limit", "order.current_max_a", "ev1.power_w", 1, 100.0, _car_w),
    PlanComparison("heat pump", "relay open", "order.relay_on", "hp1.power_w", 1, 50.0, _relay_w),
    PlanComparison(
        "PV",
        "generation cap",
        "order.generation_max_w",
        "pv1.power_w",
        -1,
        100.0,
        lambda watts: -watts,
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


def compute_ordered_w(plan: PlanComparison, course: RunRecord) -> list[float]:
    """The plan in W at each step; NaN where there was none."""
    watts = [plan.watts(value) for value in course.columns[plan.order]]
    return [value if isfinite(value) and abs(value) < INFINITE_W else nan for value in watts]


def list_active_plans(course: RunRecord) -> list[PlanComparison]:
    """Return the plans that were ever in force in this run."""
    return [
        plan for plan in PLAN_COMPARISONS if any(isfinite(value) for value in compute_ordered_w(plan, course))
    ]


def measure_deviation(plan: PlanComparison, course: RunRecord) -> PlanDeviation:
    """Compare step by step, each weighted by its length; steps without plan or measurement do not count."""
    spans_s = _compute_step_durations(course.times_s)
    time_s = off_ws = within_s = planned_ws = measured_ws = 0.0
    for span_s, plan_w, seen_w in zip(
        spans_s, compute_ordered_w(plan, course), course.columns[plan.measured], strict=True
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
