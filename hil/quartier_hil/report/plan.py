"""Plan against measurement: the orders of each asset and the measurements of the plant (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, nan

from quartier_hil.plant.car import CarSpec
from quartier_hil.verdict.course import Course

# A cap that is not set is infinite, or nearly so.
FAR_W = 1e8
_CAR = CarSpec()


@dataclass(frozen=True, slots=True)
class Plan:
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


PLANS = (
    Plan("grid", "import cap", "limit.import_w", "grid.power_w", 1, 200.0),
    Plan("grid", "export cap", "limit.export_w", "grid.power_w", -1, 200.0, lambda watts: -watts),
    Plan("battery", "setpoint", "order.battery_w", "bat1.power_w", 0, 100.0),
    Plan("car", "current limit", "order.current_max_a", "ev1.power_w", 1, 100.0, _car_w),
    Plan("heat pump", "relay open", "order.relay_on", "hp1.power_w", 1, 50.0, _relay_w),
    Plan(
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
class Kept:
    """Deviation from one plan while it was in force; energies in Wh, deviations in W."""

    plan: Plan
    stood_s: float
    deviation_w: float
    """The mean distance from a setpoint, or the mean excess above (below) a cap."""
    within_pct: float
    planned_wh: float
    measured_wh: float


def ordered_w(plan: Plan, course: Course) -> list[float]:
    """The plan in W at each step; NaN where there was none."""
    watts = [plan.watts(value) for value in course.columns[plan.order]]
    return [value if isfinite(value) and abs(value) < FAR_W else nan for value in watts]


def stood(course: Course) -> list[Plan]:
    """Return the plans that were ever in force in this run."""
    return [plan for plan in PLANS if any(isfinite(value) for value in ordered_w(plan, course))]


def kept(plan: Plan, course: Course) -> Kept:
    """Compare step by step, each weighted by its length; steps without plan or measurement do not count."""
    spans_s = _spans_s(course.times_s)
    time_s = off_ws = within_s = planned_ws = measured_ws = 0.0
    for span_s, plan_w, seen_w in zip(
        spans_s, ordered_w(plan, course), course.columns[plan.measured], strict=True
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
    return Kept(
        plan,
        time_s,
        off_ws / weight_s,
        100.0 * within_s / weight_s,
        planned_ws / 3600.0,
        measured_ws / 3600.0,
    )


def _spans_s(times_s: Sequence[float]) -> list[float]:
    """Return the duration of each step in s; the last is as long as the one before."""
    spans_s = [after - before for before, after in pairwise(times_s)]
    return [*spans_s, spans_s[-1] if spans_s else 0.0][: len(times_s)]
